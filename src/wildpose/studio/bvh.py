"""BVH files with the usual joint names (CMU, Mixamo, MotionBuilder, Rokoko, Truebones) as poses of the studio's
segments."""

import os.path
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.studio.bodies import DOWN, SEGMENTS
from wildpose.studio.rotations import euler, segment_poses

NAMES = {
    "upper_arm": ("arm", "upperarm", "uparm", "shldr", "shoulder", "humerus"),
    "forearm": ("forearm", "lowerarm", "lowarm", "elbow", "radius"),
    "hand": ("wrist", "hand"),
    "thigh": ("upleg", "upperleg", "thigh", "hip", "femur"),
    "shin": ("leg", "lowleg", "lowerleg", "shin", "calf", "knee", "tibia"),
    "foot": ("ankle", "foot"),
}
"""Names of a side's joints without the side, best first: the joint at the near end of the segment. (SMPL has
ankle and foot, wrist and hand: the latter are the ball of the foot and the knuckles.)"""

MOST_CHANNELS = 9
"""Of one joint: position, rotation and, in some files, scale."""


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray
    channels: list[str] = field(default_factory=list)
    first: int = 0


def parse_bvh(text: str, where: str) -> tuple[list[_Joint], Float[np.ndarray, "F C"]]:
    """Joints in file order and the channel values of every frame; InputError if the file breaks off or does not fit."""
    head, _, tail = text.partition("MOTION")
    begun = re.match(r"\s*Frames:\s*(\d+)\s+Frame Time:\s*\S+", tail)
    if "HIERARCHY" not in head or begun is None:
        raise InputError(f"a BVH file with HIERARCHY, MOTION, Frames: and Frame Time: in {where}",
                         "an empty file" if not text.strip() else "one without", "check the file")  # fmt: skip
    joints, channels = _parse_joints(head)
    frames, numbers = int(begun[1]), tail[begun.end() :].split()
    if not channels or not frames or len(numbers) != frames * channels:
        raise InputError(f"{frames} frames of {channels} numbers in {where}", f"{len(numbers)} numbers",
                         "the file is cut off or not BVH: get it again")  # fmt: skip
    values = np.array(numbers, float).reshape(frames, channels)
    if not (np.isfinite(values).all() and all(np.isfinite(joint.offset).all() for joint in joints)):
        raise InputError(f"finite numbers in {where}", "some that are not", "leave this file out")
    return joints, values


def _parse_joints(head: str) -> tuple[list[_Joint], int]:
    """Joints of the hierarchy and the number of channels they have together."""
    joints: list[_Joint] = []
    stack: list[int] = []
    channels = 0
    words = iter(head.split("HIERARCHY", 1)[1].split())
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = " ".join(iter(lambda: next(words), "{"))  # 3ds Max's have blanks
            joints.append(_Joint(name, stack[-1] if stack else -1, np.zeros(3)))
            stack.append(len(joints) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            joints[stack[-1]].offset = np.array([float(next(words, "")) for _ in range(3)])
        elif word == "CHANNELS":
            joint, count = joints[stack[-1]], int(next(words, ""))
            if not 0 <= count <= MOST_CHANNELS:  # a damaged count would have the rest of memory filled with names
                raise ValueError(f"{count} channels of one joint")
            joint.channels, joint.first = [next(words, "").lower() for _ in range(count)], channels
            channels += count
    return joints, channels


def read_bvh(path: Path) -> Float[np.ndarray, "F 13 3 3"]:
    """Poses of a BVH file; its rest pose may be a T or have the arms down, about any upright axis."""
    joints, values = parse_bvh(path.read_text(), str(path))
    world: list[np.ndarray] = []
    for joint in joints:
        turns = [i for i, name in enumerate(joint.channels) if name.endswith("rotation")]
        axes = "".join(joint.channels[i][0] for i in turns)
        local = euler(values[:, [joint.first + i for i in turns]], axes)
        world.append(world[joint.parent] @ local if joint.parent >= 0 else local)
    places = _places(joints, str(path))
    at = [np.zeros(3)] * len(joints)
    for i, joint in enumerate(joints):
        at[i] = joint.offset + (at[joint.parent] if joint.parent >= 0 else 0)
    ends = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
    directions = {}
    for segment in SEGMENTS:
        side, _, part = segment.partition("_")
        far = places.get(f"{side}_{ends[part]}") if part in ends else None
        directions[segment] = at[far] - at[places[segment]] if far is not None else DOWN
        if not directions[segment].any():
            limb = segment.replace("_", " ")
            raise InputError(f"a {limb} that is longer than 0 in {path}", "two joints in one place",
                             "export the skeleton with its bones' offsets")  # fmt: skip
    frame = _upright_frame(at, places, str(path))
    return segment_poses({name: world[places[name]] for name in SEGMENTS}, directions, frame)


def _places(joints: list[_Joint], where: str) -> dict[str, int]:
    """Index of the joint that carries each segment (and the hands)."""
    names = [re.sub(r"[^a-z0-9]", "", joint.name.lower().split(":")[-1]) for joint in joints]
    # A rig's name stands before each of its joints: "Bip01 L Thigh", "mixamorigHips".
    shared = len(os.path.commonprefix([name for name in names if name != "site"]))  # noqa: RUF071
    plain: dict[str, int] = {}
    for i, name in enumerate(names):
        plain.setdefault(name if name == "site" else name[shared:], i)
    places = {}
    for side in ("left", "right"):
        for part, names in NAMES.items():
            spelled = [s for name in names for s in (side + name, side[0] + name, name + side, name + side[0])]
            found = next((plain[s] for s in spelled if s in plain), None)
            if found is None:
                raise InputError(f"a joint for the {side} {part} in {where}", f"only {', '.join(plain)}"[:200],
                                 f"name it as one of {', '.join(side + n for n in names)}")  # fmt: skip
            places[f"{side}_{part}"] = found
    places["pelvis"] = _common_ancestor(joints, places["left_thigh"], places["right_thigh"])
    places["chest"] = _common_ancestor(joints, places["left_upper_arm"], places["right_upper_arm"])
    places["head"] = plain.get("head", places["chest"])
    return places


def _common_ancestor(joints: list[_Joint], a: int, b: int) -> int:
    above = set()
    while a >= 0:
        above.add(a)
        a = joints[a].parent
    while b not in above:
        b = joints[b].parent
    return b


def _upright_frame(at: list[np.ndarray], places: dict[str, int], where: str) -> Float[np.ndarray, "3 3"]:
    """Rotation from the file's axes to the studio's, from where the rest pose has its left and its head."""
    left = _nearest_axis(at[places["left_thigh"]] - at[places["right_thigh"]])
    up = _nearest_axis((at[places["left_upper_arm"]] + at[places["right_upper_arm"]]) / 2 - at[places["left_foot"]])
    if left @ up or not left.any() or not up.any():
        raise InputError(f"a rest pose that stands upright in {where}", "hips or shoulders that do not tell its sides",
                         "export the skeleton with a T-pose as its rest pose")  # fmt: skip
    return np.stack([left, -np.cross(left, up), up])


def _nearest_axis(vector: np.ndarray) -> np.ndarray:
    out = np.zeros(3)
    largest = int(np.abs(vector).argmax())
    out[largest] = np.sign(vector[largest])
    return out
