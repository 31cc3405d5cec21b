"""The last step beyond the paper: a pose refiner for a trained network, which itself stays as it is.

Augmented crops go through the network once; what the refiner sees of each is kept (112 numbers), and it learns from
these for many rounds in minutes. On pictures with 3D labels it is told the whole pose, on photos the labelled joints,
so that it stays true to what people in photos do. The network doesn't remember its training pictures (it is as good on
others, docs/training.md): its errors on them are those that it makes elsewhere.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wildpose.config import PHASES, PRESETS, AugmentConfig
from wildpose.data.batches import Batch, Batches
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.models.generator import Generator
from wildpose.models.refiner import PELVIS, Evidence, PoseRefiner, see
from wildpose.train.checkpoint import save_checkpoint
from wildpose.train.guard import leave_signals_to_parent
from wildpose.train.loop import tell
from wildpose.train.precision import bfloat16_is_fast
from wildpose.train.start import read_start
from wildpose.train.validate import validate_2d, validate_3d

BATCH, BATCH_3D = 48, 32
"""Crops that go through the network together, and those of them that have 3D labels."""
TELL_EVERY = 100
"""Batches between lines that say how far it is."""


@dataclass(frozen=True, kw_only=True)
class RefineSettings:
    width: int = 512
    """Of the refiner's layers."""
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


@dataclass(frozen=True)
class Lessons:
    """N crops: what is seen, and the truth; NaN where there is none."""

    seen: Evidence
    pose: Float[Tensor, "N P 3"]
    """Relative to the pelvis in half crop sides."""

    def part(self, rows: Tensor) -> "Lessons":
        return Lessons(Evidence(*(getattr(self.seen, f.name)[rows] for f in fields(Evidence))), self.pose[rows])


def refine(
    start: Path, data: TrainData, out: Path, settings: RefineSettings, notify: Callable[[str], None] = tell
) -> Path:
    """Train a refiner for the network of `start` (a checkpoint or a weights file); returns a checkpoint in `out` that
    holds both. It isn't resumed: interrupted, nothing is written. InputError for data without 3D labels."""
    if data.studio is None or data.bone_sum_mm is None:
        raise InputError("a set with 3D labels", "none", "give --studio or --data-3d")
    begun = read_start(start)
    torch.manual_seed(settings.seed)
    generator = Generator(replace(begun.model, refiner_width=settings.width))
    weights = begun.weights
    if not settings.go_on:
        weights = {name: value for name, value in weights.items() if not name.startswith("refiner.")}
    generator.load_state_dict(weights, strict=False)
    generator.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    notify("before: " + _figures(generator, data))
    lessons = collect(generator, data, settings, notify)
    teach(generator.refiner, lessons, settings, notify)
    notify("after: " + _figures(generator, data))
    known = {source["name"]: source for source in (*data.sources, *begun.origin["data"])}  # the network's own, first
    steps = settings.rounds * (len(lessons.pose) // settings.batch)
    state = {
        "step": settings.rounds,  # names the folder: known before, so that the next command can be
        "phase": "refine",
        "config": asdict(replace(PRESETS["small"], model=generator.config, seed=settings.seed)),
        "refine": asdict(settings),
        "history": [*begun.origin["history"], {"phase": "refine", "steps": steps, "batch": settings.batch}],
        "data": list(known.values()),
        "bone_sum_mm": data.bone_sum_mm,
    }
    return save_checkpoint(out / "refine", {"generator": generator, "average": generator}, [], state)


def _figures(generator: Generator, data: TrainData) -> str:
    """On the held-out part of the training data."""
    figures: dict[str, float] = {}
    if data.wild_val is not None:
        figures |= validate_2d(generator, data.wild_val)
    if data.studio_val is not None and data.bone_sum_mm is not None:
        figures |= validate_3d(generator, data.studio_val, data.bone_sum_mm)
    return " ".join(f"{name} {value:.4g}" for name, value in figures.items())


def augmentation() -> AugmentConfig:
    """The preset's, without windows off the person: there is nothing to refine in them."""
    return replace(PRESETS["small"].augment, colour=0.3, off_target_share=0.0)


@torch.no_grad()
def collect(generator: Generator, data: TrainData, settings: RefineSettings, notify: Callable[[str], None]) -> Lessons:
    """Crops of both sides through the network."""
    count = -(-settings.crops // BATCH)
    made = Batches(
        data.wild, data.studio, BATCH, BATCH_3D, generator.config, augmentation(), (settings.seed, len(PHASES))
    )
    loader = torch.utils.data.DataLoader(
        made, batch_size=None, sampler=range(count), num_workers=1, worker_init_fn=leave_signals_to_parent
    )
    kept: list[Lessons] = []
    for i, batch in enumerate(loader):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_is_fast("cpu")):
            maps = generator(batch.crops_rgb)
        lesson = Lessons(see(maps.heatmaps[:, -1], maps.depth), true_pose(batch, generator.config.input_px))
        told = lesson.pose.isfinite().any(-1).any(-1)
        kept.append(lesson.part(told.nonzero()[:, 0]))
        if (i + 1) % TELL_EVERY == 0:
            notify(f"seen {(i + 1) * BATCH:,} of {count * BATCH:,} crops")
    seen = (torch.cat([getattr(lesson.seen, f.name) for lesson in kept]) for f in fields(Evidence))
    return Lessons(Evidence(*seen), torch.cat([lesson.pose for lesson in kept]))


def true_pose(batch: Batch, input_px: int) -> Float[Tensor, "B P 3"]:
    """Labels as poses; NaN where there is none, and for a person whose pelvis isn't known or isn't in the crop."""
    place = (2 * torch.where(batch.heatmap_mask[..., None], batch.joints_crop_px, math.nan) + 1) / input_px - 1
    root = place[:, PELVIS : PELVIS + 1]
    root = torch.where(root.abs().amax(-1, keepdim=True) <= 1, root, math.nan)
    depth = torch.where(batch.depth_mask, batch.depth, math.nan)
    pose = torch.cat([place - root, depth[..., None]], -1)
    return torch.where(pose[..., :2].isfinite().all(-1, keepdim=True), pose, math.nan)


def pose_error(
    pose: Float[Tensor, "B P 3"], truth: Float[Tensor, "B P 3"], known: Bool[Tensor, "B P 3"]
) -> Float[Tensor, ""]:
    """Mean distance over the labelled joints, half crop sides: in space, or in the picture where depth isn't known."""
    off = torch.where(known, pose - torch.where(known, truth, 0), 0)
    distance = ((off**2).sum(-1) + 1e-12).sqrt() * known[..., 0]  # the root has no gradient at 0
    return distance.sum() / known[..., 0].sum().clamp_min(1)


def teach(refiner: PoseRefiner, lessons: Lessons, settings: RefineSettings, notify: Callable[[str], None]) -> None:
    refiner.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(refiner.parameters(), settings.lr, weight_decay=settings.weight_decay)
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
