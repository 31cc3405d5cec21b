"""A person who stands with bent knees, in any joint order, where a camera sees them; for files of 3D sets."""

import numpy as np

from wildpose.data.sample import Camera
from wildpose.skeleton import SKELETONS, Skeleton

# Facing +x, left is +y, up is +z; mm from between the feet. Knees 120 mm in front of the line from hip to ankle.
PLACES = {
    **{"pelvis": (0, 0, 900), "spine": (0, 0, 1130), "neck": (0, 0, 1400), "head": (60, 0, 1480)},
    **{"head_top": (0, 0, 1650), "thorax": (0, 0, 1130), "upper_neck": (0, 0, 1400), "spine2": (0, 0, 1200)},
    **{"spine3": (0, 0, 1250), "spine4": (0, 0, 1330)},
    **{"hip": (0, 130, 900), "knee": (120, 130, 480), "ankle": (0, 130, 80), "foot": (60, 130, 20)},
    **{"toe": (150, 130, 0), "shoulder": (0, 180, 1380), "elbow": (0, 210, 1100), "wrist": (80, 210, 860)},
    **{"hand": (120, 210, 800), "clavicle": (0, 80, 1390)},
}


def body(skeleton: Skeleton | str, turned: float = 0.0, at: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """(P, 3) mm in the room (+z up), turned about the vertical, standing at (x, y)."""
    joints = []
    for name in (SKELETONS[skeleton] if isinstance(skeleton, str) else skeleton).joints:
        side, _, part = name.rpartition("_")
        place = PLACES.get(name) or PLACES[part]
        joints.append([place[0], place[1] * {"left": 1, "right": -1}.get(side, 0), place[2]])
    c, s = np.cos(turned), np.sin(turned)
    return np.array(joints) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + (*at, 0.0)


def room_camera(name: str = "", around: float = 0.0, distortion: bool = False) -> Camera:
    """Five metres from the middle of the room, at the height of the hips, looking at it; 1000 x 1000 px."""
    place = 5000.0 * np.array([np.cos(around), np.sin(around), 0.0]) + (0, 0, 1000.0)
    forward = -np.array([np.cos(around), np.sin(around), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    R = np.stack([np.cross(down, forward), down, forward])
    K = np.array([[1145.0, 0, 512.5], [0, 1144.0, 515.5], [0, 0, 1]])
    lens = np.array([-0.2, 0.24, -0.001, -0.0008, -0.002]) if distortion else np.zeros(5)
    return Camera(K, lens, R, -R @ place, name)


def seen(camera: Camera, room_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints in the room as the camera has them: (camera frame in mm, px)."""
    cam = room_mm @ camera.R.T + camera.t_mm
    return cam, camera.project(cam)
