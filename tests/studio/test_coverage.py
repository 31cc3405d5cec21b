"""Pose coverage on poses whose answer is known."""

import cv2
import numpy as np
import pytest

from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio.coverage import BINS, LIMBS, compare, directions, draw


def people(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, (count, 16, 2))


def test_a_set_covers_itself_wholly_whatever_its_place_and_size():
    poses = people(40, 0)
    same = compare(poses * 3 + [50, -20], poses)
    np.testing.assert_allclose(same.overlap, 1)
    np.testing.assert_allclose(same.nearest, 0, atol=1e-5)


def test_a_turned_limb_moves_its_share_to_another_bin():
    poses = np.zeros((12, 16, 2))
    for i, (near, far) in enumerate(MPII16.pairs(LIMBS)):
        poses[:, far] = poses[:, near] + [10.0 + i, 10.0]  # right and down: within the first quarter turn
    shares = directions(poses)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert (shares[:, : BINS // 4].sum(1) == 1).all()
    flipped = poses * [-1, 1]
    assert (directions(flipped)[:, BINS // 4 : BINS // 2].sum(1) == 1).all()


def test_missing_joints_leave_a_pose_out_and_too_few_are_refused():
    poses = people(12, 1)
    poses[:, MPII16.index("upper_neck")] += 200  # no torso without length
    poses[:3, MPII16.index("left_wrist")] = np.nan
    with pytest.raises(InputError):
        compare(people(20, 2), poses)
    poses[0, MPII16.index("left_wrist")] = 1.0
    assert len(compare(people(20, 2), poses).nearest) == 10


def test_the_picture_is_written_whole_or_not_at_all(tmp_path):
    result = compare(people(20, 2), people(12, 1))
    draw(result, tmp_path / "coverage.png", "title")
    assert cv2.imread(str(tmp_path / "coverage.png")).shape[1] == 960  # 12 inches at 80 dots
    for place in (tmp_path / "coverage.txt", tmp_path / "nowhere" / "coverage.png"):
        with pytest.raises(InputError, match="coverage"):
            draw(result, place, "title")
    assert [path.name for path in tmp_path.iterdir()] == ["coverage.png"]
