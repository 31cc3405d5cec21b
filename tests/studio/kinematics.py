"""Joint positions of motion files by forward kinematics, written apart from the readers: what they are held against."""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from wildpose.studio.bvh import parse_bvh


def bvh_positions(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Joint positions of a BVH frame with 4 x 4 matrices, written independently of the reader's kinematics."""
    joints, values = parse_bvh(path.read_text(), str(path))
    world, out = [], {}
    for joint in joints:
        local = np.eye(4)
        local[:3, 3] = joint.offset
        for k, channel in enumerate(joint.channels):
            value = values[frame, joint.first + k]
            if channel.endswith("rotation"):
                a, turn = np.radians(value), np.eye(4)
                i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[channel[0]]
                turn[[i, i, j, j], [i, j, i, j]] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
                local = local @ turn
        world.append(local if joint.parent < 0 else world[joint.parent] @ local)
        out.setdefault(joint.name, world[-1][:3, 3])
    return out


def amc_positions(path: Path, frames: list[int]) -> list[dict[str, np.ndarray]]:
    """Both ends of every bone of Acclaim frames: `name` is the far end, `name<` the near one. Root orientation 0."""
    bones, parents = _asf(next(path.parent.glob("*.asf")))
    blocks: list[dict[str, np.ndarray]] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if words and words[0].isdigit():
            blocks.append({})
        elif blocks and len(words) > 1:
            blocks[-1][words[0]] = np.array(words[1:], float)
    out = []
    for frame in frames:
        row = blocks[frame]
        turn = {"root": Rotation.from_euler("xyz", row["root"][3:], degrees=True)}
        ends = {"root": row["root"][:3]}
        for name in parents:  # parents come first in an .asf's hierarchy
            bone = bones[name]
            axis = Rotation.from_euler("xyz", bone["axis"], degrees=True)
            axes = "".join(word[1] for word in bone["dof"])
            bend = Rotation.from_euler(axes, row[name], degrees=True) if axes and name in row else Rotation.identity()
            turn[name] = turn[parents[name]] * axis * bend * axis.inv()
            ends[f"{name}<"] = ends[parents[name]]
            ends[name] = ends[parents[name]] + bone["length"] * turn[name].apply(bone["direction"])
        out.append(ends)
    return out


def _asf(path: Path) -> tuple[dict[str, dict], dict[str, str]]:
    bones, parents = {}, {}
    text = path.read_text()
    for block in text.split(":bonedata")[1].split(":hierarchy")[0].split("begin")[1:]:
        lines = [line.split() for line in block.splitlines() if line.strip()]
        value = {line[0]: line[1:] for line in lines}
        bones[value["name"][0]] = {
            "direction": np.array(value["direction"], float),
            "length": float(value["length"][0]),
            "axis": np.array(value["axis"][:3], float),
            "dof": value.get("dof", []),
        }
    for line in text.split(":hierarchy")[1].splitlines():
        words = line.split()
        parents |= {child: words[0] for child in words[1:]}
    return bones, parents


DEEPMIMIC = {  # joint: parent, place in the parent's frame (m; x ahead, y up, z right), first number of its rotation
    "chest": ("root", (0, 0.236, 0), 8),
    "right_hip": ("root", (0, 0, 0.085), 16),
    "right_knee": ("right_hip", (0, -0.4215, 0), 20),
    "right_ankle": ("right_knee", (0, -0.4099, 0), None),
    "right_shoulder": ("chest", (-0.024, 0.2435, 0.183), 25),
    "right_elbow": ("right_shoulder", (0, -0.2748, 0), 29),
    "right_wrist": ("right_elbow", (0, -0.2589, 0), None),
    "left_hip": ("root", (0, 0, -0.085), 30),
    "left_knee": ("left_hip", (0, -0.4215, 0), 34),
    "left_ankle": ("left_knee", (0, -0.4099, 0), None),
    "left_shoulder": ("chest", (-0.024, 0.2435, -0.183), 39),
    "left_elbow": ("left_shoulder", (0, -0.2748, 0), 43),
    "left_wrist": ("left_elbow", (0, -0.2589, 0), None),
}


def deepmimic_positions(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Joints of a DeepMimic frame; knees and elbows are hinges about z."""
    row = np.array(json.loads(path.read_text())["Frames"][frame])
    turn = {"root": Rotation.from_quat(row[[5, 6, 7, 4]])}
    at = {"root": row[1:4]}
    for name, (parent, place, first) in DEEPMIMIC.items():
        at[name] = at[parent] + turn[parent].apply(place)
        if name.endswith(("knee", "elbow")):
            turn[name] = turn[parent] * Rotation.from_rotvec([0, 0, row[first]])
        elif first is not None:
            turn[name] = turn[parent] * Rotation.from_quat(row[[first + 1, first + 2, first + 3, first]])
    return at
