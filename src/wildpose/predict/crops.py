"""Boxes of people to poses: cut the crops out, run the network, bring joints back to the caller's pixels and to mm."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from wildpose.geometry import Crop, apply_affine, bone_length_sum, crop_matrix, invert_affine, square_crop
from wildpose.predict.answer import Answer
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.predict.perspective import in_camera_axes
from wildpose.predict.placement import Camera, camera_with_fov
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES
from wildpose.types import Pose3D

BATCH = 16
"""Most crops in one run of the network: bounds memory; larger brings no speed on a CPU."""
WARP_PX = 32_000
"""Longest side of an image that OpenCV's warp is given: it takes less than 32,767."""
LEGACY_BONES = MPII16.pairs(MPII16_LEGACY_BONES)


class ImagePyramid:
    """An image and its halvings, so that a crop of any size is resampled from at most twice its resolution.

    Bilinear sampling of a large person straight down to the network's input would skip most pixels and alias.
    """

    def __init__(self, image_rgb: UInt8[np.ndarray, "H W 3"], camera: Camera | None = None):
        """camera: that took the image; None: one of the usual angle of view is assumed."""
        self.levels = [image_rgb]
        self.camera = camera or camera_with_fov(self.size_hw)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the full image."""
        return self.levels[0].shape[:2]

    def cut(self, crop: Crop, size_px: int) -> UInt8[np.ndarray, "S S 3"]:
        """The crop, resized to size_px; what lies outside the image is black, as in training."""
        level = max(0, int(np.log2(crop.side_px / size_px)))
        while len(self.levels) <= level and min(self.levels[-1].shape[:2]) >= 2:
            self.levels.append(_halve(self.levels[-1]))
        level = min(level, len(self.levels) - 1)
        factor = 2.0**level
        x, y = ((np.asarray(crop.center_xy) + 0.5) / factor - 0.5).tolist()
        source, at = self.levels[level], Crop((x, y), crop.side_px / factor, crop.angle_rad)
        if max(source.shape[:2]) > WARP_PX:
            source, at = _part_around(source, at)
        return cv2.warpAffine(source, crop_matrix(at, size_px), (size_px, size_px), flags=cv2.INTER_LINEAR)


def _part_around(image: np.ndarray, crop: Crop) -> tuple[np.ndarray, Crop]:
    """What of an image a crop can need, and the crop in that."""
    reach = crop.side_px * 0.71 + 2
    low, high = (
        np.clip(np.round(np.asarray(crop.center_xy) + way * reach), 0, image.shape[1::-1]).astype(int)
        for way in (-1, 1)
    )
    part = image[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    x, y = (np.asarray(crop.center_xy) - low).tolist()
    return part, Crop((x, y), crop.side_px, crop.angle_rad)


def _halve(image: np.ndarray) -> np.ndarray:
    """Mean of each 2x2 block. An odd last row or column is repeated first, so that pixel u covers 2u and 2u + 1."""
    h, w = image.shape[:2]
    if h % 2 or w % 2:
        image = cv2.copyMakeBorder(image, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE)
    return cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)


def poses_in_boxes(
    model: OnnxModel | Mirrored,
    pyramid: ImagePyramid,
    boxes_xywh: Sequence[Sequence[int | float]] | Float[np.ndarray, "N 4"],
) -> list[Pose3D]:
    """One pose per box, in the order of the boxes."""
    return poses_in_crops(model, [(pyramid, box) for box in np.asarray(boxes_xywh, dtype=np.float64).reshape(-1, 4)])


def poses_in_crops(
    model: OnnxModel | Mirrored, people: Sequence[tuple[ImagePyramid, Float[np.ndarray, " 4"]]]
) -> list[Pose3D]:
    """One pose for each image and box in it, in their order, BATCH at a time."""
    poses = []
    for start in range(0, len(people), BATCH):
        pyramids, boxes = zip(*people[start : start + BATCH], strict=True)
        crops = [square_crop(box, model.info.crop_scale) for box in boxes]
        cut = [pyramid.cut(crop, model.info.input_px) for pyramid, crop in zip(pyramids, crops, strict=True)]
        joints_crop_px, confidence, lifted = Answer(*model.run(np.stack(cut))).read(model.codec)
        cameras = [pyramid.camera for pyramid in pyramids]
        for camera, box, *of_crop in zip(cameras, boxes, crops, joints_crop_px, lifted, confidence, strict=True):
            poses.append(_to_pose(model, camera, box, *of_crop))
    return poses


def _to_pose(model: OnnxModel | Mirrored, camera: Camera, box, crop: Crop, joints_crop_px, pose, confidence) -> Pose3D:
    to_image = invert_affine(crop_matrix(crop, model.info.input_px))
    joints_crop_px = joints_crop_px.astype(np.float64)
    seen = Pose3D(
        joints_px=apply_affine(to_image, joints_crop_px).astype(np.float32),
        joints_mm=pose_to_mm(pose, model.info.bone_sum_mm),
        confidence=confidence.astype(np.float32),
        box_xywh=box.astype(np.float32),
        score=float(confidence.mean()),
    )
    return replace(seen, joints_mm=pose_to_mm(in_camera_axes(seen, crop.center_xy, camera), model.info.bone_sum_mm))


def pose_to_mm(pose: Float[np.ndarray, "16 3"], bone_sum_mm: float) -> Float[np.ndarray, "16 3"]:
    """Pelvis-relative mm from a pose of any unit, by the train-mean rule.

    The pose is scaled so that its 14 bones (Zhou et al., ICCV 2017) add up to the training set's mean sum.
    """
    xyz = pose.astype(np.float64)
    own_sum = float(bone_length_sum(xyz, LEGACY_BONES))
    return (xyz * (bone_sum_mm / max(own_sum, 1e-6))).astype(np.float32)
