"""Whether a 3D pose could be a person's, without any 3D truth: for photos, where there is none.

Both measures are blind to place, size and turn of the pose, so that poses in crop units will do.
"""

import numpy as np
from jaxtyping import Bool, Float

from wildpose.skeleton import LIMB_GROUPS, MPII16

HINGES = ("right_knee", "left_knee", "right_elbow", "left_elbow")
TOLERANCE = float(np.sin(np.deg2rad(20.0)))
"""How far a knee or elbow may bend the wrong way, as the sine of 20 degrees: the trunk's axes are guessed from hips and
shoulders. Of 450 poses that the studio draws, no knee and 2.4 % of the elbows are beyond it; mirrored, 63 and 42 %."""
ABOVE = 0.2
"""An upper arm counts as raised from this share of its length above the shoulder on: then the elbow may bend back."""


def limb_asymmetry(poses: Float[np.ndarray, "N 16 3"]) -> Float[np.ndarray, "N 4"]:
    """Difference between the left and the right length of each limb of LIMB_GROUPS, in percent of their mean.

    A person's limbs are alike to a few percent. The symmetry of limbs is what Dabral et al. (ECCV 2018) penalise in
    training; here it is only measured.
    """
    columns = []
    for limbs in LIMB_GROUPS.values():
        right, left = (np.linalg.norm(_bone(poses, start, end), axis=-1) for start, end in limbs)
        mean = (right + left) / 2
        columns.append(100.0 * np.abs(right - left) / np.where(mean > 0, mean, np.nan))
    return np.stack(columns, 1)


def hinge_violations(poses: Float[np.ndarray, "N 16 3"]) -> Bool[np.ndarray, "N 4"]:
    """Whether each of HINGES bends the wrong way by more than TOLERANCE.

    Knees bend so that the shin goes back: thigh x shin points to the person's left. Elbows of arms that aren't raised
    don't bend backwards, whichever way the upper arm is turned (raised, the hand may go behind the head). These are
    the two hinges that Dabral et al. (ECCV 2018, "illegal angles") use as well, with other axes; the limits of Akhter
    and Black (CVPR 2015) that hang on the pose as a whole are finer. Mirror a pose in depth, and its knees and elbows
    bend the wrong way: that is the error this finds.
    """
    left, forward, up = trunk_axes(poses)
    found = []
    for hinge in HINGES:
        side = hinge.split("_")[0]
        if hinge.endswith("knee"):
            thigh = _unit(_bone(poses, f"{side}_hip", f"{side}_knee"))
            shin = _unit(_bone(poses, f"{side}_knee", f"{side}_ankle"))
            found.append(_dot(np.cross(thigh, shin), left) < -TOLERANCE)
        else:
            upper = _unit(_bone(poses, f"{side}_shoulder", f"{side}_elbow"))
            fore = _unit(_bone(poses, f"{side}_elbow", f"{side}_wrist"))
            bend = fore - _dot(fore, upper)[:, None] * upper
            found.append((_dot(bend, forward) < -TOLERANCE) & (_dot(upper, up) < ABOVE))
    return np.stack(found, 1)


def trunk_axes(
    poses: Float[np.ndarray, "N 16 3"],
) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "N 3"], Float[np.ndarray, "N 3"]]:
    """The person's own left, forward and up, unit vectors, from hips and shoulders; for right-handed frames such as the
    camera's."""
    up = _unit(_bone(poses, "pelvis", "thorax"))
    across = _bone(poses, "right_hip", "left_hip") + _bone(poses, "right_shoulder", "left_shoulder")
    left = _unit(across - _dot(across, up)[:, None] * up)
    return left, np.cross(left, up), up


def _bone(poses, start, end):
    return poses[:, MPII16.index(end)] - poses[:, MPII16.index(start)]


def _dot(a, b):
    return (a * b).sum(-1)


def _unit(vectors):
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
