"""Is the truth plausible? Left and right, units and cameras are tested by geometry, never believed by name.

Each check judges a whole file and stays silent where too little speaks: it never guesses.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from wildpose.data.sample import Camera
from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

BONE_SUM_MM = (2000.0, 8000.0)
"""Where the sum of the 14 legacy bones of a person lies: children to giants (adults have some 4100 mm)."""
ENOUGH_PEOPLE = 30
"""Fewer upright people say nothing about sides."""
LEAST_SHARE = 0.4
"""Share of upright people with their left on the picture's right; real sets have 0.6 to 0.95, swapped ones the rest."""
ENOUGH_KNEES = 10
SAME_PLACE_MM = 100.0
"""Cameras of one room agree within millimetres; a wrong one is metres off."""
REPROJECTION_PX = 5.0
"""Median distance between labels and projected truth at which a camera is taken to be another one."""


def check_sides_2d(joints_px: Float[np.ndarray, "N 16 2"], path: Path) -> None:
    """InputError if left and right are swapped: of people photographed upright, most face the camera."""
    at = {name: joints_px[:, MPII16.index(name)] for name in ("left_shoulder", "right_shoulder", "left_hip")}
    height = at["left_hip"][:, 1] - at["left_shoulder"][:, 1]
    width = at["left_shoulder"][:, 0] - at["right_shoulder"][:, 0]
    upright = (height > 20) & (np.abs(width) > 0.3 * height)  # NaN compares false
    share = float((width[upright] > 0).mean()) if upright.any() else 1.0
    if upright.sum() >= ENOUGH_PEOPLE and share < LEAST_SHARE:
        raise InputError(
            f"people's own left and right in {path}, so that most upright people have their left on the right side",
            f"{100 * share:.0f} % of {int(upright.sum())}: left and right are swapped",
            "exchange the joints, or fetch the data set again",
        )


def check_sides_3d(joints_cam_mm: Float[np.ndarray, "N 16 3"], path: Path) -> None:
    """InputError if left and right are swapped: bent knees must point where hips and trunk say that front is."""
    at = {name: joints_cam_mm[:, MPII16.index(name)].astype(np.float64) for name in MPII16.joints}
    front = np.cross(at["left_hip"] - at["right_hip"], at["upper_neck"] - at["pelvis"])
    front /= np.linalg.norm(front, axis=1, keepdims=True) + 1e-9
    bends = []
    for side in ("left", "right"):
        hip, knee, ankle = (at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle"))
        leg = ankle - hip
        share = ((knee - hip) * leg).sum(1) / ((leg * leg).sum(1) + 1e-9)
        off_the_line = knee - hip - share[:, None] * leg  # the knee off the line from hip to ankle
        bent = np.linalg.norm(off_the_line, axis=1) > 0.1 * np.linalg.norm(leg, axis=1)
        bends.append((off_the_line * front).sum(1)[bent])
    forward = np.concatenate(bends)
    share = float((forward > 0).mean()) if len(forward) else 1.0
    if len(forward) >= ENOUGH_KNEES and share < LEAST_SHARE:
        raise InputError(
            f"people's own left and right in {path}, so that knees bend forwards",
            f"{100 * share:.0f} % of {len(forward)} bent knees do: left and right are swapped",
            "exchange the joints, or fetch the data set again",
        )


def check_unit(joints_mm: Float[np.ndarray, "N 16 3"], path: Path, key: str, unit_of_file: str = "mm") -> None:
    """InputError if people have not the size of people; `unit_of_file` is what the values were before conversion."""
    if not len(joints_mm):
        return
    total = float(np.median(bone_length_sum(joints_mm.astype(np.float64), MPII16.pairs(MPII16_LEGACY_BONES))))
    low, high = BONE_SUM_MM
    if not low <= total <= high:
        names = {"m": "metres", "mm": "millimetres"}
        raise InputError(
            f"{key} in {names[unit_of_file]} in {path} (the 14 bones of a person sum to {low:g} to {high:g} mm)",
            f"a median sum of {total:g} mm",
            f"give it in {names[unit_of_file]}: the values look like another unit",
        )


def check_cameras_agree(pelvis_room_mm: dict[str, Float[np.ndarray, "N 3"]], path: Path, where: str) -> None:
    """InputError if cameras put a person who is seen by them all at the same moments into different places."""
    places = np.stack(list(pelvis_room_mm.values()))
    apart = np.linalg.norm(places - np.median(places, 0), axis=-1).max(1)
    if apart.max() > SAME_PLACE_MM:
        worst = list(pelvis_room_mm)[int(apart.argmax())]
        raise InputError(
            f"cameras {', '.join(pelvis_room_mm)} that see a person in one place in {path}, {where}",
            f"{apart.max():.0f} mm off the others in camera {worst}",
            "R or T of a camera is that of another one",
        )


def check_projection(
    joints_cam_mm: Float[np.ndarray, "N 16 3"],
    joints_px: Float[np.ndarray, "N 16 2"],
    mask: Bool[np.ndarray, "N 16"],
    camera: Camera,
    path: Path,
    where: str,
) -> None:
    """InputError if the 3D truth seen by this camera does not fall on the 2D labels."""
    off = np.linalg.norm(camera.project(joints_cam_mm) - joints_px, axis=-1)[mask]
    off = off[np.isfinite(off)]
    if mask.any() and (not len(off) or np.median(off) > REPROJECTION_PX):
        got = f"a median distance of {np.median(off):.0f} px" if len(off) else "joints behind the camera"
        raise InputError(
            f"3D joints that camera {camera.name} projects onto the 2D labels in {path}, {where}",
            got,
            "this is the wrong camera, or 2D and 3D belong to different frames",
        )
