"""Motion files as poses of the studio's 13 segments: ASF/AMC, BVH and DeepMimic clips.

Each reader runs its file's own forward kinematics for the global rotation of every bone, then expresses it from the
canonical stance (see bodies): a limb's rotation maps straight down to the direction of the source's limb, exactly.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.studio.bodies import DOWN, SEGMENTS
from wildpose.studio.bvh import read_bvh
from wildpose.studio.rotations import euler, quaternions, segment_poses

DEEPMIMIC_FRAME = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 1, 0]])
"""DeepMimic's axes (x forward, y up, z right) to the studio's (x left, y back, z up)."""
Y_UP_FRAME = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Acclaim's axes (x left, y up, z forward) to the studio's."""


@dataclass(frozen=True)
class Clip:
    """One motion, as poses."""

    name: str
    """File stem; clips that are mirrors of one another differ only by a `_mirror` suffix."""
    poses: Float[np.ndarray, "F 13 3 3"]
    """Global rotations of the segments in the studio's world."""


def read_clip(path: Path) -> Clip:
    """Read one .bvh, .amc (beside its .asf) or DeepMimic .txt/.json file; InputError says what is wrong with it."""
    kind = path.suffix.lower()
    try:
        if kind == ".bvh":
            poses = read_bvh(path)
        elif kind == ".amc":
            poses = _read_amc(path)
        else:
            poses = _read_deepmimic(path)
    except (ValueError, TypeError, KeyError, IndexError, OSError, UnicodeDecodeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"a motion file that can be read: {path}", f"{type(error).__name__}: {error}"[:160],
                         "give .bvh, .amc with .asf, or DeepMimic .txt files") from error  # fmt: skip
    if len(poses) == 0 or not np.isfinite(poses).all():
        raise InputError(f"finite frames in {path}", "no frame or a number that is not finite", "leave this file out")
    return Clip(path.stem, poses.astype(np.float32))


def load_motion(folder: Path) -> list[Clip]:
    """All clips below a folder, in the order of their paths; InputError if there is none or one is broken."""
    if not folder.is_dir():
        raise InputError("a folder of motion files", str(folder), "give --motion a folder with .bvh or .amc files")
    files = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".bvh", ".amc", ".txt", ".json")]
    files = [p for p in files if not p.name.lower().startswith("readme")]
    if not files:
        raise InputError("motion files (.bvh, .amc, DeepMimic .txt)", f"none below {folder}", "check the folder")
    return [read_clip(path) for path in files]


def _read_asf(path: Path) -> dict[str, dict]:
    """Bones of an Acclaim skeleton: direction (3,), axis rotation (3, 3), dof, parent; `root` included."""
    bones: dict[str, dict] = {"root": {"parent": None}}
    current: dict = {}
    hierarchy = False
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == ":hierarchy":
            hierarchy = True
        elif hierarchy and words[0] not in ("begin", "end"):
            for child in words[1:]:
                bones[child]["parent"] = words[0]
        elif words[0] == "name":
            current = bones.setdefault(words[1], {"dof": ""})
        elif words[0] == "direction":
            current["direction"] = np.array(words[1:4], float)
        elif words[0] == "axis" and len(words) == 5:
            current["axis"] = euler(np.array([words[1:4]], float)[:, ::-1], words[4].lower()[::-1])[0]
        elif words[0] == "dof":
            current["dof"] = "".join(word[1] for word in words[1:] if word[0].lower() == "r").lower()
    return bones


def _read_amc_frames(path: Path) -> dict[str, np.ndarray]:
    """Numbers of every bone over all frames: name -> (F, n)."""
    values: dict[str, list] = {}
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[0][0] not in "#:":
            values.setdefault(words[0], []).append(words[1:])
    return {name: np.array(rows, float) for name, rows in values.items()}


ACCLAIM = {
    "pelvis": "root", "chest": "thorax", "head": "head", "upper_arm": "humerus", "forearm": "radius", "thigh": "femur",
    "shin": "tibia", "foot": "foot",
}  # fmt: skip


