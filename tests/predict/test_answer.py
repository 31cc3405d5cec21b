"""Reading the network's outputs, and the flip test on poses."""

import numpy as np

from wildpose.codec import HeatmapCodec
from wildpose.predict.answer import PELVIS, Answer
from wildpose.predict.mirrored import Mirrored
from wildpose.skeleton import MPII16

CODEC = HeatmapCodec()
RNG = np.random.default_rng(0)
JOINTS = RNG.uniform(10, 118, (16, 2))
DEPTH = RNG.normal(scale=0.3, size=(1, 16)).astype(np.float32)
MAPS = CODEC.encode(JOINTS, np.ones(16, bool))[None]


def test_without_a_refiner_the_pose_is_joints_and_depth():
    joints, confidence, pose = Answer(MAPS, DEPTH).read(CODEC)
    normalised = (2 * JOINTS + 1) / 128 - 1
    assert np.abs(joints[0] - JOINTS).max() < 0.01 and confidence.min() > 0.99
    assert np.abs(pose[0, :, :2] - (normalised - normalised[PELVIS])).max() < 1e-4
    assert np.abs(pose[0, :, 2] - (DEPTH[0] - DEPTH[0, PELVIS])).max() < 1e-6


def test_with_one_the_pose_is_the_refiners_and_joints_stay():
    refined = RNG.normal(size=(1, 16, 3)).astype(np.float32)
    joints, _, pose = Answer(MAPS, DEPTH, refined).read(CODEC)
    assert np.array_equal(pose, refined)
    assert np.abs(joints[0] - JOINTS).max() < 0.01


class Pointing:
    """A network whose pose is a hand-made function of the picture: the left wrist lies towards the brighter side."""

    class info:
        input_px, heatmap_px, sigma_px = 128, 32, 1.0

    def run(self, crops_rgb):
        n = len(crops_rgb)
        pose = np.zeros((n, 16, 3), np.float32)
        right, left = crops_rgb[:, :, 64:].mean((1, 2, 3)), crops_rgb[:, :, :64].mean((1, 2, 3))
        pose[:, MPII16.index("left_wrist"), 0] = right - left
        pose[:, MPII16.index("left_wrist"), 2] = right + left
        return Answer(np.zeros((n, 16, 32, 32), np.float32), np.zeros((n, 16), np.float32), pose)


def test_flip_test_averages_poses_with_left_and_right_exchanged():
    crop = np.zeros((1, 128, 128, 3), np.uint8)
    crop[:, :, 64:] = 100
    pose = Mirrored(Pointing()).run(crop).pose[0]
    # plain: the left wrist at (100, 0, 100); mirrored: at (-100, 0, 100), which is the right one's at (100, 0, 100)
    assert pose[MPII16.index("left_wrist")].tolist() == [50, 0, 50]
    assert pose[MPII16.index("right_wrist")].tolist() == [50, 0, 50]
