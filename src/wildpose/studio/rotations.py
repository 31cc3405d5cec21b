"""Rotations over frames, and the one step that turns a source skeleton's rotations into the studio's segments."""

import numpy as np
from jaxtyping import Float

from wildpose.studio.bodies import DOWN, SEGMENTS
from wildpose.studio.turns import swing

LIMBS = tuple(name for name in SEGMENTS if name.endswith(("arm", "thigh", "shin")))


def euler(degrees: Float[np.ndarray, "F D"], axes: str) -> Float[np.ndarray, "F 3 3"]:
    """Product of rotations about the named axes, the first axis outermost: 'zyx' gives Rz Ry Rx."""
    out = np.tile(np.eye(3), (len(degrees), 1, 1))
    for column, axis in enumerate(axes):
        angle = np.radians(degrees[:, column])
        c, s = np.cos(angle), np.sin(angle)
        turn = np.tile(np.eye(3), (len(degrees), 1, 1))
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        turn[:, i, i], turn[:, i, j], turn[:, j, i], turn[:, j, j] = c, -s, s, c
        out = out @ turn
    return out


def quaternions(wxyz: Float[np.ndarray, "F 4"]) -> Float[np.ndarray, "F 3 3"]:
    """Rotation matrices of quaternions, normalised first."""
    w, x, y, z = (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)


def segment_poses(
    rotations: dict[str, Float[np.ndarray, "F 3 3"]], directions: dict[str, np.ndarray], frame: np.ndarray
) -> Float[np.ndarray, "F 13 3 3"]:
    """Segments from global rotations and, for limbs, their rest directions, both in the source's axes."""
    out = []
    for name in SEGMENTS:
        turned = frame @ rotations[name] @ frame.T
        out.append(turned @ swing(DOWN, frame @ directions[name]) if name in LIMBS else turned)
    return np.stack(out, 1)
