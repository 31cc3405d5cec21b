"""Where in front of the camera a person stands: the translation that brings a relative pose onto its pixels."""

from dataclasses import dataclass
from math import radians, tan
from typing import Literal

import numpy as np
from jaxtyping import Float

from wildpose.predict.exif import FILM_DIAGONAL_MM
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D

DEFAULT_FOV_DEG = 60.0
"""Angle of view across a picture's longer side where nobody says: between a phone's main camera (69) and a 35 mm-
equivalent lens of 35 mm (54). A wrong angle moves people nearer or farther, and turns poses a little (docs/json.md)."""
ANKLE_SHARE = 0.039
"""Height of the ankle above the ground in statures (Winter, Biomechanics and Motor Control of Human Movement)."""
STATURE_BONES = (("head_top", "upper_neck"), ("upper_neck", "thorax"), ("thorax", "pelvis"))
LEG_BONES = (("hip", "knee"), ("knee", "ankle"))


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion, in px of the picture, pixel centres at integers."""

    fx: float
    fy: float
    cx: float
    cy: float
    source: Literal["given", "exif", "assumed"] = "given"
    """Whether somebody said so, the photo's EXIF did, or DEFAULT_FOV_DEG was taken for lack of better knowledge."""

    @property
    def assumed(self) -> bool:
        """Whether nothing was known of it."""
        return self.source == "assumed"


def camera_with_fov(size_hw: tuple[int, int], fov_deg: float | None = None) -> Camera:
    """The camera with that angle of view across the longer side, its axis through the middle of the picture."""
    height, width = size_hw
    focal = max(height, width) / 2 / tan(radians(fov_deg or DEFAULT_FOV_DEG) / 2)
    return Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, "assumed" if fov_deg is None else "given")


def camera_with_focal_35mm(size_hw: tuple[int, int], focal_35mm: float) -> Camera:
    """The camera of a photo by its EXIF's focal length, mm on 35 mm film. Right unless the photo was cropped."""
    height, width = size_hw
    focal = focal_35mm / FILM_DIAGONAL_MM * float(np.hypot(height, width))
    return Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, "exif")


@dataclass(frozen=True)
class World:
    """Axes whose z points up: +x right, +y away from the camera, level, +z up. The camera isn't tilted to a side."""

    pitch_deg: float = 0.0
    """How far the camera looks down from the horizon; negative: up."""
    assumed: bool = True
    """Whether the camera is taken to be level for lack of better knowledge."""

    def turn(self, points_cam: Float[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N 3"]:
        """From camera axes (+x right, +y down, +z away along the camera's axis) to these."""
        c, s = np.cos(radians(self.pitch_deg)), np.sin(radians(self.pitch_deg))
        return points_cam @ np.array([[1, 0, 0], [0, -s, c], [0, -c, -s]]).T


def pelvis_cam_mm(pose: Pose3D, camera: Camera) -> Float[np.ndarray, " 3"] | None:
    """The pelvis in the camera's frame, mm (+x right, +y down, +z away): joints_mm plus this are camera coordinates.

    Linear least squares, weighted by confidence: a joint (X, Y, Z) + t projects to (u, v) if
    tx - a tz = a Z - X and ty - b tz = b Z - Y, with a = (u - cx) / fx, b = (v - cy) / fy. Exact for a pose seen in
    perspective. None where no translation puts the person in front of the camera.
    """
    mm = pose.joints_mm.astype(np.float64)
    rays = (pose.joints_px.astype(np.float64) - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    weight = np.sqrt(np.maximum(pose.confidence.astype(np.float64), 1e-3))
    rows, wanted = np.zeros((2, len(mm), 3)), np.zeros((2, len(mm)))
    for axis in (0, 1):
        rows[axis, :, axis] = weight
        rows[axis, :, 2] = -weight * rays[:, axis]
        wanted[axis] = weight * (rays[:, axis] * mm[:, 2] - mm[:, axis])
    shift, _, rank, _ = np.linalg.lstsq(rows.reshape(-1, 3), wanted.reshape(-1), rcond=1e-9)
    in_front = shift[2] + mm[:, 2].min() > 0
    return shift if rank == 3 and in_front and np.isfinite(shift).all() else None


def stature_mm(joints_mm: Float[np.ndarray, "16 3"]) -> float:
    """Body height of a pose: head top to pelvis along the spine, plus the mean leg from hip to ankle, plus the foot."""
    legs = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in LEG_BONES]
    spine, both_legs = _path_length(joints_mm, STATURE_BONES), _path_length(joints_mm, tuple(legs))
    return (spine + both_legs / 2) / (1 - ANKLE_SHARE)


def _path_length(joints_mm: np.ndarray, names: tuple[tuple[str, str], ...]) -> float:
    a, b = np.array(MPII16.pairs(names)).T
    return float(np.linalg.norm(joints_mm[a].astype(np.float64) - joints_mm[b], axis=-1).sum())
