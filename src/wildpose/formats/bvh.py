"""BVH, the motion file of Blender and of most animation programs: a skeleton of fixed lengths and its turns in time.

Centimetres, y up, a T-pose at rest that faces +z with its left on +x. The names are CMU's, and so is the trick that
makes every bone free: LHipJoint, RHipJoint and Spine lie in the pelvis itself, shoulders and neck in the thorax.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.formats.tracks import Track
from wildpose.skeleton import MPII16
from wildpose.write import whole_file

X, Y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
FOOT_MM = 70.0
"""Of the ground under the ankles."""
PART = 5000
"""Frames whose rotations are worked out at a time."""


@dataclass(frozen=True)
class Bone:
    """A joint of the file. It aims the way from `start` to `end` (joints of MPII16), which at rest is along `rest`."""

    name: str
    parent: str | None
    start: str
    end: str | None
    rest: Float[np.ndarray, " 3"]


def _side(side: str, sign: float) -> list[Bone]:
    big, out = side.capitalize(), sign * X
    return [
        Bone(f"{big[0]}HipJoint", "Hips", "pelvis", f"{side}_hip", out),
        Bone(f"{big}UpLeg", f"{big[0]}HipJoint", f"{side}_hip", f"{side}_knee", -Y),
        Bone(f"{big}Leg", f"{big}UpLeg", f"{side}_knee", f"{side}_ankle", -Y),
        Bone(f"{big}Foot", f"{big}Leg", f"{side}_ankle", None, np.array([0, -50.0, 120.0])),
        Bone(f"{big}Shoulder", "Spine", "thorax", f"{side}_shoulder", out),
        Bone(f"{big}Arm", f"{big}Shoulder", f"{side}_shoulder", f"{side}_elbow", out),
        Bone(f"{big}ForeArm", f"{big}Arm", f"{side}_elbow", f"{side}_wrist", out),
        Bone(f"{big}Hand", f"{big}ForeArm", f"{side}_wrist", None, out * 80.0),
    ]


BONES = [
    Bone("Hips", None, "pelvis", None, Y),
    *_side("left", 1.0)[:4],
    *_side("right", -1.0)[:4],
    Bone("Spine", "Hips", "pelvis", "thorax", Y),
    Bone("Neck", "Spine", "thorax", "upper_neck", Y),
    Bone("Head", "Neck", "upper_neck", "head_top", Y),
    *_side("left", 1.0)[4:],
    *_side("right", -1.0)[4:],
]
"""Parents before children. Of feet and hands (no `end`) nothing is known: their `rest` (mm) only draws them."""


def write_bvh(path: Path, track: Track, rate_hz: float) -> None:
    """One person. Lengths are the medians over time, left and right alike; while unseen, it holds its last pose."""
    joints = _held(track.joints_mm)
    lengths = {bone.name: _length(joints, bone) for bone in BONES if bone.end}
    lines = ["HIERARCHY", *_hierarchy("Hips", lengths, 0)]
    lines += ["MOTION", f"Frames: {len(joints)}", f"Frame Time: {1 / rate_hz:.6f}"]
    with whole_file(path) as temporary, temporary.open("w", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)
        for motion in _motion(joints):
            file.writelines(" ".join(f"{value + 0.0:.4f}" for value in row) + "\n" for row in motion.tolist())


def _motion(joints: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of the file, a part of the recording at a time: rotations of hours would fill the memory."""
    place, last = _root_position(joints), None
    for start in range(0, len(joints), PART):
        part = slice(start, start + PART)
        turns = _turns(joints[part])
        angles = np.concatenate([turns[bone.name] for bone in _file_order()], axis=1)
        if last is not None:  # go on from the part before without a jump
            angles += 360 * np.round((last - angles[0]) / 360)
        last = angles[-1]
        yield np.concatenate([place[part], angles], axis=1)


def _held(joints_mm: np.ndarray) -> np.ndarray:
    """Gaps filled with the pose before them; the first frame is never a gap."""
    seen = ~np.isnan(joints_mm[:, 0, 0])
    return joints_mm[np.maximum.accumulate(np.where(seen, np.arange(len(seen)), 0))]


def _way(joints: np.ndarray, start: str, end: str) -> np.ndarray:
    return joints[:, MPII16.index(end)] - joints[:, MPII16.index(start)]


def _length(joints: np.ndarray, bone: Bone) -> float:
    """Median over time of a bone and of its mirror image, mm."""
    mirrored = [MPII16.joints[MPII16.mirror[MPII16.index(name)]] for name in (bone.start, bone.end)]
    both = [np.linalg.norm(_way(joints, *names), axis=-1) for names in ((bone.start, bone.end), mirrored)]
    return float(np.median(both))


def _root_position(joints: np.ndarray) -> np.ndarray:
    """The pelvis stays over one spot, as high as the lowest joint is under it (95 % of the time), plus the foot. cm."""
    drop = np.quantile(-joints[:, :, 1].min(axis=1), 0.95)
    return np.tile([0.0, (drop + FOOT_MM) / 10, 0.0], (len(joints), 1))