SINGLE = ("root", "thorax", "head")
"""Acclaim's bones that have no side."""


def _skeleton_of(path: Path) -> Path:
    """The .asf beside an .amc: the one whose name its own begins with, or the only one."""
    skeletons = sorted(path.parent.glob("*.asf"))
    own = [skeleton for skeleton in skeletons if path.stem.startswith(skeleton.stem)] or skeletons
    if len(own) != 1:
        got = ", ".join(skeleton.name for skeleton in own) or "none"
        raise InputError(f"a skeleton (.asf) beside {path}", got, "name it as its motions begin: 02.asf for 02_01.amc")
    return own[0]


def _read_amc(path: Path) -> np.ndarray:
    skeleton = _skeleton_of(path)
    bones, frames = _read_asf(skeleton), _read_amc_frames(path)
    needed = {source if source in SINGLE else side + source for source in ACCLAIM.values() for side in "lr"}
    if missing := sorted(needed - set(bones)):
        raise InputError(f"bones {', '.join(missing)} in {skeleton}", f"only {', '.join(bones)}"[:200], "rename them")
    if "root" not in frames:
        raise InputError(f"frames with root positions in {path}", "none", "the file is empty or cut off: get it again")
    count = len(frames["root"])
    world = {"root": euler(frames["root"][:, [5, 4, 3]], "zyx")}
    for name in bones:
        _acclaim_world(name, bones, frames, world, count)
    rotations, directions = {}, {}
    for segment in SEGMENTS:
        side, _, part = segment.partition("_")
        source = ACCLAIM[part or segment]
        source = source if source in SINGLE else side[0] + source
        rotations[segment] = world[source]
        directions[segment] = bones[source].get("direction", DOWN)
    return segment_poses(rotations, directions, Y_UP_FRAME)


def _acclaim_world(name: str, bones: dict, frames: dict, world: dict, count: int) -> np.ndarray:
    if name not in world:
        bone = bones[name]
        parent = _acclaim_world(bone["parent"], bones, frames, world, count)
        local = np.tile(np.eye(3), (count, 1, 1))
        if bone["dof"] and name in frames:
            local = euler(frames[name][:, ::-1], bone["dof"][::-1])
        world[name] = parent @ bone["axis"] @ local @ bone["axis"].T
    return world[name]


def _read_deepmimic(path: Path) -> np.ndarray:
    rows = np.array(json.loads(path.read_text())["Frames"], float)
    if rows.ndim != 2 or rows.shape[1] != 44:
        raise InputError(f"DeepMimic frames of 44 numbers in {path}", f"shape {rows.shape}", "leave this file out")
    turn = {"root": quaternions(rows[:, 4:8])}
    turn["chest"] = turn["root"] @ quaternions(rows[:, 8:12])
    turn["neck"] = turn["chest"] @ quaternions(rows[:, 12:16])
    out = {"pelvis": turn["root"], "chest": turn["chest"], "head": turn["neck"]}
    for side, hip, shoulder in (("right", 16, 25), ("left", 30, 39)):
        out[f"{side}_thigh"] = turn["root"] @ quaternions(rows[:, hip : hip + 4])
        out[f"{side}_shin"] = out[f"{side}_thigh"] @ euler(np.degrees(rows[:, hip + 4 : hip + 5]), "z")
        out[f"{side}_foot"] = out[f"{side}_shin"] @ quaternions(rows[:, hip + 5 : hip + 9])
        out[f"{side}_upper_arm"] = turn["chest"] @ quaternions(rows[:, shoulder : shoulder + 4])
        out[f"{side}_forearm"] = out[f"{side}_upper_arm"] @ euler(np.degrees(rows[:, shoulder + 4 : shoulder + 5]), "z")
    down = DEEPMIMIC_FRAME.T @ DOWN
    return segment_poses(out, {name: down for name in SEGMENTS}, DEEPMIMIC_FRAME)
