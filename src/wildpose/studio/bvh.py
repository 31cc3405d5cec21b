"""BVH files with the usual joint names (CMU, Mixamo, MotionBuilder, Rokoko, Truebones) as poses of the studio's
segments."""

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
    "hand": ("hand", "wrist"),
    "thigh": ("upleg", "upperleg", "thigh", "hip", "femur"),
    "shin": ("leg", "lowleg", "lowerleg", "shin", "calf", "knee", "tibia"),
    "foot": ("foot", "ankle"),
}
"""Names of a side's joints without the side, best first: the joint at the near end of the segment."""


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray
    channels: list[str] = field(default_factory=list)
    first: int = 0


def parse_bvh(text: str, where: str) -> tuple[list[_Joint], Float[np.ndarray, "F C"]]:
    """Joints in file order and the channel values of every frame; InputError if the file breaks off or does not fit."""
    head, marker, tail = text.partition("MOTION")
    if "HIERARCHY" not in head or not marker:
        raise InputError(f"a BVH file with HIERARCHY and MOTION: {where}", "neither or one of them", "check the file")
    joints: list[_Joint] = []
    stack: list[int] = []
    channels = 0
    words = iter(head.split("HIERARCHY", 1)[1].split())
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            joints.append(_Joint(next(words), stack[-1] if stack else -1, np.zeros(3)))
        elif word == "{":
            stack.append(len(joints) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            joints[stack[-1]].offset = np.array([float(next(words)) for _ in range(3)])
        elif word == "CHANNELS":
            joint, count = joints[stack[-1]], int(next(words))
            joint.channels, joint.first = [next(words).lower() for _ in range(count)], channels
            channels += count
    rows = tail.split("\n")
    frames = [row.split() for row in rows if row.strip() and row.strip()[0] in "-.0123456789"]
    if not frames or any(len(row) != channels for row in frames):
        got = f"{len(frames)} frames, the last with {len(frames[-1]) if frames else 0} numbers"
        raise InputError(
            f"frames of {channels} numbers in {where}", got, "the file is cut off or not BVH: get it again"
        )
    return joints, np.array(frames, float)


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
    frame = _upright_frame(at, places)
    return segment_poses({name: world[places[name]] for name in SEGMENTS}, directions, frame)


def _places(joints: list[_Joint], where: str) -> dict[str, int]:
    """Index of the joint that carries each segment (and the hands)."""
    plain = {}
    for i, joint in enumerate(joints):
        plain.setdefault(joint.name.lower().split(":")[-1].replace("_", "").replace(".", ""), i)
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


def _upright_frame(at: list[np.ndarray], places: dict[str, int]) -> Float[np.ndarray, "3 3"]:
    """Rotation from the file's axes to the studio's, from where the rest pose has its left and its head."""
    left = _nearest_axis(at[places["left_thigh"]] - at[places["right_thigh"]])
    up = _nearest_axis((at[places["left_upper_arm"]] + at[places["right_upper_arm"]]) / 2 - at[places["left_foot"]])
    return np.stack([left, -np.cross(left, up), up])


def _nearest_axis(vector: np.ndarray) -> np.ndarray:
    out = np.zeros(3)
    largest = int(np.abs(vector).argmax())
    out[largest] = np.sign(vector[largest])
    return out
