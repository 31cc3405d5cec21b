"""The pose sampler: limits, anatomy, freedom from self-penetration, rest on the floor."""

import numpy as np
import pytest
from stance import STANCE

from wildpose.studio.bodies import DOWN, SEGMENT
from wildpose.studio.poses import (
    ACTIONS,
    GESTURES,
    LIMITS,
    POSTURES,
    compose,
    draw_angles,
    penetrates,
    penetration_m,
    sample_pose,
)
from wildpose.studio.settle import settle


def test_actions_name_known_postures_and_gestures():
    assert len(ACTIONS) == 15
    for postures, gestures in ACTIONS.values():
        assert set(postures) <= set(POSTURES) and set(gestures) <= set(GESTURES)


def test_drawn_angles_keep_the_limits():
    rng = np.random.default_rng(0)
    for posture in POSTURES:
        for _ in range(10):
            for name, value in draw_angles(rng, posture, "Wide").items():
                low, high = LIMITS.get(name.removeprefix("left_").removeprefix("right_"), (-np.inf, np.inf))
                assert low <= value <= high


def test_flexion_moves_forward_and_abduction_outward():
    def end(segment, **angles):
        return compose(STANCE | angles)[SEGMENT[segment]] @ DOWN

    np.testing.assert_allclose(end("left_thigh", left_hip_flex=90.0), [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(end("left_upper_arm", left_arm_abd=90.0), [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(end("right_upper_arm", right_arm_abd=90.0), [-1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(end("right_shin", right_knee=90.0), [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(end("right_forearm", right_elbow=90.0), [0, -1, 0], atol=1e-9)
    inward = end("left_forearm", left_elbow=90.0, left_arm_rot=60.0)
    assert inward[0] < -0.8  # internal rotation brings the left hand to the right


def test_penetration_sees_an_arm_in_the_belly_and_passes_a_free_one():
    assert penetrates(
        compose(STANCE | {"left_arm_flex": -20.0, "left_elbow": 60.0, "left_arm_rot": 90.0, "left_arm_abd": -25.0})
    )
    free = STANCE | {
        f"{side}_{name}": value for side in ("left", "right") for name, value in (("arm_abd", 60.0), ("hip_abd", 15.0))
    }
    assert not penetrates(compose(free))


def test_depth_of_penetration_by_hand():
    assert penetration_m(compose(STANCE | {"left_hip_abd": 20.0, "right_hip_abd": 20.0, "left_arm_abd": 30.0,
                                           "right_arm_abd": 30.0})) == 0  # fmt: skip
    # legs that cross: the shins' axes meet, so their capsules lie in one another by both radii (5 cm each), or nearly:
    # distances are taken at nine points of a shin
    crossed = compose(STANCE | {"left_hip_abd": -9.3, "right_hip_abd": -9.3, "left_arm_abd": 30.0,
                                "right_arm_abd": 30.0})  # fmt: skip
    assert 0.09 < penetration_m(crossed) <= 0.1


@pytest.mark.parametrize("action", list(ACTIONS))
def test_samples_are_rotations_free_of_penetration(action):
    rng = np.random.default_rng(5)
    poses = np.array([sample_pose(rng, action)[0] for _ in range(15)])
    np.testing.assert_allclose(poses @ poses.swapaxes(-1, -2), np.broadcast_to(np.eye(3), poses.shape), atol=1e-9)
    assert not any(penetrates(pose) for pose in poses)


def test_settling_lays_a_tilted_plank_down():
    plank = compose(STANCE | {"pitch": 60.0})  # straight body, leaning forward: nothing holds it
    laid = settle(settle(plank))
    across = laid[SEGMENT["pelvis"]] @ np.array([0, 0, 1.0])
    assert abs(across[2]) < abs((plank[SEGMENT["pelvis"]] @ np.array([0, 0, 1.0]))[2])
    flat = compose(STANCE | {"pitch": 90.0})
    np.testing.assert_allclose((settle(flat)[SEGMENT["pelvis"]] @ np.array([0, 0, 1.0]))[2], 0, atol=0.2)
