"""Crops, flips, projection, weak perspective and rigid alignment, in numpy.

Pixel centres lie at integer coordinates: an image of width W covers [-0.5, W - 0.5], its middle is (W - 1) / 2.
Camera frame: +x right, +y down, +z away, mm. Points are (x, y[, z]).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from wildpose.errors import InputError


@dataclass(frozen=True)
class Crop:
    """A square of an image, to be cut out and resized."""

    center_xy: tuple[float, float]
    """Middle of the square in the image, px."""
    side_px: float
    """Length of its side in the image, px."""
    angle_rad: float = 0.0
    """Direction of the crop's x axis in the image; positive turns it from +x towards +y (clockwise on the screen)."""


def square_crop(box_xywh: Num[np.ndarray, " 4"] | Sequence[float | int], scale: float = 1.25) -> Crop:
    """The square of side `scale * max(w, h)` around the middle of a box (x, y, w, h) in px.

    Raises InputError if the box is not finite or has no area on either side.
    """
    box = np.asarray(box_xywh, dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or box[2:].min() < 0 or box[2:].max() <= 0:
        raise InputError("a box X,Y,W,H in px, finite, W and H > 0", str(box.tolist()), "give the person's box")
    x, y, w, h = box.tolist()
    return Crop((x + w / 2, y + h / 2), scale * max(w, h))


def crop_matrix(crop: Crop, size_px: int) -> Float[np.ndarray, "2 3"]:
    """Affine map from image px to the px of the crop resized to size_px x size_px.

    The crop's middle goes to (size_px - 1) / 2, the middle of the resized picture. Use it with cv2.warpAffine as it is.
    """
    zoom = size_px / crop.side_px
    c, s = zoom * np.cos(crop.angle_rad), zoom * np.sin(crop.angle_rad)
    linear = np.array([[c, s], [-s, c]])
    offset = (size_px - 1) / 2 - linear @ np.asarray(crop.center_xy)
    return np.column_stack([linear, offset])


def apply_affine(
    matrix: Float[np.ndarray, "2 3"], points: Float[np.ndarray, "*batch 2"]
) -> Float[np.ndarray, "*batch 2"]:
    """Map 2D points by an affine matrix; NaN stays NaN."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def invert_affine(matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """The affine map that undoes `matrix`."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.column_stack([inverse, -inverse @ matrix[:, 2]])


def flip_points(
    points: Float[np.ndarray, "*batch P D"], width: int, mirror: Int[np.ndarray, " P"]
) -> Float[np.ndarray, "*batch P D"]:
    """Points of the picture flipped left to right: x -> width - 1 - x, joints renamed by the skeleton's mirror."""
    flipped = points[..., mirror, :]  # fancy indexing copies: the caller's array stays as it is
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


def project(
    points_cam_mm: Float[np.ndarray, "*batch P 3"], K: Float[np.ndarray, "*#batch 3 3"]
) -> Float[np.ndarray, "*batch P 2"]:
    """Perspective projection to px by the intrinsic matrix K; NaN for points not in front of the camera."""
    homogeneous = points_cam_mm @ np.swapaxes(K, -1, -2)
    depth = homogeneous[..., 2:]
    return homogeneous[..., :2] / np.where(depth > 0, depth, np.nan)


def weak_perspective_scale(
    points_cam_mm: Float[np.ndarray, "*batch P 3"], points_px: Float[np.ndarray, "*batch P 2"]
) -> Float[np.ndarray, "*batch"]:
    """Scale s (px per mm) that brings s * (x, y) nearest to the px, both about their means, in the least-squares sense.

    Joints with NaN in either are left out; NaN if none is left or all coincide. Both must be of one camera, unrotated.
    """
    xy = points_cam_mm[..., :2]
    known = np.isfinite(xy).all(-1, keepdims=True) & np.isfinite(points_px).all(-1, keepdims=True)
    count = known.sum(-2, keepdims=True)

    def centred(points):
        points = np.where(known, points, 0.0)
        return np.where(known, points - points.sum(-2, keepdims=True) / np.maximum(count, 1), 0.0)

    a, b = centred(xy), centred(points_px)
    spread = (a * a).sum((-2, -1))
    return np.asarray((a * b).sum((-2, -1)) / np.where(spread > 0, spread, np.nan))


def depth_in_crop(
    joints_cam_mm: Float[np.ndarray, "P 3"], joints_px: Float[np.ndarray, "P 2"], crop: Crop, root: int
) -> Float[np.ndarray, " P"]:
    """The depth target: weak-perspective scale * (z - z_root) in half sides of the crop, the unit of its x and y.

    Both joint arrays are of the uncropped image; the scale is the least-squares one over the joints known in both.
    """
    scale_px_per_mm = weak_perspective_scale(joints_cam_mm, joints_px)
    z = joints_cam_mm[:, 2]
    return scale_px_per_mm * (z - z[root]) / (crop.side_px / 2)


def bone_length_sum(
    points: Float[np.ndarray, "*batch P D"], bones: Sequence[tuple[int, int]]
) -> Float[np.ndarray, "*batch"]:
    """Sum of the lengths of the bones given as index pairs, in the points' unit."""
    a, b = np.asarray(bones).T
    return np.asarray(np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1).sum(-1))


def similarity_align(
    source: Float[np.ndarray, "N P 3"], target: Float[np.ndarray, "N P 3"], scale: bool = True
) -> Float[np.ndarray, "N P 3"]:
    """Each source pose moved, turned and (if `scale`) scaled to be nearest to its target in the least-squares sense.

    The rotation is proper: a mirrored pose does not fit its original (Umeyama, PAMI 1991, eq. 40-42).
    A source whose joints all coincide is moved only. A pose with NaN in it or in its target becomes NaN.
    """
    whole = np.isfinite(source).all((1, 2)) & np.isfinite(target).all((1, 2))
    if not whole.all():
        aligned = np.full(source.shape, np.nan, source.dtype)
        aligned[whole] = similarity_align(source[whole], target[whole], scale)
        return aligned
    source_mean, target_mean = source.mean(1, keepdims=True), target.mean(1, keepdims=True)
    a, b = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(np.swapaxes(b, 1, 2) @ a)  # covariance: b ~ rotation @ a
    sign = np.ones_like(singular)
    sign[:, 2] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    rotation = (u * sign[:, None, :]) @ vt
    factor = np.ones(len(source), dtype=source.dtype)
    if scale:
        spread = (a * a).sum((1, 2))
        factor = np.where(spread > 0, (singular * sign).sum(1) / np.where(spread > 0, spread, 1.0), 1.0)
    return factor[:, None, None] * (a @ np.swapaxes(rotation, 1, 2)) + target_mean
