"""Encoding and decoding as inverses, with bias and spread in heatmap px; gradients of the soft arg-max."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildpose.codec import HeatmapCodec

CODECS = [HeatmapCodec(), HeatmapCodec(256, 64, 1.0), HeatmapCodec(96, 24, 0.7), HeatmapCodec(128, 32, 1.75)]
codecs = pytest.mark.parametrize("codec", CODECS, ids=lambda c: f"{c.input_px}to{c.heatmap_px}s{c.sigma_px}")


def positions(codec, n=4000, margin_px=0.0, seed=0):
    """Crop px, all over the crop; margin in heatmap px."""
    low, high = -0.5 + margin_px * codec.stride, codec.input_px - 0.5 - margin_px * codec.stride
    return np.random.default_rng(seed).uniform(low, high, (n, 2))


def encode(codec, joints):
    return codec.encode(joints, np.ones(len(joints), bool))[None]


def test_gaussian_equals_explicit_loops():
    codec = HeatmapCodec(32, 8, 1.3)
    joints, mask = np.array([[9.3, 20.1], [-3.0, 31.0], [4.0, 4.0]]), np.array([True, True, False])
    expected = np.zeros((3, 8, 8))
    for p in range(2):
        u, v = (joints[p] + 0.5) / 4 - 0.5
        for row in range(8):
            for column in range(8):
                expected[p, row, column] = np.exp(-((column - u) ** 2 + (row - v) ** 2) / (2 * 1.3**2))
    assert np.allclose(codec.encode(joints, mask), expected, atol=1e-7)


def test_peak_is_one_where_a_heatmap_pixel_lies_and_positions_follow_the_stride():
    # crop px 1.5 is the middle of the first four: heatmap px 0. Crop px 21.5 is heatmap px 5.
    heatmap = HeatmapCodec().encode(np.array([[21.5, 1.5]]), np.array([True]))[0]
    assert heatmap[0, 5] == 1.0 and heatmap.max() == 1.0
    assert heatmap[0, 6] == pytest.approx(np.exp(-0.5)) and heatmap[1, 5] == pytest.approx(np.exp(-0.5))


def test_missing_joints_are_empty_maps_and_do_not_touch_others():
    joints = np.array([[10.0, 10.0], [np.nan, np.nan], [50.0, 60.0]])
    heatmaps = HeatmapCodec().encode(joints, np.array([True, True, False]))
    assert heatmaps[0].max() > 0.9 and (heatmaps[1:] == 0).all() and heatmaps.dtype == np.float32


def test_a_joint_outside_keeps_what_falls_inside():
    heatmap = HeatmapCodec().encode(np.array([[-2.5, 61.5]]), np.array([True]))[0]  # heatmap (-1, 15)
    assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (15, 0)
    assert heatmap[15, 0] == pytest.approx(np.exp(-0.5))


@codecs
def test_decode_inverts_encode_anywhere_in_the_crop(codec):
    joints = positions(codec)
    decoded, confidence = codec.decode(encode(codec, joints))
    error = (decoded[0] - joints) / codec.stride
    assert np.abs(error.mean(0)).max() < 0.05 and np.abs(error).max() < 0.01  # borders of the map included
    assert np.allclose(confidence, 1.0, atol=1e-4)


@codecs
def test_decode_has_no_bias_on_noisy_maps(codec):
    """A weak peak (0.5) on a noisy floor, as networks make it. The limit for the bias is the project's 0.05 px."""
    joints = positions(codec, margin_px=1.0)
    rng = np.random.default_rng(1)
    heatmaps = 0.5 * encode(codec, joints) + 0.01 * rng.normal(
        size=(1, len(joints), codec.heatmap_px, codec.heatmap_px)
    )
    error = (codec.decode(heatmaps.astype(np.float32))[0][0] - joints) / codec.stride
    assert np.abs(error.mean(0)).max() < 0.05
    assert np.sqrt((error**2).mean()) < 0.15


@given(st.floats(0.02, 1.0), st.floats(0.0, 0.02))
def test_decode_does_not_mind_the_height_of_the_peak(height, floor):
    codec = HeatmapCodec()
    joints = positions(codec, 20, margin_px=2.0)
    plain = codec.decode(encode(codec, joints))[0]
    assert np.abs(codec.decode((height * encode(codec, joints)).astype(np.float32))[0] - plain).max() < 0.01
    assert np.isfinite(codec.decode((height * encode(codec, joints) - floor).astype(np.float32))[0]).all()


def test_confidence_is_the_height_of_the_top_not_of_the_nearest_pixel():
    codec = HeatmapCodec()
    between = np.array([[23.5, 23.5]])  # heatmap 5.5, 5.5: the four nearest px reach exp(-0.25) only
    heatmaps = encode(codec, between) * np.float32(0.6)
    assert heatmaps.max() == pytest.approx(0.6 * np.exp(-0.25))
    assert codec.decode(heatmaps)[1] == pytest.approx(0.6, abs=1e-4)
    assert codec.decode(heatmaps * 3)[1] == 1.0 and codec.decode(heatmaps * 0)[1] == 0.0


