"""Plausibility by hand on a figure of sticks, and on poses of the studio, which people can take."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from wildpose.metrics import hinge_violations, limb_asymmetry
from wildpose.metrics.plausibility import HINGES, trunk_axes
from wildpose.skeleton import MPII16

AT = {name: i for i, name in enumerate(MPII16.joints)}
FORWARD, BACK, UP, DOWN, LEFT, RIGHT = np.array(
    [[0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0]], dtype=np.float64
)
"""A person who looks along -y, z up: their left is +x."""


def standing(**directions):
    """Sticks of length 1, arms and legs hanging; a direction for forearm or shin, upper arm or thigh changes that."""
    p = np.zeros((16, 3))
    p[AT["thorax"]], p[AT["upper_neck"]], p[AT["head_top"]] = 2 * UP, 2.3 * UP, 3 * UP
    for side, out in (("left", LEFT), ("right", RIGHT)):
        p[AT[f"{side}_hip"]] = 0.5 * out
        p[AT[f"{side}_shoulder"]] = 2 * UP + 0.7 * out
        for upper, lower, names in (("thigh", "shin", ("hip", "knee", "ankle")),
                                    ("arm", "forearm", ("shoulder", "elbow", "wrist"))):  # fmt: skip
            start, middle, end = (AT[f"{side}_{name}"] for name in names)
            p[middle] = p[start] + directions.get(f"{side}_{upper}", DOWN)
            p[end] = p[middle] + directions.get(f"{side}_{lower}", DOWN)
    return p[None]


def bent(*parts, by=90.0):
    """Between two directions, `by` degrees from the first."""
    first, second = parts
    return np.cos(np.deg2rad(by)) * first + np.sin(np.deg2rad(by)) * second


def violations(pose):
    return {name for name, wrong in zip(HINGES, hinge_violations(pose)[0], strict=True) if wrong}


def test_the_axes_are_the_persons_own():
    left, forward, up = trunk_axes(standing())
    assert np.allclose([left[0], forward[0], up[0]], [LEFT, FORWARD, UP])


@pytest.mark.parametrize(
    ("directions", "wrong"),
    [
        ({}, set()),
        ({"left_shin": bent(DOWN, BACK, by=60)}, set()),
        ({"left_shin": bent(DOWN, FORWARD, by=30)}, {"left_knee"}),
        ({"left_shin": bent(DOWN, FORWARD, by=15)}, set()),
        ({"right_thigh": FORWARD, "right_shin": DOWN}, set()),  # sitting
        ({"right_thigh": FORWARD, "right_shin": UP}, {"right_knee"}),
        ({"left_forearm": FORWARD, "right_forearm": LEFT}, set()),
        ({"left_forearm": BACK}, {"left_elbow"}),
        ({"right_arm": UP, "right_forearm": BACK}, set()),  # a hand behind the head
        ({"right_arm": RIGHT, "right_forearm": BACK}, {"right_elbow"}),
        ({"right_arm": RIGHT, "right_forearm": DOWN}, set()),
    ],
)
def test_knees_and_elbows_by_hand(directions, wrong):
    pose = standing(**directions)
    assert violations(pose) == wrong
    turned = 37.0 * Rotation.random(random_state=5).apply(pose[0])[None] + 400
    assert violations(turned) == wrong


def test_a_pose_mirrored_in_depth_bends_the_wrong_way():
    """Seen from the front, the same picture; but sitting, with forearms forward, it no longer is a person."""
    pose = standing(left_thigh=FORWARD, right_thigh=FORWARD, left_forearm=FORWARD, right_forearm=FORWARD)
    assert violations(pose) == set()
    flat = pose * [1, -1, 1]  # depth is y here; hips and shoulders keep their places
    assert violations(flat) == set(HINGES)


def test_asymmetry_by_hand():
    """Left forearm 1.2, right 1: 0.2 of 1.1."""
    pose = standing(left_forearm=1.2 * DOWN)
    assert np.allclose(limb_asymmetry(pose), [[0, 100 * 0.2 / 1.1, 0, 0]])
    assert np.allclose(limb_asymmetry(50 * pose + 3), limb_asymmetry(pose))


def test_poses_that_people_can_take_are_found_plausible():
    """Drawn by the studio within its joint limits, everyday and sports alike, on its mean body."""
    from wildpose.studio import bodies
    from wildpose.studio.poses import ACTIONS, sample_pose

    rng, bank = np.random.default_rng(0), bodies.load_bank()
    rest, found = bank.mean_rest(), []
    for i in range(150):
        rotations = bodies.bone_rotations(bank, rest, sample_pose(rng, list(ACTIONS)[i % len(ACTIONS)])[0])
        found.append(bodies.joints(bank, bodies.pose_pivots(bank, rest, rotations), rest.vertices))
    poses = np.array(found)
    assert limb_asymmetry(poses).max() < 3.0  # hips are set in towards the pelvis
    wrong = hinge_violations(poses)
    assert wrong.mean() < 0.02
    assert hinge_violations(poses * [1, -1, 1]).mean() > 0.15
