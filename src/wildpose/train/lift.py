"""Beyond the paper: depth labels for photos that have 2D labels, so that a network learns depth from photos, too.

A lifter (`models/lifter.py`) learns from rendered people what depth goes with labelled joints: first from their poses
alone, seen by random cameras (views.py), then from what the network says of their pictures (lessons.py). Then it says
the depth of the labelled people in photos. What comes out is written down for `wildpose train --lifted`.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wildpose.data.batches import CROP_SCALE, plain_batches
from wildpose.data.lifted import source_of, write_lifted
from wildpose.data.mix import TrainData
from wildpose.data.sample import Sample, SampleSet
from wildpose.errors import InputError
from wildpose.metrics import mpjpe, pa_mpjpe, scale_poses
from wildpose.models.generator import Generator
from wildpose.models.lifter import Hint, Lifter
from wildpose.models.places import Marked, from_pelvis
from wildpose.skeleton import MPII16
from wildpose.train.guard import full_disk_told, only_writer
from wildpose.train.lessons import Lessons, collect, forget, source
from wildpose.train.loop import tell
from wildpose.train.places import LR, depth_error, fit, learn_places, poses_of
from wildpose.train.precision import bfloat16_is_fast
from wildpose.train.start import read_start
from wildpose.train.views import PELVIS, THORAX, Views, as_labelled

LEAST_LABELLED = 8
"""Joints that must be labelled: of fewer there is little to say."""
BATCH, BATCH_PHOTOS = 256, 48


@dataclass(frozen=True, kw_only=True)
class LiftSettings:
    width: int = 512
    """Of the lifter's layers."""
    views: int = 6000
    """Steps of 512 poses without pictures."""
    crops: int = 72_000
    """Augmented crops that the network is asked about."""
    rounds: int = 15
    """Times that the lifter sees each."""
    lr: float = LR
    """Peak learning rate of AdamW; down to zero along a cosine."""
    seed: int = 0
    """Of weights, views and augmentation."""


def lift(start: Path, data: TrainData, out: Path, settings: LiftSettings, notify: Callable[[str], None] = tell) -> Path:
    """Depth labels for the sets with 2D labels, by the network of `start` (a checkpoint or a weights file); returns
    their folder, `out`/lifted. The same call goes on after a kill. InputError for data without 3D labels, a folder
    that another run writes, or a full disk."""
    if data.studio is None or data.bone_sum_mm is None:
        raise InputError("a set with 3D labels", "none", "give --studio or --data-3d")
    folder = out / "lifted"
    folder.mkdir(parents=True, exist_ok=True)
    with full_disk_told(folder), only_writer(folder, notify):
        generator = _network(start)
        made_of = _made_of(generator, data, settings)
        targets = {part.name: folder / f"{part.name}.safetensors" for part in data.parts}
        if any(source_of(path) != made_of for path in targets.values()):
            lifter = _taught(generator, data, folder, settings, notify)
            for part in data.parts:
                _label(part.name, generator, lifter, part.samples, targets[part.name], made_of, notify)
        else:
            notify(f"{folder} has these labels already")
        forget(folder)
    return folder


def _network(start: Path) -> Generator:
    begun = read_start(start)
    generator = Generator(begun.model)
    generator.load_state_dict(begun.weights, strict=False)  # counters of batches aren't in every file
    generator.refiner = None
    return generator.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _made_of(generator: Generator, data: TrainData, settings: LiftSettings) -> str:
    told = json.dumps([source(generator, data, settings.seed), asdict(settings)])
    return hashlib.sha256(told.encode()).hexdigest()


def _taught(
    generator: Generator, data: TrainData, folder: Path, settings: LiftSettings, notify: Callable[[str], None]
) -> Lifter:
    lessons = collect(generator, data, settings.crops, settings.seed, folder, notify)
    torch.manual_seed(settings.seed)
    lifter = Lifter(settings.width)
    learn_places(lifter.by_places, poses_of(data), settings.views, settings.seed, notify)
    learn_hints(lifter, lessons, settings, notify)
    if data.studio_val is not None:
        notify(held_out(lifter, generator, data.studio_val, data.bone_sum_mm))
    return lifter


