"""Recordings whose truth is known: people with a right angle in the left elbow, seen by a perspective camera."""

import numpy as np

from wildpose.geometry import project
from wildpose.predict.follow import Tracked
from wildpose.predict.placement import Camera
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D
from wildpose.write import FrameResult, Recording

CAMERA = Camera(900.0, 880.0, 330.0, 170.0)
SIZE_HW = (360, 640)
STANDING = {
    "pelvis": (0, 0, 0), "thorax": (0, -480, 0), "upper_neck": (0, -560, 0), "head_top": (0, -780, 0),
    "right_hip": (-120, 0, 0), "right_knee": (-130, 440, 0), "right_ankle": (-130, 870, 40),
    "left_hip": (120, 0, 0), "left_knee": (130, 440, 0), "left_ankle": (130, 870, 40),
    "right_shoulder": (-180, -470, 0), "right_elbow": (-300, -230, 0), "right_wrist": (-330, 10, -60),
    "left_shoulder": (180, -470, 0), "left_elbow": (180, -190, 0), "left_wrist": (180, -190, -250),
}  # fmt: skip
"""mm from the pelvis, camera axes: facing the camera, so that left is on +x; the left forearm points at the camera."""


def standing_mm() -> np.ndarray:
    """(16, 3) in MPII16's order."""
    return np.array([STANDING[name] for name in MPII16.joints], np.float64)


def seen(joints_mm: np.ndarray, pelvis_cam_mm, id: int = 0, confidence: float = 0.8) -> Tracked:
    """A person whose pelvis is at that place before CAMERA, its pixels in true perspective."""
    K = np.array([[CAMERA.fx, 0, CAMERA.cx], [0, CAMERA.fy, CAMERA.cy], [0, 0, 1.0]])
    joints_px = project(joints_mm + np.asarray(pelvis_cam_mm, float), K)
    low, high = joints_px.min(0), joints_px.max(0)
    box = np.concatenate([low, high - low]).astype(np.float32)
    sure = np.full(16, confidence, np.float32)
    return Tracked(id, Pose3D(joints_px.astype(np.float32), joints_mm.astype(np.float32), sure, box, confidence))


def frame(index: int, people: list[Tracked], rate_hz: float = 10.0) -> FrameResult:
    return FrameResult(index, index / rate_hz, SIZE_HW[1], SIZE_HW[0], people)


def two_people(frames: int = 3) -> Recording:
    """Person 0 goes to the right by 200 mm a frame, person 3 stands behind, on the right."""
    walk = [
        frame(k, [seen(standing_mm(), (-800 + 200 * k, 60, 4000)), seen(standing_mm(), (900, 80, 5000), id=3)])
        for k in range(frames)
    ]
    return Recording(walk, 10.0, CAMERA)
