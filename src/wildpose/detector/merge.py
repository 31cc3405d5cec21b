"""One detector from several that went on from one another or from the same weights: the mean of their weights.

A detector that learnt on for pictures of poor cameras found fewer people in good ones; the mean of it and what it came
from finds as many in good ones as before, and in poor ones twice as many (docs/detector.md; Wortsman et al., Robust
fine-tuning of zero-shot models, CVPR 2022).
"""

from collections.abc import Sequence
from pathlib import Path

from wildpose.detector.model import PeopleNet
from wildpose.detector.train import read_detector, training_of
from wildpose.errors import InputError
from wildpose.train.checkpoint import save_checkpoint
from wildpose.train.merge import check_new, mean_of


def merge_detectors(parts: Sequence[Path], out: Path) -> Path:
    """Average the networks of checkpoints, batch statistics as well; returns a checkpoint in `out`.

    InputError for fewer than two, or checkpoints of something else. That they have a past in common it can't know.
    """
    if len(parts) < 2:
        raise InputError("two checkpoints or more to merge", str(len(parts)), "name the others, too")
    states, tensors = zip(*map(read_detector, parts), strict=True)
    known = {source["name"]: source for state in states for source in state["data"]}
    merged = {
        "step": max(state["step"] for state in states),
        "phase": "detector",
        "config": states[-1]["config"],
        "mean_of": [training_of(state) for state in states],
        "data": list(known.values()),
    }
    mean = PeopleNet()
    mean.load_state_dict(mean_of([kept["average"] for kept in tensors]))
    check_new(out, merged["step"])
    return save_checkpoint(out, {"network": mean, "average": mean}, [], merged, keep=None)
