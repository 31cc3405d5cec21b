"""Readers of motion files against hand-made files and an independent forward kinematics."""

import json
from pathlib import Path

import numpy as np
import pytest
from kinematics import bvh_positions

from wildpose.errors import InputError
from wildpose.studio.bodies import DOWN, SEGMENT
from wildpose.studio.motion import load_motion, read_clip

SHARED = Path(__file__).parents[3] / "shared" / "data" / "motion"
BVH_JOINTS = [  # name, parent, offset: y up, facing +z, arms out
    ("Hips", "", (0, 90, 0)),
    ("Spine", "Hips", (0, 20, 0)),
    ("Head", "Spine", (0, 40, 0)),
    ("LeftUpLeg", "Hips", (10, 0, 0)),
    ("LeftLeg", "LeftUpLeg", (0, -40, 0)),
    ("LeftFoot", "LeftLeg", (0, -42, 0)),
    ("RightUpLeg", "Hips", (-10, 0, 0)),
    ("RightLeg", "RightUpLeg", (0, -40, 0)),
    ("RightFoot", "RightLeg", (0, -42, 0)),
    ("LeftArm", "Spine", (18, 30, 0)),
    ("LeftForeArm", "LeftArm", (28, 0, 0)),
    ("LeftHand", "LeftForeArm", (25, 0, 0)),
    ("RightArm", "Spine", (-18, 30, 0)),
    ("RightForeArm", "RightArm", (-28, 0, 0)),
    ("RightHand", "RightForeArm", (-25, 0, 0)),
]


def bvh_text(angles: dict[str, tuple[float, float, float]], frames: int = 1) -> str:
    """A BVH file whose joints turn by (z, y, x) degrees."""
    names = [name for name, _, _ in BVH_JOINTS]
    order: list[str] = []

    def block(name: str) -> str:
        order.append(name)
        offset = next(o for n, _, o in BVH_JOINTS if n == name)
        channels = (
            "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
            if name == "Hips"
            else "3 Zrotation Yrotation Xrotation"
        )
        children = [n for n, parent, _ in BVH_JOINTS if parent == name]
        inner = "".join(block(child) for child in children) or "End Site\n{\nOFFSET 0 1 0\n}\n"
        kind = "ROOT" if name == "Hips" else "JOINT"
        return f"{kind} {name}\n{{\nOFFSET {offset[0]} {offset[1]} {offset[2]}\nCHANNELS {channels}\n{inner}}}\n"

    hierarchy = block("Hips")
    assert set(order) == set(names)
    row = "0 90 0 " + " ".join("{} {} {}".format(*angles.get(name, (0, 0, 0))) for name in order)
    return f"HIERARCHY\n{hierarchy}MOTION\nFrames: {frames}\nFrame Time: 0.033\n" + (row + "\n") * frames


def direction(pose: np.ndarray, segment: str) -> np.ndarray:
    return pose[SEGMENT[segment]] @ DOWN


