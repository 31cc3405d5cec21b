"""Samples to batches: crop, augment, encode. Batch k of a run is a function of (seed, phase, k) alone, so a resumed run
sees what an undisturbed one would have seen, whatever the number of loader processes."""

from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from wildpose.codec import HeatmapCodec
from wildpose.config import AugmentConfig, ModelConfig
from wildpose.data.degrade import degrade
from wildpose.data.sample import Sample, SampleSet
from wildpose.geometry import Crop, apply_affine, crop_matrix, depth_in_crop, flip_points, square_crop
from wildpose.predict.crops import ImagePyramid
from wildpose.skeleton import MPII16

CROP_SCALE = 1.25
"""Side of the square crop in box sides, in training and prediction alike."""
PELVIS = MPII16.index("pelvis")


@dataclass(frozen=True)
class Batch:
    """B crops with their targets; the first `batch_3d` of them are studio samples."""

    crops_rgb: UInt8[Tensor, "B Hi Wi 3"]
    joints_crop_px: Float[Tensor, "B P 2"]
    """NaN where unlabelled."""
    heatmaps: Float[Tensor, "B P H W"]
    heatmap_mask: Bool[Tensor, "B P"]
    depth: Float[Tensor, "B P"]
    """Relative to the pelvis in half crop sides, + = away; NaN where unknown."""
    depth_mask: Bool[Tensor, "B P"]

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    def pin_memory(self) -> "Batch":
        """In page-locked memory, from which a GPU copies while it computes; the loader calls it."""
        return Batch(*(getattr(self, f.name).pin_memory() for f in fields(self)))

    def part(self, rows: slice | Tensor) -> "Batch":
        return Batch(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Share:
    """Part `index` of `count` parts: of a batch for one process, or of that for one pass through the network."""

    index: int = 0
    count: int = 1

    def rows(self, total: int) -> range:
        """Its block of `total` rows."""
        return range(total * self.index // self.count, total * (self.index + 1) // self.count)

    def rows_of_batch(self, batch: int, batch_3d: int) -> Int64[Tensor, " rows"]:
        """A block of the studio rows, which come first, then one of the wild rows."""
        wild = self.rows(batch - batch_3d)
        return torch.tensor([*self.rows(batch_3d), *(batch_3d + j for j in wild)], dtype=torch.int64)


WHOLE = Share()


def random_crop(box_xywh: np.ndarray, augment: AugmentConfig, rng: np.random.Generator) -> Crop:
    crop = square_crop(box_xywh, CROP_SCALE)
    side = crop.side_px * 2.0 ** (augment.scale * np.clip(rng.normal(), -2, 2))
    rotated = rng.random() < augment.rotation_share
    angle = np.deg2rad(augment.rotation_deg) * np.clip(rng.normal(), -2, 2) if rotated else 0.0
    shift = augment.shift * side * rng.normal(size=2)
    if rng.random() < augment.off_target_share:
        direction = rng.uniform(0, 2 * np.pi)
        shift = rng.uniform(0.5, 1.0) * side * np.array([np.cos(direction), np.sin(direction)])
    x, y = np.asarray(crop.center_xy) + shift
    return Crop((float(x), float(y)), float(side), float(angle))


def recolour(crop_rgb: np.ndarray, augment: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Gain per channel, contrast and brightness, now and then grey, blurred, or partly covered by a rectangle."""
    c = augment.colour
    gain = rng.uniform(1 - c, 1 + c, 3) * rng.uniform(1 - c, 1 + c)
    image = crop_rgb * gain.astype(np.float32) + np.float32(rng.uniform(-80, 80) * c)
    if rng.random() < 0.08:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < augment.occlude_share:
        side = crop_rgb.shape[0]
        x, y = rng.integers(0, side, 2)
        w, h = rng.integers(side // 12, side // 4, 2)
        image[y : y + h, x : x + w] = rng.uniform(0, 255, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def make_example(sample: Sample, crop: Crop, flip: bool, codec: HeatmapCodec) -> dict[str, np.ndarray]:
    """One sample cut out and turned into targets; numpy, by the names of Batch's fields."""
    size = codec.input_px
    crop_rgb = ImagePyramid(sample.image_rgb).cut(crop, size)  # as in prediction
    joints_px = sample.joints_px.astype(np.float64)
    joints = apply_affine(crop_matrix(crop, size), joints_px)
    depth = np.full(MPII16.n, np.nan)
    if sample.joints_cam_mm is not None:
        depth = depth_in_crop(sample.joints_cam_mm.astype(np.float64), joints_px, crop, PELVIS)
    elif sample.depth_px is not None:
        depth = sample.depth_px / (crop.side_px / 2)
    mask = sample.mask
    if flip:
        crop_rgb = np.ascontiguousarray(crop_rgb[:, ::-1])
        joints = flip_points(joints, size, MPII16.mirror)
        depth, mask = depth[MPII16.mirror], mask[MPII16.mirror]
    return {
        "crops_rgb": crop_rgb,
        "joints_crop_px": joints.astype(np.float32),
        "heatmaps": codec.encode(joints, mask),
        "heatmap_mask": mask,
        "depth": depth.astype(np.float32),
        "depth_mask": np.isfinite(depth),
    }


class Batches(torch.utils.data.Dataset):
    """Batch number k, by number: `batch_3d` samples of the studio set first, then the wild set's; of a share, those of
    its rows. A sample and its augmentation depend on its place in the whole batch, not on the shares."""

    def __init__(
        self,
        wild: SampleSet | None,
        studio: SampleSet | None,
        batch: int,
        batch_3d: int,
        model: ModelConfig,
        augment: AugmentConfig,
        seed: tuple[int, int],
        share: Share = WHOLE,
    ):
        self.sources = [s for s in ((studio, batch_3d), (wild, batch - batch_3d)) if s[1] > 0]
        self.augment, self.seed, self.share = augment, seed, share
        self.codec = HeatmapCodec(model.input_px, model.heatmap_px, model.sigma_px)
        self._order: dict[tuple[int, int], np.ndarray] = {}

    def _pick(self, source: int, draw: int) -> int:
        """Sample of a source's draw-th turn: a new permutation each time through the set."""
        n = len(self.sources[source][0])
        key = (source, draw // n)
        if key not in self._order:
            self._order = {k: v for k, v in self._order.items() if k[0] != source or k[1] >= key[1] - 1}
            self._order[key] = np.random.default_rng((*self.seed, *key)).permutation(n)
        return int(self._order[key][draw % n])

    def __getitem__(self, k: int) -> Batch:
        examples = []
        for source, (samples, count) in enumerate(self.sources):
            for j in self.share.rows(count):
                sample = samples.load(self._pick(source, k * count + j))
                rng = np.random.default_rng((*self.seed, 7, source, k, j))
                crop = random_crop(sample.box_xywh, self.augment, rng)
                example = make_example(sample, crop, bool(rng.random() < 0.5), self.codec)
                crop_rgb = recolour(example["crops_rgb"], self.augment, rng)
                poor = self.augment.degrade_share > 0 and rng.random() < self.augment.degrade_share
                example["crops_rgb"] = degrade(crop_rgb, rng) if poor else crop_rgb
                examples.append(example)
        return collate(examples)


def collate(examples: list[dict[str, np.ndarray]]) -> Batch:
    return Batch(**{name: torch.from_numpy(np.stack([e[name] for e in examples])) for name in examples[0]})


def plain_batches(samples: SampleSet, model: ModelConfig, batch: int, share: Share = WHOLE):
    """The set (or a share of it) in order, not augmented: (Batch, samples) for validation."""
    codec = HeatmapCodec(model.input_px, model.heatmap_px, model.sigma_px)
    rows = share.rows(len(samples))
    for start in range(0, len(rows), batch):
        chunk = [samples.load(i) for i in rows[start : start + batch]]
        yield collate([make_example(s, square_crop(s.box_xywh, CROP_SCALE), False, codec) for s in chunk]), chunk