def test_empty_and_negative_maps_give_the_first_pixel_without_confidence():
    empty = np.zeros((1, 2, 32, 32), np.float32)
    empty[0, 1] = -1.0
    joints, confidence = HeatmapCodec().decode(empty)
    assert np.allclose(joints, 1.5)  # the first heatmap px is crop px 1.5
    assert (confidence == 0).all()


def test_refinement_stays_within_half_a_pixel_of_the_arg_max():
    codec = HeatmapCodec()
    heatmaps = np.random.default_rng(0).uniform(0, 1, (3, 16, 32, 32)).astype(np.float32)
    joints, _ = codec.decode(heatmaps)
    row, column = np.divmod(heatmaps.reshape(3, 16, -1).argmax(-1), 32)
    heatmap_px = (joints + 0.5) / 4 - 0.5
    assert np.abs(heatmap_px - np.stack([column, row], -1)).max() <= 0.5 + 1e-5


def test_a_joint_outside_the_crop_comes_back_on_its_edge():
    codec = HeatmapCodec()
    joints, _ = codec.decode(encode(codec, np.array([[-6.0, 50.0], [50.0, 131.0]])))
    assert np.allclose(joints[0], [[-0.5, 50.0], [50.0, 127.5]], atol=0.01)


def test_lift_is_root_relative_in_half_crop_sides():
    codec = HeatmapCodec()
    joints = np.array([[[63.5, 63.5], [127.5, 63.5], [63.5, -0.5]]])  # middle, right edge, top edge
    pose = codec.lift(joints, np.array([[0.1, 0.3, -0.2]]), root=0)
    assert np.allclose(pose, [[[0, 0, 0], [1, 0, 0.2], [0, -1, -0.3]]])


# The soft arg-max


@codecs
def test_soft_argmax_of_encoded_truth_has_no_bias(codec):
    torch = pytest.importorskip("torch")
    joints = positions(codec, margin_px=3 * codec.sigma_px)
    normalised = codec.soft_argmax(torch.from_numpy(encode(codec, joints)))[0].numpy()
    error = ((normalised + 1) * codec.input_px - 1) / 2 - joints
    assert np.abs(error.mean(0)).max() / codec.stride < 0.05
    assert np.sqrt((error**2).mean()) / codec.stride < 0.15


def test_soft_argmax_near_the_border_leans_inwards_by_less_than_half_a_pixel():
    torch = pytest.importorskip("torch")
    codec = HeatmapCodec()
    joints = positions(codec, 500)
    joints[:, 0] = -0.5  # on the left edge, where half the Gaussian is missing
    normalised = codec.soft_argmax(torch.from_numpy(encode(codec, joints)))[0].numpy()
    lean = (normalised[:, 0] + 1) / 2 * codec.heatmap_px
    assert (lean > 0).all() and lean.max() < 0.6


@pytest.mark.parametrize("height", [1.0, 0.4])
def test_soft_argmax_does_not_pull_unsure_joints_to_the_middle(height):
    """On a noisy background (0.02) a peak of 0.4 still lies within 0.1 heatmap px of its place on average."""
    torch = pytest.importorskip("torch")
    codec = HeatmapCodec()
    joints = positions(codec, 1000, margin_px=3.0)
    noise = 0.02 * np.random.default_rng(0).normal(size=(1, 1000, 32, 32))
    normalised = codec.soft_argmax(torch.from_numpy(height * encode(codec, joints) + noise))[0].numpy()
    error = ((normalised + 1) * codec.input_px - 1) / 2 - joints
    pull = (error * np.sign(63.5 - joints)).mean() / codec.stride
    assert abs(pull) < 0.1


def test_soft_argmax_by_hand():
    torch = pytest.importorskip("torch")
    codec = HeatmapCodec(8, 2, 1.0)
    heatmap = torch.tensor([[[[0.5, 1.0], [0.0, 0.0]]]], dtype=torch.float64)
    # weights 0.5**4 : 1 on the upper row; columns lie at -0.5 and 0.5, rows at -0.5 and 0.5
    expected = [(-0.5 * 0.0625 + 0.5) / 1.0625, -0.5]
    assert torch.allclose(codec.soft_argmax(heatmap)[0, 0], torch.tensor(expected, dtype=torch.float64), atol=1e-6)


def test_soft_argmax_of_an_empty_map_is_the_middle_without_gradient():
    torch = pytest.importorskip("torch")
    empty = torch.zeros(1, 2, 32, 32, requires_grad=True)
    joints = HeatmapCodec().soft_argmax(empty)
    joints.sum().backward()
    assert joints.abs().max() < 1e-6 and (empty.grad == 0).all()


def test_soft_argmax_gradients():
    torch = pytest.importorskip("torch")
    codec = HeatmapCodec(24, 6, 1.0)
    generator = torch.Generator().manual_seed(0)
    heatmaps = torch.rand(1, 3, 6, 6, generator=generator, dtype=torch.float64) - 0.2
    assert torch.autograd.gradcheck(codec.soft_argmax, heatmaps.requires_grad_())


def test_soft_argmax_is_float32_under_half_precision():
    torch = pytest.importorskip("torch")
    assert HeatmapCodec().soft_argmax(torch.rand(1, 1, 32, 32, dtype=torch.bfloat16)).dtype == torch.float32


def test_the_codec_does_not_import_torch():
    code = "import sys, wildpose.codec, wildpose.types, wildpose.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