def test_bvh_t_pose_has_arms_out_and_legs_down(tmp_path):
    path = tmp_path / "t.bvh"
    path.write_text(bvh_text({}))
    pose = read_clip(path).poses[0]
    np.testing.assert_allclose(direction(pose, "left_forearm"), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "right_upper_arm"), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "left_shin"), [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(pose[SEGMENT["pelvis"]], np.eye(3), atol=1e-6)


def test_bvh_rotations_do_what_the_right_hand_says(tmp_path):
    # about +x (left) by -90: what points down (-y) turns to the front (+z in the file, -y in the studio)
    path = tmp_path / "kick.bvh"
    path.write_text(bvh_text({"LeftUpLeg": (0, 0, -90), "LeftLeg": (0, 0, 90), "RightArm": (90, 0, 0)}))
    pose = read_clip(path).poses[0]
    np.testing.assert_allclose(direction(pose, "left_thigh"), [0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "left_shin"), [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "right_forearm"), [0, 0, -1], atol=1e-6)  # +z by 90: right arm down


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/motion")
def test_real_bvh_limb_directions_survive():
    path = SHARED / "cmu_walk_bvh" / "39_07.bvh"
    poses = read_clip(path).poses
    to_studio = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    for frame in range(0, len(poses), 20):
        at = bvh_positions(path, frame)
        for segment, near, far in (
            ("left_thigh", "LeftHip", "LeftKnee"),
            ("right_shin", "RightKnee", "RightAnkle"),
            ("left_upper_arm", "LeftShoulder", "LeftElbow"),
            ("right_forearm", "RightElbow", "RightWrist"),
        ):
            along = to_studio @ (at[far] - at[near])
            cosine = along @ direction(poses[frame].astype(float), segment) / np.linalg.norm(along)
            assert np.degrees(np.arccos(np.clip(cosine, -1, 1))) < 0.1


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/motion")
def test_real_walks_are_upright_with_knees_bending_backwards():
    for path in (SHARED / "cmu_amc" / "02" / "02_01.amc", SHARED / "deepmimic" / "humanoid3d_walk.txt"):
        poses = read_clip(path).poses.astype(float)
        assert (poses[:, SEGMENT["chest"], 2, 2] > 0.8).all()
        for side in ("left", "right"):
            thigh, shin = (poses[:, SEGMENT[f"{side}_{part}"]] for part in ("thigh", "shin"))
            bend = np.einsum("fba,fbc->fac", thigh, shin) @ DOWN  # shin seen from the thigh
            assert np.percentile(bend[:, 1], 90) > 0.3 and np.percentile(bend[:, 1], 5) > -0.2  # +y is backwards


def test_deepmimic_rows(tmp_path):
    row = np.zeros(44)
    row[[4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1  # identity quaternions
    row[20] = -np.pi / 2  # right knee: negative bends it
    path = tmp_path / "clip.txt"
    path.write_text(json.dumps({"Frames": [row.tolist()]}))
    pose = read_clip(path).poses[0]
    np.testing.assert_allclose(direction(pose, "left_shin"), [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "right_thigh"), [0, 0, -1], atol=1e-6)
    np.testing.assert_allclose(direction(pose, "right_shin"), [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.bvh", ""),
        ("cut.bvh", bvh_text({}).rsplit(" ", 4)[0]),
        ("lines_missing.bvh", bvh_text({}, frames=3).rsplit("\n", 2)[0]),
        ("no_frames.bvh", bvh_text({}, frames=0)),
        ("not_numbers.bvh", bvh_text({}).replace("90 0 0 0", "90 0 x 0")),
        ("nan.bvh", bvh_text({}).replace("90 0 0 0", "90 0 nan 0")),
        ("inf_offset.bvh", bvh_text({}).replace("OFFSET 0 20 0", "OFFSET 0 inf 0")),
        ("no_shin.bvh", bvh_text({}).replace("OFFSET 0 -42 0", "OFFSET 0 0 0")),
        ("channels.bvh", bvh_text({}).replace("CHANNELS 3", "CHANNELS 99999999999")),
        ("head_only.bvh", bvh_text({}).split("MOTION")[0]),
        ("broken_off.bvh", "HIERARCHY ROOT Hips { OFFSET 0 MOTION\nFrames: 1\nFrame Time: 1\n0"),
        ("flat.bvh", bvh_text({}).replace("OFFSET 10 0 0", "OFFSET 0 0 0").replace("OFFSET -10 0 0", "OFFSET 0 0 0")),
        ("other.bvh", bvh_text({}).replace("LeftUpLeg", "Tentacle")),
        ("short.txt", json.dumps({"Frames": [[0.0] * 43]})),
        ("broken.json", "{"),
        ("alone.amc", "1\nroot 0 0 0 0 0 0\n"),
    ],
)
def test_broken_motion_files_are_named(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as error:
        load_motion(tmp_path)
    assert name in str(error.value) or "Tentacle".lower() in str(error.value).lower()
    assert "\n" not in str(error.value)
    assert not any(word in str(error.value) for word in ("KeyError", "IndexError", "StopIteration"))


def test_a_folder_without_motion_is_an_input_error(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError):
            load_motion(folder)
