"""Retargeting from end to end: bones of the finished body against those of the file, by a kinematics of its own."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from kinematics import amc_positions, bvh_positions, deepmimic_positions

from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio import bodies
from wildpose.studio.motion import read_clip

SHARED = Path(__file__).parents[3] / "shared" / "data" / "motion"
BODY = 7
ARM, LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
LIMBS = [(f"{side}_{near}", f"{side}_{far}") for side in ("left", "right") for chain in (ARM, LEG)
         for near, far in pairwise(chain)]  # fmt: skip
Y_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # x left, y up, z ahead -> x left, y back, z up
DEEPMIMIC = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 1, 0]])  # x ahead, y up, z right
CMU_BVH = {"shoulder": "Shoulder", "elbow": "Elbow", "wrist": "Wrist", "hip": "Hip", "knee": "Knee", "ankle": "Ankle"}
AMC_FAR = {"elbow": "humerus", "wrist": "radius", "knee": "femur", "ankle": "tibia"}


def body_joints(pose: np.ndarray) -> dict[str, np.ndarray]:
    """Joints of a body of the bank in a pose, as they become the truth of a picture."""
    bank = bodies.load_bank()
    rest = bank.rest(BODY)
    rotations = bodies.bone_rotations(bank, rest, pose.astype(np.float64))
    pivots = bodies.pose_pivots(bank, rest, rotations)
    points = bodies.joints(bank, pivots, bodies.skin(bank, rest, rotations, pivots))
    return dict(zip(MPII16.joints, points, strict=True))


def bone_angles(pose: np.ndarray, source: dict[str, np.ndarray], to_studio: np.ndarray) -> list[float]:
    """Angle between each of the eight limb bones of the body and that of the source, degrees."""
    at = body_joints(pose)
    angles = []
    for near, far in LIMBS:
        ours, theirs = at[far] - at[near], to_studio @ (source[far] - source[near])
        cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return angles


def assert_kept(angles) -> None:
    """Arms and shins but for rounding; thighs nearly: the joint lies beside the pivot that the mesh's thigh turns about
    (bodies.HIP_INSET), which shows when the leg is far from hanging."""
    for (near, _), angle in zip(LIMBS, angles, strict=True):
        assert angle < (5 if near.endswith("hip") else 0.01), (near, angle)


def named(source: dict[str, np.ndarray], name_of) -> dict[str, np.ndarray]:
    """A source's positions under our joint names."""
    return {joint: source[name_of(*joint.split("_"))] for limb in LIMBS for joint in limb}


def clip_angles(path: Path, step: int) -> np.ndarray:
    """Angles (F, 8) of every `step`-th frame of a motion file."""
    poses = read_clip(path).poses
    chosen = list(range(0, len(poses), step))
    if path.suffix == ".amc":
        ends = amc_positions(path, chosen)
        sources = []
        for at in ends:
            source = named(at, lambda side, joint: side[0] + AMC_FAR[joint] if joint in AMC_FAR
                           else side[0] + {"shoulder": "humerus<", "hip": "femur<"}[joint])  # fmt: skip
            sources.append((source, Y_UP))
    elif path.suffix == ".bvh":
        at = (bvh_positions(path, frame) for frame in chosen)
        sources = [(named(a, lambda side, joint: side.title() + CMU_BVH[joint]), Y_UP) for a in at]
    else:
        sources = [(deepmimic_positions(path, frame), DEEPMIMIC) for frame in chosen]
    return np.array([bone_angles(poses[f], *source) for f, source in zip(chosen, sources, strict=True)])


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "pattern", "every"),
    [("cmu_amc", "*/*.amc", 9), ("cmu_walk_bvh", "*.bvh", 24), ("deepmimic", "*.txt", 9)],
)
def test_bones_of_real_clips_keep_their_directions(shared_data, folder, pattern, every):
    clips = sorted((shared_data / "motion" / folder).glob(pattern))[::every]
    angles = np.concatenate([clip_angles(path, 40) for path in clips])
    assert len(clips) >= 3 and len(angles) >= 5
    print(f"{folder}: mean {angles.mean():.3f}, per limb {angles.mean(0).round(3)}, worst {angles.max():.2f} degrees")
    assert angles.mean() < 5
    for row in angles:
        assert_kept(row)


