"""A model's answers for a set of people, decoded, beside what a perfect model would say.

A model is anything with the two members of `Model`: the ONNX runtime model of `wildpose.predict`, or a wrapper around
a network in training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from tqdm import tqdm

from wildpose.codec import HeatmapCodec
from wildpose.data.sample import Camera, Sample, SampleSet
from wildpose.geometry import Crop, apply_affine, crop_matrix, depth_in_crop, invert_affine, square_crop
from wildpose.predict.answer import PELVIS, Answer
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.perspective import in_camera_axes
from wildpose.predict.placement import Camera as Pinhole
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D

BATCH = 32


@runtime_checkable
class Info(Protocol):
    """What has to be known of weights to judge them; `wildpose.predict.onnx_model.WeightsInfo` is one."""

    name: str
    sha256: str
    input_px: int
    heatmap_px: int
    sigma_px: float
    crop_scale: float
    bone_sum_mm: float


@runtime_checkable
class Model(Protocol):
    """What is evaluated."""

    info: Info

    def run(
        self, crops_rgb: UInt8[np.ndarray, "N Hi Wi 3"]
    ) -> tuple[Float[np.ndarray, "N P h w"], Float[np.ndarray, "N P"]] | Answer: ...


@dataclass(frozen=True)
class Poses:
    """Decoded outputs of N people, with what is needed to bring them to mm."""

    joints_px: Float[np.ndarray, "N 16 2"]
    """In the image, px."""
    poses: Float[np.ndarray, "N 16 3"]
    """Relative to the pelvis in half crop sides, camera axes."""
    half_sides_px: Float[np.ndarray, " N"]
    """Half the side of each crop, image px."""
    middles_px: Float[np.ndarray, "N 2"]
    """Of each crop, in the image."""
    confidence: Float[np.ndarray, "N 16"]


@dataclass(frozen=True)
class Truth:
    """The labels of N people."""

    joints_px: Float[np.ndarray, "N 16 2"]
    mask: Bool[np.ndarray, "N 16"]
    joints_cam_mm: Float[np.ndarray, "N 16 3"] | None
    cameras: tuple[Camera, ...] | None = None
    """Of each image; None unless all are known."""


def predict_set(model: Model, samples: SampleSet, flip: bool = False) -> tuple[Poses, Poses, Truth]:
    """The model's poses (with `flip`, averaged with those of the mirrored crops), the ideal ones (true heatmaps and
    depth through the same decoding) and the truth."""
    codec = codec_of(model.info)
    network = Mirrored(model) if flip else model
    found, ideal, people = [], [], []
    for chunk in _chunks(samples):
        crops = [square_crop(sample.box_xywh, model.info.crop_scale) for sample in chunk]
        matrices = [crop_matrix(crop, codec.input_px) for crop in crops]
        pictures = np.stack([_cut(sample, crop, codec.input_px) for sample, crop in zip(chunk, crops, strict=True)])
        found.append(decode_poses(Answer(*network.run(pictures)), codec, crops, matrices))
        ideal.append(decode_poses(_true_outputs(chunk, crops, matrices, codec), codec, crops, matrices))
        people += [(s.joints_px, s.mask, s.joints_cam_mm, s.camera) for s in chunk]
    joints_px, mask, cam, cameras = zip(*people, strict=True)
    known = None if None in cameras else cameras
    truth = Truth(np.stack(joints_px), np.stack(mask), None if cam[0] is None else np.stack(cam), known)
    return _joined(found), _joined(ideal), truth


def codec_of(info: Info) -> HeatmapCodec:
    """The codec that weights were trained with."""
    return HeatmapCodec(info.input_px, info.heatmap_px, info.sigma_px)


def decode_poses(
    answer: Answer,
    codec: HeatmapCodec,
    crops: Sequence[Crop],
    matrices: Sequence[np.ndarray],
) -> Poses:
    """Outputs of N crops to joints in their images and poses in half crop sides."""
    joints_crop_px, confidence, poses = answer.read(codec)
    joints_px = np.stack([apply_affine(invert_affine(m), j) for m, j in zip(matrices, joints_crop_px, strict=True)])
    half_sides_px = np.array([crop.side_px / 2 for crop in crops])
    return Poses(joints_px, poses, half_sides_px, np.array([crop.center_xy for crop in crops]), confidence)


def in_cameras(found: Poses, cameras: Sequence[Camera]) -> Poses:
    """The same poses as `wildpose predict` gives them where it is told the camera; lens distortion is left out."""
    poses = np.empty_like(found.poses, np.float64)
    for i, camera in enumerate(cameras):
        K, unit = camera.K.tolist(), found.poses[i].astype(np.float32)  # half crop sides do as well as mm
        seen = Pose3D(found.joints_px[i].astype(np.float32), unit, found.confidence[i], np.zeros(4, np.float32), 1.0)
        middle_px = float(found.middles_px[i, 0]), float(found.middles_px[i, 1])
        poses[i] = in_camera_axes(seen, middle_px, Pinhole(K[0][0], K[1][1], K[0][2], K[1][2]))
    return replace(found, poses=poses)


def _true_outputs(
    chunk: Sequence[Sample], crops: Sequence[Crop], matrices: Sequence[np.ndarray], codec: HeatmapCodec
) -> Answer:
    """What a perfect network would put out for these samples; depth 0 where the truth is 2D only."""
    heatmaps, depth = [], []
    for sample, crop, matrix in zip(chunk, crops, matrices, strict=True):
        heatmaps.append(codec.encode(apply_affine(matrix, sample.joints_px), sample.mask))
        known = sample.joints_cam_mm is not None
        depth.append(
            depth_in_crop(sample.joints_cam_mm, sample.joints_px, crop, PELVIS) if known else np.zeros(MPII16.n)
        )
    return Answer(np.stack(heatmaps), np.stack(depth).astype(np.float32))


def _chunks(samples: SampleSet) -> Iterator[list[Sample]]:
    starts = range(0, len(samples), BATCH)
    for start in tqdm(starts, desc="evaluate", unit=f"x{BATCH}", disable=None, leave=False):
        yield [samples.load(i) for i in range(start, min(start + BATCH, len(samples)))]


def _cut(sample: Sample, crop: Crop, size_px: int) -> np.ndarray:
    """The crop as PoseEstimator cuts it: what is measured is what users get."""
    return ImagePyramid(sample.image_rgb).cut(crop, size_px)


def _joined(parts: Sequence[Poses]) -> Poses:
    return Poses(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Poses)))


def protocol_of(model: Model, name: str, count: int, flip: bool) -> dict[str, Any]:
    """What decides the numbers of any set."""
    return {
        "set": name,
        "count": count,
        "stride": 1,
        "weights": model.info.name,
        "sha256": model.info.sha256,
        "input_px": model.info.input_px,
        "crop": f"square of {model.info.crop_scale} x the larger side of the annotated box",
        "flip_test": flip,
    }
