"""From the pose that a network sees in a crop to the axes of the camera that took the picture.

A network knows its crop alone. It says how a person is turned towards the crop's middle, as if the camera looked there,
and what it says of x and y is where joints are in the picture: of two limbs as long, the nearer one is longer. Both can
be put right by who knows the camera: the first by turning the pose with the ray through the crop's middle (Mehta et
al., 3DV 2017), the second by reading x and y at each joint's own distance. What it brings, and what a
wrong focal length costs: docs/json.md.
"""

from dataclasses import replace
from math import atan2, cos, hypot, sin

import numpy as np
from jaxtyping import Float

from wildpose.predict.placement import Camera, pelvis_cam_mm
from wildpose.types import Pose3D

IF_ASSUMED = 0.5
"""Share of the difference that distances make, if nobody knows the focal length. P2 is better than without whichever
from 0.35 to 4 times the true one is believed; with all of it, only from 0.7 on (validation, docs/json.md)."""
PITCH = 0.5
"""Share of the turn up or down. Whether somebody is seen from above or below is hard to see: where they were upright, a
network's lean held six tenths of the ray's, and in a real clip nothing of it (docs/json.md)."""
LEAST, MOST = 0.5, 2.0
"""Bounds of the factor by which a joint's place is scaled for its distance."""
UNIT = Camera(1.0, 1.0, 0.0, 0.0)


def in_camera_axes(pose: Pose3D, middle_px: tuple[float, float], camera: Camera) -> Float[np.ndarray, "16 3"]:
    """joints_mm in the camera's axes, relative to the pelvis.

    pose: as the network sees it in a crop whose middle is at middle_px of the picture. Sizes are those of the pose but
    for perspective: its bones may add up to something else afterwards.
    """
    seen = pose.joints_mm.astype(np.float64)
    yaw, pitch = direction(camera, middle_px)
    aim = turned(yaw, pitch)
    rays = _rays(camera, pose.joints_px.astype(np.float64)) @ aim  # of a camera that looks at the crop's middle
    on_plane = rays[:, :2] / np.maximum(rays[:, 2:], 1e-3)
    pelvis = pelvis_cam_mm(replace(pose, joints_px=on_plane.astype(np.float32)), UNIT)
    if pelvis is not None:
        share = IF_ASSUMED if camera.assumed else 1.0
        nearer = np.clip(1 + share * seen[:, 2:] / pelvis[2], LEAST, MOST)
        seen[:, :2] = (seen[:, :2] + pelvis[:2]) * nearer - pelvis[:2]
    return seen @ turned(yaw, PITCH * pitch).T


def direction(camera: Camera, point_px: tuple[float, float]) -> tuple[float, float]:
    """Yaw (to the right) and pitch (downwards) of the ray through a point of the picture, radians."""
    x, y, z = _rays(camera, np.array([point_px]))[0].tolist()
    return atan2(x, z), atan2(y, hypot(x, z))


def turned(yaw: float, pitch: float) -> Float[np.ndarray, "3 3"]:
    """What brings the camera's axis there, its x axis kept level."""
    right = np.array([[cos(yaw), 0, sin(yaw)], [0, 1, 0], [-sin(yaw), 0, cos(yaw)]])
    return right @ np.array([[1, 0, 0], [0, cos(pitch), sin(pitch)], [0, -sin(pitch), cos(pitch)]])


def _rays(camera: Camera, points_px: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 3"]:
    flat = (points_px - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    return np.concatenate([flat, np.ones((len(flat), 1))], 1)