def learn_hints(lifter: Lifter, lessons: Lessons, settings: LiftSettings, notify: Callable[[str], None]) -> None:
    """How far to believe the network; what is known of places stays as it is."""
    lifter.by_places.requires_grad_(False)
    lessons = lessons.part(lessons.pose[..., 2].isfinite().any(1).nonzero()[:, 0])
    each, random = len(lessons.pose) // BATCH, torch.Generator().manual_seed(settings.seed)
    if not each:
        raise InputError(f"at least {BATCH} crops with 3D labels", str(len(lessons.pose)), "raise --crops")
    turns = torch.stack([torch.randperm(len(lessons.pose), generator=random) for _ in range(settings.rounds)])
    batches = turns[:, : each * BATCH].reshape(-1, BATCH)

    def loss(step: int) -> Float[Tensor, ""]:
        lesson = lessons.part(batches[step])
        truth = Views(lesson.pose[..., :2], lesson.pose[..., 2])
        hint = Hint(lesson.seen.depth, lesson.seen.height)
        return depth_error(lifter(as_labelled(truth, random), hint), truth.depth)

    fit(lifter, loss, len(batches), each, "depth by places and picture", settings.lr, notify)


@dataclass(frozen=True)
class Seen:
    """Labelled people in plain crops, and what the network says of them, averaged with the mirrored crops."""

    marked: Marked
    hint: Hint
    side_px: Float[np.ndarray, " B"]
    """Of the crops, in the photo."""
    samples: list[Sample]


@torch.no_grad()
def look_at(generator: Generator, samples: SampleSet) -> Iterator[Seen]:
    mirror = list(MPII16.mirror)
    for batch, chunk in plain_batches(samples, generator.config, BATCH_PHOTOS):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_is_fast("cpu")):
            maps, back = generator(batch.crops_rgb), generator(batch.crops_rgb.flip(2))
        depth = (maps.depth + back.depth[:, mirror]) / 2
        heatmaps = (maps.heatmaps[:, -1] + back.heatmaps[:, -1, mirror].flip(-1)) / 2
        places = 2 * batch.joints_crop_px / generator.config.input_px
        side_px = CROP_SCALE * np.array([sample.box_xywh[2:].max() for sample in chunk])
        hint = Hint(depth, heatmaps.flatten(2).amax(-1))
        yield Seen(Marked(places, batch.heatmap_mask), hint, side_px, chunk)


def _label(
    name: str,
    generator: Generator,
    lifter: Lifter,
    samples: SampleSet,
    target: Path,
    made_of: str,
    notify: Callable[[str], None],
) -> None:
    """Depth of the labelled joints, and of pelvis and thorax, which lie between others."""
    depths, done = [], 0
    for seen in look_at(generator, samples):
        known = seen.marked.known.clone()
        enough = known.sum(1, keepdim=True) >= LEAST_LABELLED
        with torch.no_grad():
            depth_px = lifter(seen.marked, seen.hint) * torch.from_numpy(seen.side_px / 2)[:, None]
        known[:, [PELVIS, THORAX]] = True
        depths.append(torch.where(known & enough, depth_px, math.nan).numpy())
        done += len(known)
        if len(depths) % 20 == 0 or done == len(samples):
            notify(f"{name}: depth of {done:,} of {len(samples):,} people")
    write_lifted(target, np.concatenate(depths), samples, made_of)


def held_out(lifter: Lifter, generator: Generator, people: SampleSet, bone_sum_mm: float) -> str:
    """What labels would be worth on people that nothing was learnt from: their true places with the network's depth,
    and with the lifter's."""
    poses: dict[str, list[Tensor]] = {"the network's depth": [], "lifted": []}
    truth = []
    for seen in look_at(generator, people):
        known = seen.marked.known.clone()
        known[:, THORAX] = False  # most photo sets don't know it
        with torch.no_grad():
            lifted = lifter(Marked(seen.marked.places, known), seen.hint)
        for name, depth in zip(poses, (from_pelvis(seen.hint.depth), lifted), strict=True):
            poses[name].append(torch.cat([seen.marked.places, depth[..., None]], -1))
        truth += [sample.joints_cam_mm for sample in seen.samples]
    true_mm, told = np.stack(truth).astype(np.float64), []
    for name, each in poses.items():
        found = torch.cat(each).double()
        mm = scale_poses((found - found[:, PELVIS : PELVIS + 1]).numpy(), "train-mean", bone_sum_mm)
        told.append(f"{name} P1 {mpjpe(mm, true_mm):.1f}, P2 {pa_mpjpe(mm, true_mm):.1f} mm")
    return f"{len(true_mm)} held-out people, places true: " + "; ".join(told)
