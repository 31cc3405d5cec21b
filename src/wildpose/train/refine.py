"""The last step beyond the paper: a pose refiner for a trained network, which itself stays as it is.

It learns from what the network says of augmented crops (lessons.py), for many rounds in minutes. On pictures with 3D
labels it is told the whole pose, on photos the labelled joints, so that it stays true to what people in photos do. The
network doesn't remember its training pictures (it is as good on others, docs/training.md): its errors on them are
those that it makes elsewhere.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wildpose.config import PRESETS
from wildpose.data.mix import TrainData, each_once
from wildpose.errors import InputError
from wildpose.models.generator import Generator
from wildpose.models.refiner import PoseRefiner
from wildpose.train.checkpoint import save_checkpoint
from wildpose.train.guard import full_disk_told, only_writer
from wildpose.train.lessons import Lessons, collect, forget
from wildpose.train.loop import tell
from wildpose.train.places import learn_places, poses_of
from wildpose.train.start import read_start
from wildpose.train.validate import validate_2d, validate_3d


@dataclass(frozen=True, kw_only=True)
class RefineSettings:
    width: int = 512
    """Of the refiner's layers."""
    places_width: int = 512
    """Of those of its part that knows what depth goes with which places; 0: without."""
    views: int = 6000
    """Steps of 512 poses without pictures, from which that part learns."""
    crops: int = 60_000
    """Augmented crops that are learnt from."""
    rounds: int = 15
    """Times that each is."""
    batch: int = 256
    """Crops a step."""
    lr: float = 1e-3
    """Peak learning rate of AdamW; down to zero along a cosine."""
    weight_decay: float = 0.01
    """AdamW's."""
    seed: int = 0
    """Of weights, order and augmentation."""
    go_on: bool = False
    """From the refiner that is there, and as wide, in place of a fresh one."""


def refine(
    start: Path, data: TrainData, out: Path, settings: RefineSettings, notify: Callable[[str], None] = tell
) -> Path:
    """Train a refiner for the network of `start` (a checkpoint or a weights file); returns a checkpoint in `out` that
    holds both. The same call goes on after a kill. InputError for data without 3D labels, a folder that another run
    writes, or a full disk."""
    if data.studio is None or data.bone_sum_mm is None:
        raise InputError("a set with 3D labels", "none", "give --studio or --data-3d")
    folder = out / "refine"
    folder.mkdir(parents=True, exist_ok=True)
    with full_disk_told(folder), only_writer(folder, notify):
        done = _refined(start, data, folder, settings, notify)
        forget(folder)
    return done


def _refined(
    start: Path, data: TrainData, folder: Path, settings: RefineSettings, notify: Callable[[str], None]
) -> Path:
    begun = read_start(start)
    torch.manual_seed(settings.seed)
    places_width = begun.model.refiner_places_width if settings.go_on else settings.places_width
    model = replace(begun.model, refiner_width=settings.width, refiner_places_width=places_width)
    generator, weights = Generator(model), begun.weights
    if not settings.go_on:
        weights = {name: value for name, value in weights.items() if not name.startswith("refiner.")}
    generator.load_state_dict(weights, strict=False)
    generator.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    notify("before: " + _figures(generator, data))
    lessons = collect(generator, data, settings.crops, settings.seed, folder, notify)
    if generator.refiner.places and not settings.go_on:
        learn_places(generator.refiner.places, poses_of(data), settings.views, settings.seed, notify)
    teach(generator.refiner, lessons, settings, notify)
    notify("after: " + _figures(generator, data))
    steps = settings.rounds * (len(lessons.pose) // settings.batch)
    state = {
        "step": settings.rounds,  # names the folder: known before, so that the next command can be
        "phase": "refine",
        "config": asdict(replace(PRESETS["small"], model=generator.config, seed=settings.seed)),
        "refine": asdict(settings),
        "history": [*begun.origin["history"], {"phase": "refine", "steps": steps, "batch": settings.batch}],
        "data": each_once([*data.sources, *begun.origin["data"]]),
        "bone_sum_mm": data.bone_sum_mm,
    }
    # numbers of rounds are no ages: what other settings made stays
    return save_checkpoint(folder, {"generator": generator, "average": generator}, [], state, keep=None)


def _figures(generator: Generator, data: TrainData) -> str:
    """On the held-out part of the training data."""
    figures: dict[str, float] = {}
    if data.wild_val is not None:
        figures |= validate_2d(generator, data.wild_val)
    if data.studio_val is not None and data.bone_sum_mm is not None:
        figures |= validate_3d(generator, data.studio_val, data.bone_sum_mm)
    return " ".join(f"{name} {value:.4g}" for name, value in figures.items())


def pose_error(
    pose: Float[Tensor, "B P 3"], truth: Float[Tensor, "B P 3"], known: Bool[Tensor, "B P 3"]
) -> Float[Tensor, ""]:
    """Mean distance over the labelled joints, half crop sides: in space, or in the picture where depth isn't known."""
    off = torch.where(known, pose - torch.where(known, truth, 0), 0)
    distance = ((off**2).sum(-1) + 1e-12).sqrt() * known[..., 0]  # the root has no gradient at 0
    return distance.sum() / known[..., 0].sum().clamp_min(1)


def teach(refiner: PoseRefiner, lessons: Lessons, settings: RefineSettings, notify: Callable[[str], None]) -> None:
    """All but what it knows of places, which came from more poses than there are lessons."""
    refiner.train().requires_grad_(True)
    if refiner.places:
        refiner.places.eval().requires_grad_(False)
    learning = [weight for weight in refiner.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, settings.lr, weight_decay=settings.weight_decay)
    order = torch.Generator().manual_seed(settings.seed)
    each = len(lessons.pose) // settings.batch
    if not each:
        got = f"{len(lessons.pose)} with labels of the pelvis and another joint"
        raise InputError(f"at least {settings.batch} crops", got, "raise --crops, or give more data")
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.rounds * each)
    for turn in range(settings.rounds):
        rows, total = torch.randperm(len(lessons.pose), generator=order), 0.0
        for i in range(each):
            lesson = lessons.part(rows[i * settings.batch : (i + 1) * settings.batch])
            loss = pose_error(refiner.correct(lesson.seen), lesson.pose, lesson.pose.isfinite())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        notify(f"round {turn + 1}/{settings.rounds}: mean error {total / each:.4f} half crop sides")
    refiner.eval().requires_grad_(False)
