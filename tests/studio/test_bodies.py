"""The bank and its posing against slow, independent arithmetic and against anatomy."""

from pathlib import Path

import numpy as np
import pytest

from wildpose.skeleton import MPII16
from wildpose.studio import bodies, turns
from wildpose.studio.poses import ACTIONS, sample_pose, turn


def posed(body: int, pose: np.ndarray):
    bank = bodies.load_bank()
    rest = bank.rest(body)
    rotations = bodies.bone_rotations(bank, rest, pose)
    pivots = bodies.pose_pivots(bank, rest, rotations)
    vertices = bodies.skin(bank, rest, rotations, pivots)
    return bank, rest, rotations, pivots, vertices, bodies.joints(bank, pivots, vertices)


def random_pose(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return turn("z", rng.uniform(-180, 180)) @ sample_pose(rng, str(rng.choice(list(ACTIONS))))[0]


def test_bank_is_adult_light_and_keeps_its_weights():
    bank = bodies.load_bank()
    assert bank.weights.shape[1] >= 8
    np.testing.assert_allclose(bank.weights.sum(1), 1, atol=1e-5)
    assert (np.diff(bank.weights, axis=1) <= 0).all()  # skinning stops at the first zero
    skin = bank.arrays["is_skin"]
    for body in range(0, bank.count, 40):
        stature = np.ptp(bank.rest(body).vertices[skin, 2])
        assert 1.49 < stature < 2.01
        assert abs(stature - bank.arrays["stature_m"][body]) < 0.005
    assert bank.female.any() and not bank.female.all()


def test_skinning_equals_a_chain_of_matrices_vertex_by_vertex():
    bank, rest, rotations, _, vertices, _ = posed(37, random_pose(3))
    local = []  # each bone's move relative to its parent, about its own pivot; the world's move is the product
    for bone, parent in enumerate(bank.parents):
        relative = rotations[bone] if parent < 0 else rotations[parent].T @ rotations[bone]
        move = np.eye(4)
        move[:3, :3] = relative
        move[:3, 3] = rest.pivots[bone] - relative @ rest.pivots[bone]
        local.append(move)
    world: list[np.ndarray] = []
    for bone, parent in enumerate(bank.parents):
        world.append(local[bone] if parent < 0 else world[parent] @ local[bone])
    for vertex in range(0, len(vertices), 997):
        expected = np.zeros(3)
        for weight, bone in zip(bank.weights[vertex], bank.bones[vertex], strict=True):
            expected += float(weight) * (world[bone] @ np.append(rest.vertices[vertex], 1.0))[:3]
        np.testing.assert_allclose(vertices[vertex], expected, atol=2e-5)


@pytest.mark.parametrize("seed", range(6))
def test_limbs_point_where_their_segments_say(seed):
    pose = random_pose(seed)
    *_, joints = posed(seed * 31, pose)
    at = dict(zip(MPII16.joints, joints, strict=True))
    for side in ("left", "right"):
        for segment, near, far in (
            ("upper_arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
        ):
            along = at[f"{side}_{far}"] - at[f"{side}_{near}"]
            wanted = pose[bodies.SEGMENT[f"{side}_{segment}"]] @ bodies.DOWN
            angle = np.degrees(np.arccos(np.clip(along @ wanted / np.linalg.norm(along), -1, 1)))
            # the true hips lie inside MakeHuman's pivots, about which the thigh turns: it may be off by a little
            assert angle < (5 if segment == "thigh" else 0.01), (segment, angle)


def test_joints_are_where_anatomy_has_them():
    stance = np.tile(np.eye(3), (13, 1, 1))
    for body in (0, 50, 399):
        *_, vertices, joints = posed(body, stance)
        at = dict(zip(MPII16.joints, joints, strict=True))
        stature = np.ptp(vertices[bodies.load_bank().arrays["is_skin"], 2])
        assert at["left_hip"][0] > 0 > at["right_hip"][0]  # left is +x
        np.testing.assert_allclose(at["pelvis"], (at["left_hip"] + at["right_hip"]) / 2)
        np.testing.assert_allclose(at["thorax"], (at["left_shoulder"] + at["right_shoulder"]) / 2)
        order = ["left_ankle", "left_knee", "left_hip", "left_shoulder", "upper_neck", "head_top"]
        assert (np.diff([at[name][2] for name in order]) > 0).all()
        assert 0.09 < (at["left_hip"] - at["right_hip"])[0] / stature < 0.13  # inter-hip distance, about 0.1 of stature
        head, neck = at["head_top"][2] - at["thorax"][2], at["upper_neck"][2] - at["thorax"][2]
        assert 0.2 < neck / head < 0.36  # LSP's annotators: 0.27


def test_swing_turns_one_direction_into_the_other_also_when_opposite():
    rng = np.random.default_rng(0)
    for source, target in [(rng.normal(size=3), rng.normal(size=3)), (np.array([0, 0, 1.0]), np.array([0, 0, -2.0]))]:
        rotation = turns.swing(source, target)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)
        turned = rotation @ source / np.linalg.norm(source)
        np.testing.assert_allclose(turned, target / np.linalg.norm(target), atol=1e-9)


def test_rotation_vectors_are_the_inverse_of_axis_rotations():
    for vector in ([0.3, -1.2, 0.5], [0, 0, 0], [2.9, 0.4, 0.2]):
        np.testing.assert_allclose(
            turns.rotation_vector(turns.axis_rotation(np.array(vector, float))), vector, atol=1e-9
        )


def test_bank_equals_anny_at_rest_and_posed():
    """40 bodies as anny itself draws them, 200 vertices and all pivots (export_anny_golden.py; rounded to 0.07 mm)."""
    bank = bodies.load_bank()
    with np.load(Path(__file__).with_name("golden") / "anny.npz") as golden:
        theirs = {name: golden[name] for name in golden.files}
    step_mm, points = 1000 * float(theirs["step_m"]), theirs["points"]
    off: dict[str, list] = {"rest_vertices": [], "rest_pivots": [], "posed_vertices": [], "posed_pivots": []}
    for row, body in enumerate(theirs["bodies"]):
        rest, rotations = bank.rest(int(body)), theirs["rotations"][row].astype(np.float64)
        pivots = bodies.pose_pivots(bank, rest, rotations)
        vertices = bodies.skin(bank, rest, rotations, pivots)
        ours = {"rest_vertices": rest.vertices[points], "rest_pivots": rest.pivots}
        for name, places in (ours | {"posed_vertices": vertices[points], "posed_pivots": pivots}).items():
            off[name].append(np.linalg.norm(1000 * places - step_mm * theirs[name][row], axis=1))
    error_mm = {name: np.array(errors) for name, errors in off.items()}
    for state in ("rest", "posed"):
        assert error_mm[f"{state}_vertices"].mean(1).max() < 0.25
        assert error_mm[f"{state}_vertices"][:, 0].max() < 1  # the crown, which is the joint head_top
        assert error_mm[f"{state}_pivots"].max() < 0.2  # promised: joints under 1 mm
