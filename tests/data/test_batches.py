"""From samples to batches: where joints land, what a flip does, what depth means, and that batch k is batch k."""

import dataclasses

import numpy as np
import pytest
import torch

from wildpose.codec import HeatmapCodec
from wildpose.config import AugmentConfig, ModelConfig
from wildpose.data.batches import Batches, make_example, plain_batches, random_crop
from wildpose.data.sample import Joined, Sample
from wildpose.geometry import Crop, square_crop
from wildpose.skeleton import MPII16

CODEC = HeatmapCodec(64, 16, 1.0)


def dots(with_3d: bool = False, seed: int = 0) -> Sample:
    """Joints as single bright pixels, one grey level each, on black."""
    rng = np.random.default_rng(seed)
    cells = rng.permutation(100)[:16]  # far enough apart to be told from one another
    joints = np.stack([6 + 10 * (cells % 10), 6 + 10 * (cells // 10)], 1).astype(np.float32)
    image = np.zeros((120, 110, 3), np.uint8)
    for k, (x, y) in enumerate(joints.astype(int)):
        image[y - 1 : y + 2, x - 1 : x + 2] = 100 + 9 * k
    xyz = np.concatenate([joints * 10.0, rng.uniform(2800, 3200, (16, 1))], 1).astype(np.float32) if with_3d else None
    return Sample(image, joints, np.ones(16, bool), np.array([0, 0, 110, 120], np.float32), xyz)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop", [Crop((54.5, 59.5), 128.0), Crop((50.0, 55.0), 140.0, 0.5)])
def test_joints_land_on_their_pixels(crop, flip):
    codec = HeatmapCodec(256, 64, 1.0)
    example = make_example(dots(), crop, flip, codec)
    grey = example["crops_rgb"][..., 0].astype(float)
    for k, (x, y) in enumerate(example["joints_crop_px"]):
        if not (8 < x < 247 and 8 < y < 247):
            continue
        level = 100 + 9 * (MPII16.mirror[k] if flip else k)  # flipped, the left wrist's dot is called right wrist
        window = grey[int(y) - 5 : int(y) + 7, int(x) - 5 : int(x) + 7]
        assert abs(window.max() - level) <= 4
        ys, xs = np.nonzero(window > level / 2)
        assert abs(xs.mean() + int(x) - 5 - x) < 0.6
        assert abs(ys.mean() + int(y) - 5 - y) < 0.6


def test_depth_is_in_half_crop_sides_relative_to_the_pelvis():
    """Weak perspective at 0.1 px/mm, a crop of 128 px: 100 mm behind the pelvis are 10 px, 10 / 64 of half a side."""
    sample = dots(with_3d=True)
    z = sample.joints_cam_mm[:, 2]
    example = make_example(sample, Crop((54.5, 59.5), 128.0, 0.3), False, CODEC)
    expected = 0.1 * (z - z[MPII16.index("pelvis")]) / 64
    np.testing.assert_allclose(example["depth"], expected, atol=1e-5)
    assert example["depth_mask"].all()
    flipped = make_example(sample, Crop((54.5, 59.5), 128.0), True, CODEC)
    np.testing.assert_allclose(flipped["depth"], expected[MPII16.mirror], atol=1e-5)


def test_unlabelled_joints_stay_unlabelled_under_a_flip():
    sample = dots()
    mask = sample.mask.copy()
    mask[MPII16.index("left_wrist")] = False
    joints = np.where(mask[:, None], sample.joints_px, np.nan)
    sample = dataclasses.replace(sample, mask=mask, joints_px=joints)
    example = make_example(sample, square_crop(sample.box_xywh), True, CODEC)
    missing = MPII16.index("right_wrist")
    assert np.flatnonzero(~example["heatmap_mask"]).tolist() == [missing]
    assert not example["heatmaps"][missing].any()
    assert not example["depth_mask"].any()


class One:
    def __init__(self, count, **kw):
        self.samples = [dots(seed=i, **kw) for i in range(count)]

    def __len__(self):
        return len(self.samples)

    def load(self, i):
        return self.samples[i]


def batches(seed=(0, 0)) -> Batches:
    model = ModelConfig(input_px=64)
    return Batches(One(5), One(3, with_3d=True), 6, 2, model, AugmentConfig(), seed)


def test_batch_k_depends_on_seed_and_k_alone():
    a, b = batches(), batches()
    for k in (7, 0, 3):
        first, again = a[k], b[k]
        for field in dataclasses.fields(first):
            assert torch.equal(
                torch.nan_to_num(getattr(first, field.name).float(), 9.0),
                torch.nan_to_num(getattr(again, field.name).float(), 9.0),
            )
    assert not torch.equal(a[0].crops_rgb, a[1].crops_rgb)
    assert not torch.equal(a[0].crops_rgb, batches((1, 0))[0].crops_rgb)


def test_studio_first_and_every_sample_once_an_epoch():
    b = batches()
    assert b[0].depth_mask[:2].all() and not b[0].depth_mask[2:].any()
    assert sorted(b._pick(1, draw) for draw in range(5)) == [0, 1, 2, 3, 4]
    assert sorted(b._pick(1, draw) for draw in range(5, 10)) == [0, 1, 2, 3, 4]


def test_augmentation_stays_within_its_settings():
    augment = AugmentConfig(scale=0.25, rotation_deg=40.0, rotation_share=0.5, shift=0.0, off_target_share=0.0)
    rng = np.random.default_rng(0)
    crops = [random_crop(np.array([10, 20, 40, 80.0]), augment, rng) for _ in range(500)]
    sides = np.array([c.side_px for c in crops]) / 100
    angles = np.rad2deg([c.angle_rad for c in crops])
    assert 2**-0.5 <= sides.min() < 0.75 and 1.35 < sides.max() <= 2**0.5
    assert np.abs(angles).max() <= 80
    assert 0.4 < (angles == 0).mean() < 0.6
    assert all(c.center_xy == (30.0, 60.0) for c in crops)


def test_plain_batches_keep_order_and_size():
    got = list(plain_batches(One(5), ModelConfig(input_px=64), 2))
    assert [len(chunk) for _, chunk in got] == [2, 2, 1]
    assert got[2][0].crops_rgb.shape == (1, 64, 64, 3)


def test_joined_sets_follow_one_another():
    joined = Joined(One(2), One(3, with_3d=True))
    assert len(joined) == 5
    assert [joined.load(i).joints_cam_mm is not None for i in range(5)] == [False, False, True, True, True]
