"""Figures on the held-out part of the training data; never on a test set."""

import numpy as np
import torch

from wildpose.codec import HeatmapCodec
from wildpose.data.batches import plain_batches
from wildpose.data.sample import SampleSet
from wildpose.metrics import mpjpe, pa_mpjpe, pck_torso, scale_poses
from wildpose.models.generator import Generator
from wildpose.skeleton import MPII16


@torch.no_grad()
def predict_crops(generator: Generator, samples: SampleSet, batch: int = 32):
    """Joints in crop px (N, 16, 2), depth (N, 16), the same of the truth, and the mask: all of plain crops."""
    codec = HeatmapCodec(generator.config.input_px, generator.config.heatmap_px, generator.config.sigma_px)
    generator.eval()
    joints, depth, truth, true_mm, mask = [], [], [], [], []
    for chunk, loaded in plain_batches(samples, generator.config, batch):
        maps = generator(chunk.crops_rgb)
        joints.append(codec.decode(maps.heatmaps[:, -1].numpy())[0])
        depth.append(maps.depth.numpy())
        truth.append(chunk.joints_crop_px.numpy())
        mask.append(chunk.heatmap_mask.numpy())
        true_mm += [s.joints_cam_mm for s in loaded if s.joints_cam_mm is not None]
    return tuple(np.concatenate(x) for x in (joints, depth, truth, mask)), np.array(true_mm)


def validate_2d(generator: Generator, photos: SampleSet) -> dict[str, float]:
    """PCK@0.2 of the torso: mean over the joints with labels, percent. Its scale doesn't depend on the crop."""
    (joints, _, truth, mask), _ = predict_crops(generator, photos)
    return {"pck": float(np.nanmean(pck_torso(joints, truth, mask)))}


def validate_3d(generator: Generator, studio: SampleSet, bone_sum_mm: float) -> dict[str, float]:
    """P1 and P2 in mm, scale rule train-mean."""
    (joints, depth, _, _), true_mm = predict_crops(generator, studio)
    codec = HeatmapCodec(generator.config.input_px, generator.config.heatmap_px, generator.config.sigma_px)
    relative = codec.lift(joints.astype(np.float64), depth.astype(np.float64), MPII16.index("pelvis"))
    poses = scale_poses(relative, "train-mean", bone_sum_mm)
    true_mm = true_mm.astype(np.float64)
    return {"p1_mm": mpjpe(poses, true_mm), "p2_mm": pa_mpjpe(poses, true_mm)}
