"""What a pose refiner learns from: augmented crops, as the network sees them, with the true poses.

Crops go through the network once; what the refiner sees of each is kept (112 numbers). That is most of the time that
refining takes, so it is written down in parts, OUT/refine/lessons/SOURCE/part-0001.safetensors and so on: the same
command goes on after a kill.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor

from wildpose.config import PHASES, PRESETS, AugmentConfig
from wildpose.data.batches import Batch, Batches
from wildpose.data.mix import TrainData
from wildpose.models.generator import Generator
from wildpose.models.refiner import PELVIS, Evidence, see
from wildpose.train.loader import load
from wildpose.train.precision import bfloat16_is_fast

BATCH, BATCH_3D = 48, 32
"""Crops that go through the network together, and those of them that have 3D labels."""
PART = 50
"""Batches in a part: what a kill can cost."""


@dataclass(frozen=True)
class Lessons:
    """N crops: what is seen, and the truth; NaN where there is none."""

    seen: Evidence
    pose: Float[Tensor, "N P 3"]
    """Relative to the pelvis in half crop sides."""

    def part(self, rows: Tensor) -> "Lessons":
        return Lessons(Evidence(*(getattr(self.seen, f.name)[rows] for f in fields(Evidence))), self.pose[rows])

    def tensors(self) -> dict[str, Tensor]:
        return {f.name: getattr(self.seen, f.name) for f in fields(Evidence)} | {"pose": self.pose}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> "Lessons":
        return cls(Evidence(*(tensors[f.name] for f in fields(Evidence))), tensors["pose"])

    @classmethod
    def joined(cls, parts: list["Lessons"]) -> "Lessons":
        return cls.of({name: torch.cat([part.tensors()[name] for part in parts]) for name in parts[0].tensors()})


def augmentation() -> AugmentConfig:
    """The preset's, without windows off the person: there is nothing to refine in them."""
    return replace(PRESETS["small"].augment, colour=0.3, off_target_share=0.0)


def collect(
    generator: Generator, data: TrainData, crops: int, seed: int, folder: Path, notify: Callable[[str], None]
) -> Lessons:
    """Crops of both sides through the network, from where a run that was killed had come to. `forget` them when they
    are learnt. OSError: the disk is full."""
    count = -(-crops // BATCH)
    made = Batches(data.wild, data.studio, BATCH, BATCH_3D, generator.config, augmentation(), (seed, len(PHASES)))
    of_source = folder / "lessons" / source(generator, data, seed)[:16]
    places = [of_source / f"part-{i + 1:04d}.safetensors" for i in range(count // PART)]
    kept: list[Lessons] = []
    for place in places:
        part = _read(place)
        if part is None:
            break
        kept.append(part)
    if kept:
        notify(f"goes on after {len(kept) * PART * BATCH:,} crops that were seen before")
    batches = range(len(kept) * PART, count)
    fresh: list[Lessons] = []
    with closing(load(made, batches)) as loaded:
        for i, batch in zip(batches, loaded, strict=True):
            fresh.append(_lesson(generator, batch))
            if (i + 1) % PART == 0 or i + 1 == count:
                kept.append(Lessons.joined(fresh))
                fresh = []
                if i // PART < len(places):  # a shorter last part would be taken for a whole one, were more asked for
                    _write(places[i // PART], kept[-1])
                notify(f"seen {(i + 1) * BATCH:,} of {count * BATCH:,} crops")
    return Lessons.joined(kept)


def forget(folder: Path) -> None:
    shutil.rmtree(folder / "lessons", ignore_errors=True)


@torch.no_grad()
def _lesson(generator: Generator, batch: Batch) -> Lessons:
    """Of the crops in which something is labelled."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_is_fast("cpu")):
        maps = generator(batch.crops_rgb)
    lesson = Lessons(see(maps.heatmaps[:, -1], maps.depth), true_pose(batch, generator.config.input_px))
    return lesson.part(lesson.pose.isfinite().any(-1).any(-1).nonzero()[:, 0])


def true_pose(batch: Batch, input_px: int) -> Float[Tensor, "B P 3"]:
    """Labels as poses; NaN where there is none, and for a person whose pelvis isn't known or isn't in the crop."""
    place = (2 * torch.where(batch.heatmap_mask[..., None], batch.joints_crop_px, math.nan) + 1) / input_px - 1
    root = place[:, PELVIS : PELVIS + 1]
    root = torch.where(root.abs().amax(-1, keepdim=True) <= 1, root, math.nan)
    depth = torch.where(batch.depth_mask, batch.depth, math.nan)
    pose = torch.cat([place - root, depth[..., None]], -1)
    return torch.where(pose[..., :2].isfinite().all(-1, keepdim=True), pose, math.nan)


def source(generator: Generator, data: TrainData, seed: int) -> str:
    """What lessons are of: they may be taken up only by a run of the same network, data and augmentation."""
    weights = {k: v.contiguous() for k, v in generator.state_dict().items() if not k.startswith("refiner.")}
    sizes = [0 if each is None else len(each) for each in (data.wild, data.studio)]
    told = [seed, BATCH, BATCH_3D, PART, asdict(augmentation()), data.sources, sizes, data.digest]
    return hashlib.sha256(save_tensors(weights) + json.dumps(told, default=str).encode()).hexdigest()


def _read(place: Path) -> Lessons | None:
    """None if it isn't there or was cut short: it is seen again, and what comes after it."""
    try:
        return Lessons.of(load_file(place))
    except (OSError, SafetensorError, KeyError):
        return None


def _write(place: Path, lessons: Lessons) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}")
    draft.write_bytes(save_tensors({k: v.contiguous() for k, v in lessons.tensors().items()}))  # or OSError: disk full
    os.replace(draft, place)
