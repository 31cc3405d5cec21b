"""Figures on the held-out part of the training data; never on a test set."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from wildpose.codec import HeatmapCodec
from wildpose.data.batches import plain_batches
from wildpose.data.sample import Sample, SampleSet
from wildpose.metrics import mpjpe, pa_mpjpe, pck_torso, scale_poses
from wildpose.models.generator import Generator, PoseMaps
from wildpose.predict.answer import Answer
from wildpose.skeleton import MPII16
from wildpose.train.workers import ALONE, Workers

WATCHED = 6
"""Held-out people of each kind whose poses are kept in the log of phase 3: Figures 3, 4 and 6 are drawn of them."""


@dataclass(frozen=True)
class Predicted:
    """Plain crops of a whole set: what the network says, and the truth (NaN where there is none)."""

    joints_crop_px: Float[np.ndarray, "N P 2"]
    pose: Float[np.ndarray, "N P 3"]
    """Relative to the pelvis in half crop sides."""
    true_joints_crop_px: Float[np.ndarray, "N P 2"]
    mask: Bool[np.ndarray, "N P"]
    true_cam_mm: Float[np.ndarray, "N P 3"]


def answer_of(maps: PoseMaps) -> Answer:
    """The network's word as it is at prediction."""
    shown = maps.heatmaps[:, -1], maps.depth, *(() if maps.pose is None else (maps.pose,))
    return Answer(*(output.cpu().numpy() for output in shown))


@torch.no_grad()
def predict_crops(
    generator: Generator,
    samples: SampleSet,
    workers: Workers = ALONE,
    batch: int = 32,
) -> Predicted:
    """Every sample once, where the network is: each process takes its share, and all get the whole."""
    device = next(generator.parameters()).device
    codec = HeatmapCodec(generator.config.input_px, generator.config.heatmap_px, generator.config.sigma_px)
    generator.eval()
    unknown = np.full((MPII16.n, 3), np.nan, np.float32)
    rows = [_nobody()]  # a process may have no share of a few samples
    for chunk, loaded in plain_batches(samples, generator.config, batch, workers.share):
        maps = generator(chunk.crops_rgb.to(device))
        joints, _, pose = answer_of(maps).read(codec)
        truth, mask = chunk.joints_crop_px.numpy(), chunk.heatmap_mask.numpy()
        true_mm = np.stack([unknown if s.joints_cam_mm is None else s.joints_cam_mm for s in loaded])
        rows.append((joints, pose, truth, mask, true_mm))
    return Predicted(*(workers.gather(np.concatenate(column), len(samples)) for column in zip(*rows, strict=True)))


def _nobody() -> tuple[np.ndarray, ...]:
    """Predicted, of no samples."""
    places, poses = np.zeros((0, MPII16.n, 2), np.float32), np.zeros((0, MPII16.n, 3), np.float32)
    return places, poses, places, np.zeros((0, MPII16.n), bool), poses


def validate_2d(generator: Generator, photos: SampleSet, workers: Workers = ALONE) -> dict[str, float]:
    """PCK@0.2 of the torso: mean over the joints with labels, percent. Its scale doesn't depend on the crop."""
    found = predict_crops(generator, photos, workers)
    return {"pck": float(np.nanmean(pck_torso(found.joints_crop_px, found.true_joints_crop_px, found.mask)))}


def validate_3d(
    generator: Generator,
    studio: SampleSet,
    bone_sum_mm: float,
    workers: Workers = ALONE,
) -> dict[str, float]:
    """P1 and P2 in mm, scale rule train-mean."""
    found = predict_crops(generator, studio, workers)
    poses = scale_poses(found.pose.astype(np.float64), "train-mean", bone_sum_mm)
    true_mm = found.true_cam_mm.astype(np.float64)
    return {"p1_mm": mpjpe(poses, true_mm), "p2_mm": pa_mpjpe(poses, true_mm)}


@dataclass(frozen=True)
class First:
    """The first samples of a set."""

    samples: SampleSet
    count: int

    def __len__(self) -> int:
        return min(self.count, len(self.samples))

    def load(self, i: int) -> Sample:
        return self.samples.load(i)


def watched_poses(generator: Generator, samples: SampleSet) -> Float[np.ndarray, "N 16 3"]:
    """Poses of the first few of a set, relative to the pelvis in half crop sides, to the thousandth."""
    return predict_crops(generator, First(samples, WATCHED)).pose.astype(np.float64).round(3)
