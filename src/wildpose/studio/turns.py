"""Rotations between directions and about axes, as 3 x 3 matrices."""

import numpy as np
from jaxtyping import Float


def cross(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """Cross product of two vectors; np.cross takes ten times as long."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def swing(source: Float[np.ndarray, " 3"], target: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that turns one direction into another."""
    a, b = source / np.sqrt(source @ source), target / np.sqrt(target @ target)
    v, c = cross(a, b), float(a @ b)
    if c < -1 + 1e-9:  # opposite: half a turn about any axis across
        axis = cross(a, np.array([1.0, 0, 0]) if abs(a[0]) < 0.9 else np.array([0, 1.0, 0]))
        axis /= np.linalg.norm(axis)
        return 2 * np.outer(axis, axis) - np.eye(3)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1 + c)


def axis_rotation(vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Rotation by |vector| radians about the vector (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = np.asarray(vector) / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def rotation_vector(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, " 3"]:
    """Inverse of axis_rotation for angles under pi."""
    cosine = np.clip((np.trace(rotation) - 1) / 2, -1, 1)
    angle = np.arccos(cosine)
    across = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    size = np.linalg.norm(across)
    return across * (angle / size) if size > 1e-9 else across * 0.5


def mix(a: Float[np.ndarray, "3 3"], b: Float[np.ndarray, "3 3"], share: float) -> Float[np.ndarray, "3 3"]:
    """The rotation `share` of the way from a to b."""
    return a @ axis_rotation(share * rotation_vector(a.T @ b))
