"""One network from several that went on from the same weights, apart from one another: the mean of their weights.

    wildpose train pretrain-3d --init A ... --set seed=1 --threads 1 --out runs/1 &
    wildpose train pretrain-3d --init A ... --set seed=2 --threads 1 --out runs/2
    wildpose merge runs/1/pretrain-3d/step-004700 runs/2/pretrain-3d/step-004700 --out runs/3

Each of two trainings on one thread is more than half as fast as one on two, and networks that began alike end near
enough to one another that the mean of their weights may be better than either (Wortsman et al., Model soups, ICML
2022; what it was here: docs/training.md), at the cost of one. Weights without a common start have no such mean:
units that do the same lie in other places.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from wildpose.config import PHASES, TrainConfig, from_dict
from wildpose.data.mix import each_once
from wildpose.errors import InputError
from wildpose.models.generator import Generator
from wildpose.train.checkpoint import checkpoint_path, read_checkpoint, save_checkpoint

FIX = "merge networks that went on from one checkpoint or weights file"


def merge(parts: Sequence[Path], out: Path) -> Path:
    """Average the generators of checkpoints, batch statistics as well; returns a checkpoint in `out`/merge.

    InputError unless there are two or more, of one architecture, without a refiner (it knows the errors of one
    network), trained in phase 2 or 3, and with a past in common.
    """
    if len(parts) < 2:
        raise InputError("two checkpoints or more to merge", str(len(parts)), "name the others, too")
    states, tensors = zip(*map(read_checkpoint, parts), strict=True)
    models = [from_dict(TrainConfig, state["config"]).model for state in states]
    for part, model, state in zip(parts, models, states, strict=True):
        if model != models[0]:
            raise InputError(f"a network of {models[0]}", f"{model} in {part}", FIX)
        if model.refiner_width:
            raise InputError("networks without a refiner", f"one in {part}", "merge first, then refine")
        if state["phase"] not in PHASES[1:]:
            raise InputError(f"a checkpoint of {' or '.join(PHASES[1:])}", f"{state['phase']} in {part}", FIX)
    past = common_start([state["history"] for state in states])
    if not past:
        raise InputError("networks with a past in common", "none", FIX)
    branches = [{**step, "branch": i + 1} for i, state in enumerate(states) for step in state["history"][len(past) :]]
    merged = {
        "step": max(state["step"] for state in states),
        "phase": states[0]["phase"],
        "config": states[0]["config"],
        "history": [*past, *branches],
        "data": each_once(source for state in states for source in state["data"]),
        "bone_sum_mm": states[0]["bone_sum_mm"],
    }
    mean = Generator(models[0])
    mean.load_state_dict(mean_of([kept["average"] for kept in tensors]))
    check_new(out / "merge", merged["step"])
    return save_checkpoint(out / "merge", {"generator": mean, "average": mean}, [], merged, keep=None)


def check_new(run: Path, step: int) -> None:
    """InputError if a checkpoint of that step is there: a mean bears the number of the longest of its trainings."""
    if checkpoint_path(run, step).exists():
        got = f"a checkpoint of step {step}"
        raise InputError(f"nothing in the way of the mean in {run}", got, "give another --out")


def mean_of(weights: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """By name; counts are those of the first."""
    return {
        name: torch.stack([each[name] for each in weights]).mean(0) if value.is_floating_point() else value
        for name, value in weights[0].items()
    }


def common_start(histories: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The phases that all went through together, up to where they part.

    Of histories that don't name their runs (before 28 November 2026), the last entry is not trusted where one of them
    ends with it: two trainings of the same length look alike.
    """
    past = []
    for steps in zip(*histories, strict=False):
        if any(step != steps[0] for step in steps):
            break
        past.append(steps[0])
    named = bool(past) and "run" in past[-1]
    return past if named or all(len(history) > len(past) for history in histories) else past[:-1]
