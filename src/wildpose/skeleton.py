"""Skeletons by joint name: order, tree, mirror, limb groups and conversion. No index is ever trusted without its name.

MPII16 is canonical: networks, weights and results speak it, every data set converts to it by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from wildpose.errors import InputError

SAME_PLACE = {"upper_neck": "neck", "neck": "upper_neck", "thorax": "spine", "spine": "thorax"}
"""Joints that stand for one another where the exact name is missing. LSP's neck lies where MPII's upper neck does.
Thorax and spine differ in place (the mid-spine lies lower); they are paired because Zhou et al. (ICCV 2017) and those
who compare with them pair them, for Human3.6M and MPI-INF-3DHP alike."""


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named joints that form one tree."""

    name: str
    """Name as data sets and weights files print it."""
    joints: tuple[str, ...]
    """Joint names in order; a `left_` or `right_` prefix marks the sides."""
    parents: tuple[str | None, ...]
    """Name of each joint's parent, None for the root."""

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Place of a joint by its name; InputError if this skeleton lacks it."""
        if joint not in self.joints:
            raise InputError(f"a joint of {self.name}", repr(joint), f"use one of {', '.join(self.joints)}")
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> Int[np.ndarray, " P"]:
        """Permutation that swaps left and right: `points[mirror]` names the joints of a mirrored picture."""
        return np.array([self.index(_other_side(joint)) for joint in self.joints])

    @cached_property
    def parent_indices(self) -> Int[np.ndarray, " P"]:
        """Index of each joint's parent, -1 for the root."""
        return np.array([-1 if parent is None else self.index(parent) for parent in self.parents])

    @cached_property
    def bones(self) -> list[tuple[int, int]]:
        """(child, parent) index pairs of the tree, in the order of the children."""
        return [(child, int(parent)) for child, parent in enumerate(self.parent_indices) if parent >= 0]

    def pairs(self, names: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
        """Index pairs of named joint pairs, such as MPII16_LEGACY_BONES."""
        return [(self.index(a), self.index(b)) for a, b in names]


def _other_side(joint: str) -> str:
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


def convert(
    points: Float[np.ndarray, "*batch P D"], source: Skeleton, target: Skeleton
) -> tuple[Float[np.ndarray, "*batch P2 D"], Bool[np.ndarray, " P2"]]:
    """Reorder points by joint name, exact names first, then SAME_PLACE.

    Returns the points in the target's order, NaN where the source lacks the joint, and the mask of the joints it has.
    Raises InputError if the points' joint axis does not fit the source skeleton.
    """
    if points.ndim < 2 or points.shape[-2] != source.n:
        raise InputError(
            f"{source.n} joints ({source.name}) on the second last axis",
            f"shape {points.shape}",
            "name the skeleton the points are in",
        )
    origin = np.full(target.n, -1)
    for i, joint in enumerate(target.joints):
        for candidate in (joint, SAME_PLACE.get(joint)):
            if candidate in source.joints:
                origin[i] = source.joints.index(candidate)
                break
    mask = origin >= 0
    converted = points[..., origin, :]  # a copy; index -1 is overwritten on the next line
    converted[..., ~mask, :] = np.nan
    return converted, mask


def _skeleton(name: str, tree: str) -> Skeleton:
    """Read a skeleton from lines of `joint:parent`, the root without a parent."""
    entries = [entry.partition(":") for entry in tree.split()]
    return Skeleton(name, tuple(e[0] for e in entries), tuple(e[2] or None for e in entries))


MPII16 = _skeleton(
    "MPII16",
    """right_ankle:right_knee right_knee:right_hip right_hip:pelvis
    left_hip:pelvis left_knee:left_hip left_ankle:left_knee
    pelvis thorax:pelvis upper_neck:thorax head_top:upper_neck
    right_wrist:right_elbow right_elbow:right_shoulder right_shoulder:thorax
    left_shoulder:thorax left_elbow:left_shoulder left_wrist:left_elbow""",
)
"""The canonical 16 joints of the MPII Human Pose data set, in its order; the pelvis is the root."""

LSP14 = _skeleton(
    "LSP14",
    """right_ankle:right_knee right_knee:right_hip right_hip:neck
    left_hip:neck left_knee:left_hip left_ankle:left_knee
    right_wrist:right_elbow right_elbow:right_shoulder right_shoulder:neck
    left_shoulder:neck left_elbow:left_shoulder left_wrist:left_elbow
    neck head_top:neck""",
)
"""Leeds Sports Poses and its extension; it has neither pelvis nor thorax, so the neck is the root."""

COCO17 = _skeleton(
    "COCO17",
    """nose left_eye:nose right_eye:nose left_ear:left_eye right_ear:right_eye
    left_shoulder:nose right_shoulder:nose left_elbow:left_shoulder right_elbow:right_shoulder
    left_wrist:left_elbow right_wrist:right_elbow left_hip:left_shoulder right_hip:right_shoulder
    left_knee:left_hip right_knee:right_hip left_ankle:left_knee right_ankle:right_knee""",
)
"""COCO keypoints. COCO defines no tree; this one hangs everything on the nose."""

H36M17 = _skeleton(
    "H36M17",
    """pelvis right_hip:pelvis right_knee:right_hip right_ankle:right_knee
    left_hip:pelvis left_knee:left_hip left_ankle:left_knee
    spine:pelvis neck:spine head:neck head_top:head
    left_shoulder:neck left_elbow:left_shoulder left_wrist:left_elbow
    right_shoulder:neck right_elbow:right_shoulder right_wrist:right_elbow""",
)
"""The usual 17 of Human3.6M: raw 0,1,2,3,6,7,8,12,13,14,15,17,18,19,25,26,27 (`neck` is often printed "thorax")."""

H36M32 = _skeleton(
    "H36M32",
    """pelvis right_hip:pelvis right_knee:right_hip right_ankle:right_knee
    right_toe_base:right_ankle right_toe_end:right_toe_base
    left_hip:pelvis left_knee:left_hip left_ankle:left_knee left_toe_base:left_ankle left_toe_end:left_toe_base
    spine_base:pelvis spine:spine_base neck:spine head:neck head_top:head
    left_clavicle:spine left_shoulder:left_clavicle left_elbow:left_shoulder left_wrist:left_elbow
    left_thumb:left_wrist left_thumb_end:left_thumb left_hand:left_wrist left_hand_end:left_hand
    right_clavicle:spine right_shoulder:right_clavicle right_elbow:right_shoulder right_wrist:right_elbow
    right_thumb:right_wrist right_thumb_end:right_thumb right_hand:right_wrist right_hand_end:right_hand""",
)
"""The 32 raw joints of Human3.6M's D3_Positions; several coincide (spine_base with pelvis, clavicles with neck)."""

MPI3DHP17 = _skeleton(
    "MPI3DHP17",
    """head_top:head neck:spine right_shoulder:neck right_elbow:right_shoulder right_wrist:right_elbow
    left_shoulder:neck left_elbow:left_shoulder left_wrist:left_elbow
    right_hip:pelvis right_knee:right_hip right_ankle:right_knee
    left_hip:pelvis left_knee:left_hip left_ankle:left_knee
    pelvis spine:pelvis head:neck""",
)
"""The 17 "relevant" joints of MPI-INF-3DHP, as its test set stores them."""

MPI3DHP28 = _skeleton(
    "MPI3DHP28",
    """spine3:spine2 spine4:spine3 spine2:spine spine:pelvis pelvis neck:spine4 head:neck head_top:head
    left_clavicle:neck left_shoulder:left_clavicle left_elbow:left_shoulder left_wrist:left_elbow left_hand:left_wrist
    right_clavicle:neck right_shoulder:right_clavicle right_elbow:right_shoulder right_wrist:right_elbow
    right_hand:right_wrist
    left_hip:pelvis left_knee:left_hip left_ankle:left_knee left_foot:left_ankle left_toe:left_foot
    right_hip:pelvis right_knee:right_hip right_ankle:right_knee right_foot:right_ankle right_toe:right_foot""",
)
"""All 28 joints of MPI-INF-3DHP's training annotations."""

SKELETONS = {s.name: s for s in (MPII16, LSP14, COCO17, H36M17, H36M32, MPI3DHP17, MPI3DHP28)}

LIMB_GROUPS = {
    "upper_arms": (("right_shoulder", "right_elbow"), ("left_shoulder", "left_elbow")),
    "lower_arms": (("right_elbow", "right_wrist"), ("left_elbow", "left_wrist")),
    "upper_legs": (("right_hip", "right_knee"), ("left_hip", "left_knee")),
    "lower_legs": (("right_knee", "right_ankle"), ("left_knee", "left_ankle")),
}
"""The four limbs of Table 2 as joint-name pairs."""

MPII16_LEGACY_BONES = (
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("right_hip", "pelvis"),
    ("pelvis", "left_hip"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"),
    ("right_shoulder", "upper_neck"),
    ("upper_neck", "left_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("pelvis", "upper_neck"),
    ("upper_neck", "head_top"),
)
"""The 14 bones whose lengths Zhou et al. (ICCV 2017) sum to set the scale; the thorax is in none of them."""