ASF = """:units
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
{bones}:hierarchy
  begin
    root thorax lhip rhip
    thorax head lclavicle rclavicle
    lclavicle lhumerus
    lhumerus lradius
    rclavicle rhumerus
    rhumerus rradius
    lhip lfemur
    lfemur ltibia
    ltibia lfoot
    rhip rfemur
    rfemur rtibia
    rtibia rfoot
  end
"""
ASF_BONES = {  # direction, length, axis, degrees of freedom; the left side, x left, y up, z ahead
    "thorax": ((0, 1, 0), 5, (0, 0, 0), "rx ry rz"), "head": ((0, 1, 0), 2, (0, 0, 0), "rx"),
    "clavicle": ((1, 0.2, 0), 2, (0, 0, 0), ""), "humerus": ((1, -0.1, 0), 3, (0, 20, 90), "rx ry rz"),
    "radius": ((1, 0, 0.2), 2.5, (10, 0, 90), "rx"), "hip": ((1, -0.7, 0), 1, (0, 0, 0), ""),
    "femur": ((0.3, -1, 0), 4, (0, 0, 20), "rx ry rz"), "tibia": ((0.3, -1, 0), 4, (0, 0, 20), "rx"),
    "foot": ((0, 0, 1), 1, (0, 0, 0), "rx rz"),
}  # fmt: skip


def write_acclaim(folder: Path) -> Path:
    """A skeleton and three frames of large turns; the right side mirrors the left one's bones."""
    bones, rows = "", [""] * 3
    rng = np.random.default_rng(4)
    for name, (way, length, axis, dof) in ASF_BONES.items():
        for side in ("",) if name in ("thorax", "head") else ("l", "r"):
            x = -way[0] if side == "r" else way[0]
            turns = f"dof {dof}\n" if dof else ""
            axes = f"axis {axis[0]} {axis[1]} {axis[2]} XYZ"
            bones += f"begin\nname {side}{name}\ndirection {x} {way[1]} {way[2]}\nlength {length}\n{axes}\n{turns}end\n"
            if dof:
                angles = rng.uniform(-70, 70, (3, len(dof.split())))
                for i, row in enumerate(angles):
                    rows[i] += f"{side}{name} " + " ".join(map(str, row)) + "\n"
    (folder / "77.asf").write_text(ASF.format(bones=bones))
    frames = [f"{i + 1}\nroot 0 17 0 {10 * i} {40 * i} {-20 * i}\n{row}" for i, row in enumerate(rows)]
    (folder / "77_01.amc").write_text(":FULLY-SPECIFIED\n:DEGREES\n" + "".join(frames))
    return folder / "77_01.amc"


def test_bones_of_a_handwritten_acclaim_file_keep_their_directions(tmp_path):
    angles = clip_angles(write_acclaim(tmp_path), 1)
    assert len(angles) == 3
    for row in angles:
        assert_kept(row)


def test_acclaim_files_say_what_they_lack(tmp_path):
    path = write_acclaim(tmp_path)
    (tmp_path / "78.asf").write_text("")
    assert len(read_clip(path).poses) == 3  # 77.asf is meant
    path.rename(tmp_path / "walk.amc")
    with pytest.raises(InputError, match=r"77\.asf, 78\.asf"):
        read_clip(tmp_path / "walk.amc")
    (tmp_path / "78_01.amc").write_text("")
    with pytest.raises(InputError, match=r"bones head, .*78\.asf"):
        read_clip(tmp_path / "78_01.amc")
    (tmp_path / "77_02.amc").write_text(":DEGREES\n")
    with pytest.raises(InputError, match="empty or cut off"):
        read_clip(tmp_path / "77_02.amc")


# A user's own BVH: the same person under other names, in other orders, units, axes and rest poses.

