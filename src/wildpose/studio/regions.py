"""Where on a body clothes, hair and shoes lie: smooth fields over the mesh, defined once on the mean body.

How far down an arm or a leg a vertex lies, how high, how far to the front; clothes are cut along them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from wildpose.studio.bodies import load_bank

_LANDMARK_HEIGHTS = {
    "foot.L": -0.745,
    "lowerleg01.L": -0.369,
    "upperleg01.L": 0.049,
    "spine01": 0.433,
    "clavicle.L": 0.519,
    "neck01": 0.589,
    "head": 0.697,
    "eye.L": 0.728,
}


def _reference_heights(rest: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Rest positions with heights mapped piecewise linearly onto the landmarks, sole -0.82 and crown 0.849."""
    bank = load_bank()
    own = [pivots[bank.bone(label), 2] for label in _LANDMARK_HEIGHTS]
    top = rest[bank.arrays["is_skin"], 2].max()
    out = rest.copy()
    out[:, 2] = np.interp(
        rest[:, 2], [-0.82, *own, top, top + 0.01], [-0.82, *_LANDMARK_HEIGHTS.values(), 0.849, 0.858]
    )
    return out


@dataclass(frozen=True)
class Regions:
    """Fields over the bank's vertices, on the mean body at rest (metres)."""

    rest: Float[np.ndarray, "V 3"]
    """Rest positions, heights rescaled so that landmarks lie at _LANDMARK_HEIGHTS whatever the bank's mean stature."""
    arm: Float[np.ndarray, " V"]
    """0 at the shoulder, 0.5 at the elbow, 1 at the wrist; -1 off the arms."""
    leg: Float[np.ndarray, " V"]
    """0 at the hip, 0.5 at the knee, 1 at the ankle, above on the foot; 0 off the legs."""
    head: Float[np.ndarray, " V"]
    """Height above the hairline; positive where hair grows."""
    tights: Int[np.ndarray, " T"]
    scalp: Int[np.ndarray, " S"]
    locks: Int[np.ndarray, " H"]
    tights_faces: Int[np.ndarray, "F 3"]
    scalp_faces: Int[np.ndarray, "F2 3"]
    locks_faces: Int[np.ndarray, "F3 3"]
    skin_faces: Int[np.ndarray, "F4 3"]
    waves: Float[np.ndarray, "V 6"]
    """Smooth noise fields of zero mean, about 6 cm to 20 cm long, for wrinkles and blotches."""


def _limb(rest: np.ndarray, pivots: np.ndarray, dominant: list[str], side: str, names: tuple, members: tuple) -> tuple:
    bank = load_bank()
    near, middle, far = (pivots[bank.bone(f"{name}.{side}")] for name in names)
    inside = np.array([label.endswith("." + side) and label.startswith(members) for label in dominant])
    upper, lower = middle - near, far - middle
    first = (rest - near) @ upper / (upper @ upper)
    second = (rest - middle) @ lower / (lower @ lower)
    return inside, np.maximum(np.where(first < 1, 0.5 * first, 0.5 + 0.5 * np.maximum(second, 0)), 0)


def _hairline(y: np.ndarray) -> np.ndarray:
    """Height above which hair grows, by distance to the front (y)."""
    return np.interp(y, [-0.16, -0.11, -0.07, -0.045, 0.0, 0.06], [0.812, 0.802, 0.775, 0.735, 0.69, 0.655])


def _patch(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces whose corners all belong to a vertex set, renumbered within the vertices they use."""
    chosen = faces[np.isin(faces, vertices).all(1)]
    used = np.unique(chosen)
    return used, np.searchsorted(used, chosen).astype(np.int32)


@cache
def regions() -> Regions:
    """The fields of the shipped bank."""
    bank = load_bank()
    mean = bank.mean_rest()
    rest = mean.vertices.astype(np.float64)
    dominant = [bank.labels[i] for i in bank.bones[:, 0]]
    arm, leg = np.full(len(rest), -1.0), np.zeros(len(rest))
    for side in "LR":
        inside, along = _limb(rest, mean.pivots, dominant, side, ("upperarm01", "lowerarm01", "wrist"),
                              ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"))  # fmt: skip
        arm[inside] = along[inside]
        inside, along = _limb(rest, mean.pivots, dominant, side, ("upperleg01", "lowerleg01", "foot"),
                              ("upperleg", "lowerleg", "foot", "toe"))  # fmt: skip
        leg[inside] = along[inside]
    feet = np.array([label.startswith(("foot", "toe")) for label in dominant])
    leg[feet] = np.maximum(leg[feet], 1.02)
    rest = _reference_heights(rest, mean.pivots)
    above = rest[:, 2] - _hairline(rest[:, 1])
    ears = bank.arrays["masks"][:, list(bank.arrays["mask_names"]).index("ears")] > 100
    above[ears & bank.arrays["is_skin"]] = -0.01
    skin_faces = bank.arrays["skin_faces"].astype(np.int32)
    on_head = np.flatnonzero(
        bank.arrays["is_skin"] & (above > -0.03) & (rest[:, 2] > 0.64) & (np.abs(rest[:, 0]) < 0.13)
    )
    scalp, scalp_faces = _patch(on_head, skin_faces)
    tights, tights_faces = _patch(np.unique(bank.arrays["tights_faces"]), bank.arrays["tights_faces"].astype(np.int32))
    locks, locks_faces = _patch(np.unique(bank.arrays["hair_faces"]), bank.arrays["hair_faces"].astype(np.int32))
    rng = np.random.default_rng(7)
    waves = np.stack([_wave(rng, rest, k) for k in (30.0, 45.0, 60.0, 60.0, 90.0, 110.0)], 1)
    return Regions(
        rest, arm, leg, above, tights, scalp, locks, tights_faces, scalp_faces, locks_faces, skin_faces, waves
    )


def _wave(rng: np.random.Generator, rest: np.ndarray, frequency: float) -> np.ndarray:
    directions = rng.normal(size=(5, 3))
    directions *= frequency / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.sin(rest @ directions.T + rng.uniform(0, 6.28, 5)).mean(1)
