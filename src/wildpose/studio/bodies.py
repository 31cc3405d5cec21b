"""The bodies: a bank of adults, posed by linear blend skinning, with the sixteen true joints.

World frame of the studio: metres, z up; the rest body faces -y and its left side is +x.

A pose is a (13, 3, 3) array of global rotations, one per SEGMENT, from the canonical stance: upright, facing -y, arms
and legs pointing straight down, palms to the thighs, toes forward. So a limb's direction is its rotation times
(0, 0, -1), whatever the body's proportions.

The joints are the centres a body turns about, named as in MPII-16:
- ankle, knee, shoulder, elbow, wrist: the pivots of foot, shin, upper arm, forearm and hand.
- hip: the pivot of the thigh, moved 15 % of the way to the mid-line, to the femoral heads (about 0.1 of the stature
  apart).
  MakeHuman's own pivots lie 1.2 times as wide in proportion to the shoulders as MPII's and LSP's annotators see them.
- pelvis, thorax: midpoints of the hips and of the shoulders. MPII's annotations are that (median distance from the
  midpoint 0 and 0.3 % of the torso on its 16,274 upright people).
- upper_neck: the pivot of the lowest neck bone, at 0.275 of the way from thorax to head_top (mean of 80 standing
  bodies). LSP's neck lies at 0.27 there (median of 821 upright people, training photos), MPII's upper neck at 0.18.
- head_top: the vertex at the top of the skull, without hair.
Human3.6M's hips, knees and so on are the same centres; its spine and its "Neck/Nose" have no counterpart here.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float

from wildpose.skeleton import MPII16
from wildpose.studio.turns import axis_rotation, cross, mix, swing

SEGMENTS = (
    "pelvis", "chest", "head",
    "left_upper_arm", "left_forearm", "left_thigh", "left_shin", "left_foot",
    "right_upper_arm", "right_forearm", "right_thigh", "right_shin", "right_foot",
)  # fmt: skip
SEGMENT = {name: i for i, name in enumerate(SEGMENTS)}
DOWN = np.array([0.0, 0.0, -1.0])
HIP_INSET = 0.15

PIVOTS = {
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
}
SPINE_BLEND = {"spine05": 0.15, "spine04": 0.35, "spine03": 0.65, "spine02": 0.85, "spine01": 1.0}

JOINT_DEPTH_MM = {
    "ankle": 100, "knee": 125, "hip": 260, "pelvis": 280, "thorax": 260, "upper_neck": 160, "head_top": 110,
    "wrist": 60, "elbow": 90, "shoulder": 150,
}  # fmt: skip
"""How deep below the surface, clothes included, a joint centre can lie that nothing else hides: the occlusion
threshold."""


@dataclass(frozen=True)
class Bank:
    """The shipped bank, unpacked; see export_bodies."""

    arrays: dict[str, np.ndarray]
    labels: tuple[str, ...]
    parents: np.ndarray
    weights: Float[np.ndarray, "V 12"]
    bones: np.ndarray

    @property
    def count(self) -> int:
        """Number of bodies."""
        return len(self.arrays["stature_m"])

    @property
    def female(self) -> np.ndarray:
        """True where the body's MakeHuman gender is female (anny: 1 = female)."""
        return self.arrays["phenotype_gender"] > 0.5

    def rest(self, body: int) -> "RestBody":
        """The body's rest shape."""
        a = self.arrays
        vertices = a["vertex_mean"] + a["vertex_coef"][body] @ _basis("vertex")
        pivots = a["pivot_mean"] + a["pivot_coef"][body] @ _basis("pivot")
        return RestBody(vertices.reshape(-1, 3), pivots.reshape(-1, 3).astype(np.float64))

    def mean_rest(self) -> "RestBody":
        """The mean body."""
        a = self.arrays
        return RestBody(a["vertex_mean"].reshape(-1, 3), a["pivot_mean"].reshape(-1, 3).astype(np.float64))

    def bone(self, label: str) -> int:
        """Index of a bone by its MakeHuman label."""
        return self.labels.index(label)


@dataclass(frozen=True)
class RestBody:
    """One body's rest shape in metres."""

    vertices: Float[np.ndarray, "V 3"]
    pivots: Float[np.ndarray, "J 3"]


@cache
def load_bank() -> Bank:
    """The bank that ships with the package, loaded once a process."""
    with np.load(Path(__file__).with_name("body_bank.npz"), allow_pickle=False) as packed:
        arrays = {name: packed[name] for name in packed.files}
    weights = arrays["weights"].astype(np.float32)
    weights /= weights.sum(1, keepdims=True)
    labels = tuple(str(label) for label in arrays["labels"])
    return Bank(arrays, labels, arrays["parents"].astype(np.int64), weights, arrays["bones"].astype(np.int64))


@cache
def _basis(name: str) -> np.ndarray:
    """Principal directions (R, 3 points) of "vertex" or "pivot", metres per unit coefficient."""
    a = load_bank().arrays
    return a[f"{name}_basis"].astype(np.float32) * a[f"{name}_step"]


def _shoulder_girdle(chest: np.ndarray, upper_arm: np.ndarray) -> np.ndarray:
    """The clavicle follows a raised arm by a fifth of the angle beyond 30 degrees."""
    direction = chest.T @ upper_arm @ DOWN
    angle = np.arccos(np.clip(direction @ DOWN, -1, 1))
    axis = cross(DOWN, direction)
    size = np.linalg.norm(axis)
    if size < 1e-6 or angle < np.pi / 6:
        return chest
    return chest @ axis_rotation(axis / size * 0.2 * (angle - np.pi / 6))