PERSON = {  # joint: parent, offset in cm; x left, y up, z ahead; arms out
    "pelvis": (None, (0, 95, 0)), "spine": ("pelvis", (0, 25, -2)), "head": ("spine", (0, 38, 2)),
    "left_hip": ("pelvis", (9, -5, 0)), "left_knee": ("left_hip", (1, -42, 1)),
    "left_ankle": ("left_knee", (0, -41, -2)), "right_hip": ("pelvis", (-9, -5, 0)),
    "right_knee": ("right_hip", (-1, -42, 1)), "right_ankle": ("right_knee", (0, -41, -2)),
    "left_shoulder": ("spine", (17, 28, 0)), "left_elbow": ("left_shoulder", (29, -1, 0)),
    "left_wrist": ("left_elbow", (25, 0, 1)),
    "right_shoulder": ("spine", (-17, 28, 0)), "right_elbow": ("right_shoulder", (-29, -1, 0)),
    "right_wrist": ("right_elbow", (-25, 0, 1)),
}  # fmt: skip
PART = {"shoulder": 0, "elbow": 1, "wrist": 2, "hip": 3, "knee": 4, "ankle": 5}
RIGS = {  # pattern; shoulder, elbow, wrist, hip, knee, ankle; pelvis, spine, head
    "mixamo": (
        "mixamorig:{Side}{part}",
        ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot"),
        ("mixamorig:Hips", "mixamorig:Spine", "mixamorig:Head"),
    ),
    "blender": (
        "{part}.{S}",
        ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"),
        ("hips", "spine", "head"),
    ),
    "biped": (
        "Bip01 {S} {part}",
        ("UpperArm", "Forearm", "Hand", "Thigh", "Calf", "Foot"),
        ("Bip01", "Bip01 Spine", "Bip01 Head"),
    ),
    "smpl": ("{S}_{part}", ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"), ("Pelvis", "Spine1", "Head")),
    # with what SMPL has beyond them: L_Hand are the knuckles, L_Foot is the ball of the foot
    "whole smpl": ("{S}_{part}", ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"), ("Pelvis", "Spine1", "Head")),
    "unreal": ("{part}_{s}", ("upperarm", "lowerarm", "hand", "thigh", "calf", "foot"), ("pelvis", "spine_01", "head")),
}


def rig_name(rig: str, joint: str) -> str:
    pattern, parts, middle = RIGS[rig]
    side, _, part = joint.partition("_")
    if not part:
        return middle[("pelvis", "spine", "head").index(joint)]
    return pattern.format(Side=side.title(), S=side[0].upper(), s=side[0], part=parts[PART[part]])


def write_own(path: Path, rig: str, unit: float, axes: np.ndarray, arms_down: bool, order: str, arms_first: bool):
    """A BVH of PERSON; axes: file axes = axes @ (left, up, ahead)."""
    rng = np.random.default_rng(9)
    written: list[str] = []

    def block(joint: str) -> str:
        written.append(joint)
        offset = np.array(PERSON[joint][1], float)
        if arms_down and joint.endswith(("elbow", "wrist")):
            offset = np.array([0.1 * offset[0], -abs(offset[0]), offset[2]])
        x, y, z = axes @ offset * unit
        turns = " ".join(f"{axis}rotation" for axis in order)
        place = "6 Xposition Yposition Zposition" if joint == "pelvis" else "3"
        children = [child for child, (parent, _) in PERSON.items() if parent == joint]
        inner = "".join(map(block, children[::-1] if arms_first else children)) or "End Site\n{\nOFFSET 0 1 0\n}\n"
        if rig == "whole smpl" and joint.endswith(("wrist", "ankle")):
            beyond = rig_name(rig, joint).replace("Wrist", "Hand").replace("Ankle", "Foot")
            written.append(beyond)
            inner = f"JOINT {beyond}\n{{\nOFFSET 7 -5 9\nCHANNELS 3 {turns}\n{inner}}}\n"
        kind = "ROOT" if joint == "pelvis" else "JOINT"
        return f"{kind} {rig_name(rig, joint)}\n{{\nOFFSET {x} {y} {z}\nCHANNELS {place} {turns}\n{inner}}}\n"

    head = block("pelvis")
    rows = "".join("0 0 0 " + " ".join(map(str, rng.uniform(-80, 80, 3 * len(written)))) + "\n" for _ in range(4))
    path.write_text(f"HIERARCHY\n{head}MOTION\nFrames:\t4\nFrame Time: 0.04\n{rows}")


Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # as Blender writes: x left, y back, z up
SIDEWAYS = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])  # facing +x, y up


@pytest.mark.parametrize(
    ("rig", "unit", "axes", "arms_down", "order", "arms_first"),
    [
        ("mixamo", 1.0, np.eye(3), False, "XYZ", False),
        ("blender", 0.01, Z_UP, True, "XYZ", True),  # metres, z up
        ("biped", 1 / 2.54, Z_UP, False, "ZXY", False),  # inches
        ("smpl", 1.0, SIDEWAYS, True, "YXZ", True),
        ("whole smpl", 1.0, np.eye(3), False, "XYZ", False),
        ("unreal", 1.0, Z_UP @ SIDEWAYS, False, "ZYX", True),
    ],
)
def test_bones_of_a_users_own_bvh_keep_their_directions(tmp_path, rig, unit, axes, arms_down, order, arms_first):
    path = tmp_path / "own.bvh"
    write_own(path, rig, unit, axes, arms_down, order, arms_first)
    poses = read_clip(path).poses
    assert poses.shape == (4, 13, 3, 3)
    for frame in range(4):
        at = bvh_positions(path, frame)
        source = {joint: at[rig_name(rig, joint)] for limb in LIMBS for joint in limb}
        assert_kept(bone_angles(poses[frame], source, Y_UP @ axes.T))


def test_unknown_joints_are_named_with_what_is_looked_for(tmp_path):
    path = tmp_path / "own.bvh"
    write_own(path, "smpl", 1.0, np.eye(3), False, "XYZ", False)
    path.write_text(path.read_text().replace("L_Knee", "Tentacle"))
    with pytest.raises(InputError, match=r"a joint for the left shin in .*own\.bvh.*tentacle.*leftknee"):
        read_clip(path)
