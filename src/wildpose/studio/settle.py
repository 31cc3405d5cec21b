"""Lay a body down on the floor: turn it until it rests on two supports, as gravity would."""

import numpy as np
from jaxtyping import Float

from wildpose.studio.poses import PENETRATION_RADIUS, capsules, turn

LYING = ("Supine", "Prone", "OnSide", "AllFours", "Plank", "FloorSitting", "FloorCrossed", "Kneeling", "KneelingBoth")
"""Postures that rest on more than the feet."""
_STEEPEST_DEG = 40.0


def settle(pose: Float[np.ndarray, "13 3 3"]) -> Float[np.ndarray, "13 3 3"]:
    """Pitch, then roll a stick person so that its centre of mass lies over the edge it rests on."""
    for axis, across in (("x", 1), ("y", 0)):
        points, radii = _supports(pose)
        slope = _resting_slope(points[:, across], points[:, 2] - radii, float(points[:, across].mean()))
        degrees = np.clip(np.degrees(np.arctan(slope)), -_STEEPEST_DEG, _STEEPEST_DEG)
        pose = turn(axis, -degrees if axis == "x" else degrees) @ pose
    return pose


def _supports(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of all capsules and their radii."""
    points, radii = [], []
    for name, ends in capsules(pose).items():
        points += list(ends)
        radii += [PENETRATION_RADIUS[name.split("_", 1)[-1]]] * 2
    return np.array(points), np.array(radii)


def _resting_slope(along: np.ndarray, height: np.ndarray, centre: float) -> float:
    """Slope of the lower convex hull's edge under `centre`: the line no point lies below that is highest there."""
    left, right = np.flatnonzero(along <= centre), np.flatnonzero(along > centre)
    if len(left) == 0 or len(right) == 0:
        return 0.0
    run = along[right][None] - along[left][:, None]
    rise = height[right][None] - height[left][:, None]
    slopes = rise / np.maximum(run, 1e-6)
    at_centre = height[left][:, None] + slopes * (centre - along[left][:, None])
    i, j = np.unravel_index(int(at_centre.argmin()), at_centre.shape)
    return float(slopes[i, j])