def limb_alignment(bank: Bank, rest: RestBody) -> dict[str, np.ndarray]:
    """Per limb segment, the rotation that hangs the body's rest limb straight down."""
    pivots = inset_hips(bank, rest.pivots)
    out = {}
    for side, mark in (("left", "L"), ("right", "R")):
        at = {name: pivots[bank.bone(f"{label}.{mark}")] for name, label in PIVOTS.items()}
        for segment, near, far in (
            ("upper_arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
        ):
            out[f"{side}_{segment}"] = swing(at[far] - at[near], DOWN)
    return out


def inset_hips(bank: Bank, pivots: Float[np.ndarray, "J 3"]) -> Float[np.ndarray, "J 3"]:
    """Pivots with the two hips moved to the femoral heads (see the module's text)."""
    left, right = bank.bone("upperleg01.L"), bank.bone("upperleg01.R")
    middle = (pivots[left] + pivots[right]) / 2
    out = pivots.copy()
    for hip in (left, right):
        out[hip] += HIP_INSET * (middle - out[hip])
    return out


def bone_rotations(bank: Bank, rest: RestBody, pose: Float[np.ndarray, "13 3 3"]) -> Float[np.ndarray, "J 3 3"]:
    """Global rotation of every bone from its rest, for a pose given by segments."""
    segment = dict(zip(SEGMENTS, pose, strict=True))
    hang = limb_alignment(bank, rest)
    out = np.empty((len(bank.labels), 3, 3))
    girdle = {s: _shoulder_girdle(segment["chest"], segment[f"{s}_upper_arm"]) for s in ("left", "right")}
    spine = {name: mix(segment["pelvis"], segment["chest"], share) for name, share in SPINE_BLEND.items()}
    neck = mix(segment["chest"], segment["head"], 0.5)
    for index, label in enumerate(bank.labels):
        name, _, mark = label.partition(".")
        side = "left" if mark == "L" else "right"
        if name in spine:
            out[index] = spine[name]
        elif name.startswith("neck"):
            out[index] = neck
        elif name in ("head", "eye"):
            out[index] = segment["head"]
        elif name.startswith(("clavicle", "shoulder")):
            out[index] = girdle[side]
        elif name.startswith(("foot", "toe")):
            out[index] = segment[f"{side}_foot"]
        elif (limb := _limb_of(name)) is not None:
            out[index] = segment[f"{side}_{limb}"] @ hang[f"{side}_{limb}"]
        else:
            out[index] = segment["pelvis"]
    return out


def _limb_of(name: str) -> str | None:
    for prefix, limb in (
        ("upperarm", "upper_arm"),
        ("lowerarm", "forearm"),
        ("wrist", "forearm"),
        ("finger", "forearm"),
        ("metacarpal", "forearm"),
        ("upperleg", "thigh"),
        ("lowerleg", "shin"),
    ):
        if name.startswith(prefix):
            return limb
    return None


def pose_pivots(bank: Bank, rest: RestBody, rotations: Float[np.ndarray, "J 3 3"]) -> Float[np.ndarray, "J 3"]:
    """Where the pivots go when every bone is turned by its global rotation; the root stays at its rest place."""
    out = rest.pivots.copy()
    for bone in range(1, len(out)):
        parent = bank.parents[bone]
        out[bone] = out[parent] + rotations[parent] @ (rest.pivots[bone] - rest.pivots[parent])
    return out


def skin(
    bank: Bank, rest: RestBody, rotations: Float[np.ndarray, "J 3 3"], pivots: Float[np.ndarray, "J 3"]
) -> Float[np.ndarray, "V 3"]:
    """Linear blend skinning of the whole mesh (skin, cloth helper and hair helper), metres."""
    shift = pivots - np.einsum("jab,jb->ja", rotations, rest.pivots)
    affine = np.concatenate([rotations, shift[:, :, None]], 2).astype(np.float32)
    return _blend(rest.vertices, bank.weights, bank.bones, affine)


@numba.njit(cache=True)
@no_type_check
def _blend(vertices, weights, bones, affine):
    out = np.empty_like(vertices)
    m = np.empty((3, 4), np.float32)
    for v in range(len(vertices)):
        m[:] = 0
        for k in range(weights.shape[1]):
            w = weights[v, k]
            if w == 0:
                break  # weights are sorted
            a = affine[bones[v, k]]
            for r in range(3):
                for c in range(4):
                    m[r, c] += w * a[r, c]
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        for r in range(3):
            out[v, r] = m[r, 0] * x + m[r, 1] * y + m[r, 2] * z + m[r, 3]
    return out


@cache
def head_top_vertex() -> int:
    """The skin vertex at the top of the mean body's skull."""
    bank = load_bank()
    height = np.where(bank.arrays["is_skin"], bank.mean_rest().vertices[:, 2], -np.inf)
    return int(height.argmax())


def joints(
    bank: Bank, pivots: Float[np.ndarray, "J 3"], vertices: Float[np.ndarray, "V 3"]
) -> Float[np.ndarray, "16 3"]:
    """The sixteen joints in MPII-16 order, in the frame and unit of the pivots; defined in the module's text."""
    at = inset_hips(bank, pivots)
    named = {}
    for side, mark in (("left", "L"), ("right", "R")):
        for joint, label in PIVOTS.items():
            named[f"{side}_{joint}"] = at[bank.bone(f"{label}.{mark}")]
    named["pelvis"] = (named["left_hip"] + named["right_hip"]) / 2
    named["thorax"] = (named["left_shoulder"] + named["right_shoulder"]) / 2
    named["upper_neck"] = at[bank.bone("neck01")]
    named["head_top"] = vertices[head_top_vertex()].astype(np.float64)
    return np.array([named[name] for name in MPII16.joints])