def _turns(joints: np.ndarray) -> dict[str, np.ndarray]:
    """Rotation channels of every joint, degrees (T, 3), in the order Z, X, Y.

    Hips and Spine are turned about their length as the lines of hips and shoulders say. All others take the shortest
    way from their parent: how a limb is turned about itself can't be seen from joints.
    """
    world: dict[str, np.ndarray] = {}
    channels = {}
    for bone in BONES:
        above = world[bone.parent] if bone.parent else np.broadcast_to(np.eye(3), (len(joints), 3, 3))
        if bone.name == "Hips":
            world[bone.name] = _frame(_way(joints, "right_hip", "left_hip"), _way(joints, "pelvis", "thorax"), 0)
        elif bone.name == "Spine":
            across = _way(joints, "right_shoulder", "left_shoulder")
            world[bone.name] = _frame(across, _way(joints, bone.start, bone.end), 1)
        elif bone.end:
            world[bone.name] = _shortest(above @ bone.rest, _way(joints, bone.start, bone.end)) @ above
        else:
            world[bone.name] = above
        channels[bone.name] = _zxy_deg(np.swapaxes(above, 1, 2) @ world[bone.name])
    return channels


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _frame(across: np.ndarray, up: np.ndarray, exact: int) -> np.ndarray:
    """Rotations whose x axis points across and y axis up: `exact` (0 or 1) exactly, the other as near as may be."""
    given = [_unit(across), _unit(up)]
    z = _unit(np.cross(*given))
    z = np.where(np.abs(z).max(-1, keepdims=True) < 0.5, _unit(_any_normal(given[exact])), z)  # both in one line
    x, y = (given[0], np.cross(z, given[0])) if exact == 0 else (np.cross(given[1], z), given[1])
    return np.stack([x, y, z], axis=-1)


def _any_normal(vectors: np.ndarray) -> np.ndarray:
    least = np.eye(3)[np.abs(vectors).argmin(-1)]
    return np.cross(vectors, least)


def _shortest(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotations that bring one direction onto another by the smallest angle (Rodrigues); zero turns nothing."""
    a, b = _unit(source), _unit(target)
    b = np.where(np.abs(b).max(-1, keepdims=True) < 0.5, a, b)
    cosine = (a * b).sum(-1)[:, None, None]
    opposite = cosine[:, 0] < -1 + 1e-9
    axis = np.where(opposite, _unit(_any_normal(a)), np.cross(a, b))
    skew = np.cross(axis[:, None], np.eye(3)).swapaxes(1, 2)  # skew @ v = axis x v
    general = np.eye(3) + skew + skew @ skew / np.maximum(1 + cosine, 1e-12)
    half_turn = np.eye(3) + 2 * skew @ skew
    return np.where(opposite[..., None], half_turn, general)


def _zxy_deg(rotations: np.ndarray) -> np.ndarray:
    """Angles of R = Rz Rx Ry, without jumps in time."""
    sine = np.clip(rotations[:, 2, 1], -1, 1)
    locked = np.abs(sine) > 1 - 1e-12  # z and y turn about one axis: all is given to z
    z = np.where(locked, np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]),
                 np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1]))  # fmt: skip
    y = np.where(locked, 0.0, np.arctan2(-rotations[:, 2, 0], rotations[:, 2, 2]))
    return np.rad2deg(np.unwrap(np.stack([z, np.arcsin(sine), y], axis=-1), axis=0))


def _children(name: str) -> list[Bone]:
    return [bone for bone in BONES if bone.parent == name]


def _file_order(name: str = "Hips") -> list[Bone]:
    """Joints as the file lists them, which is also the order of their channels."""
    own = next(bone for bone in BONES if bone.name == name)
    return [own, *(found for child in _children(name) for found in _file_order(child.name))]


def _hierarchy(name: str, lengths: dict[str, float], depth: int) -> list[str]:
    bone = next(bone for bone in BONES if bone.name == name)
    above = next((other for other in BONES if other.name == bone.parent), None)
    at_its_end = above is not None and above.end == bone.start
    offset = above.rest * lengths[above.name] if above is not None and at_its_end else np.zeros(3)
    place = "" if bone.parent else "Xposition Yposition Zposition "
    lines = [
        f"{'JOINT' if bone.parent else 'ROOT'} {name}",
        "{",
        f"\tOFFSET {_cm(offset)}",
        f"\tCHANNELS {6 if place else 3} {place}Zrotation Xrotation Yrotation",
    ]
    for child in _children(name):
        lines += _hierarchy(child.name, lengths, 1)
    if not _children(name):
        tip = bone.rest * (lengths[name] if bone.end else 1.0)
        lines += ["\tEnd Site", "\t{", f"\t\tOFFSET {_cm(tip)}", "\t}"]
    return ["\t" * depth + line for line in [*lines, "}"]]


def _cm(vector_mm: np.ndarray) -> str:
    return " ".join(f"{value / 10 + 0.0:.4f}" for value in vector_mm)
