"""Things around a person: chairs to sit on and what stands between them and the camera."""

import numpy as np

from wildpose.studio.appearance import linear
from wildpose.studio.poses import ON_A_SEAT
from wildpose.studio.render import Posed
from wildpose.studio.scene import ball, box, chair


def thing_color(rng: np.random.Generator) -> np.ndarray:
    return linear(np.clip(rng.uniform(30, 220) * (1 + rng.normal(0, 0.25, 3)), 8, 245))


def seat(rng: np.random.Generator, posed: Posed, posture: str, heading: float) -> list:
    """A chair under a sitting person."""
    if posture not in ON_A_SEAT:
        return []
    pelvis = posed.joints[6]
    height = float(pelvis[2]) - 0.10
    if height < 0.2:
        return []
    behind = 0.06 * np.array([-np.sin(heading), np.cos(heading)])
    centre = np.array([*(pelvis[:2] + behind), 0.0])
    return chair(centre, heading, height, thing_color(rng), bool(rng.random() < 0.6))


def heading(pose: np.ndarray) -> float:
    """Angle about z by which a pose's pelvis is turned from facing -y."""
    forward = pose[0] @ np.array([0, -1.0, 0])
    return float(np.arctan2(forward[0], -forward[1]))


def occluder(rng: np.random.Generator, posed: Posed, eye: np.ndarray) -> list:
    """Something that stands between the camera and a part of the person."""
    target = posed.joints[rng.integers(16)] + rng.normal(0, 0.08, 3)
    at = target + rng.uniform(0.18, 0.45) * (eye - target)
    size = rng.uniform(0.1, 0.32, 3)
    color = thing_color(rng)
    if rng.random() < 0.5:
        size[2] = max(at[2] + size[2] / 2, 0.1)
        return [box(np.array([at[0], at[1], size[2] / 2]), size, rng.uniform(0, 3), color, int(rng.integers(0, 12)))]
    return [ball(at, size / 2, color, int(rng.integers(0, 12)))]
