"""Crops, flips, cameras and alignment against hand-computed cases, OpenCV and SciPy."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from wildpose.errors import InputError
from wildpose.geometry import (
    Crop,
    apply_affine,
    bone_length_sum,
    crop_matrix,
    depth_in_crop,
    flip_points,
    invert_affine,
    project,
    similarity_align,
    square_crop,
    weak_perspective_scale,
)
from wildpose.metrics import pa_mpjpe
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

seeds = st.integers(0, 2**31)


def test_square_crop_by_hand():
    assert square_crop([10, 20, 40, 80], 1.25) == Crop((30.0, 60.0), 100.0)
    assert square_crop([0, 0, 50, 0], 2.0) == Crop((25.0, 0.0), 100.0)  # a flat box still has a size


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [0, 0, -5, 10], [0, 0, float("nan"), 10], [0, 0, 10]])
def test_square_crop_refuses_what_is_no_box(box):
    with pytest.raises(InputError, match="X,Y,W,H"):
        square_crop(box)


def test_crop_that_is_the_whole_image_is_the_identity():
    # A 64 px image covers [-0.5, 63.5]: its middle is 31.5.
    assert np.allclose(crop_matrix(Crop((31.5, 31.5), 64.0), 64), [[1, 0, 0], [0, 1, 0]])


def test_half_size_crop_puts_the_first_pixel_between_the_first_two():
    matrix = crop_matrix(Crop((31.5, 31.5), 64.0), 32)
    assert np.allclose(apply_affine(matrix, np.array([[0.5, 0.5], [63.5, -0.5]])), [[0, 0], [31.5, -0.5]])


def test_crop_matrix_is_what_opencv_warps_by():
    image = np.zeros((50, 60), np.uint8)
    image[21, 33] = 255
    matrix = crop_matrix(Crop((33.0, 21.0), 11.0), 11)
    assert np.unravel_index(cv2.warpAffine(image, matrix, (11, 11)).argmax(), (11, 11)) == (5, 5)


def test_positive_angle_turns_the_crop_axis_towards_image_y():
    matrix = crop_matrix(Crop((10.0, 10.0), 20.0, np.pi / 2), 20)
    ahead = apply_affine(matrix, np.array([[10.0, 14.0]]))[0]  # 4 px down the image
    assert np.allclose(ahead, [9.5 + 4, 9.5])  # lies 4 px along the crop's +x
    right = apply_affine(matrix, np.array([[14.0, 10.0]]))[0]  # 4 px to the right in the image
    assert np.allclose(right, [9.5, 9.5 - 4])  # lies up in the crop: turned, not mirrored


@given(st.floats(-200, 200), st.floats(-200, 200), st.floats(1, 500), st.floats(-4, 4), st.integers(8, 256))
def test_crop_and_back(x, y, side, angle, size):
    matrix = crop_matrix(Crop((x, y), side, angle), size)
    points = np.array([[0.0, 0.0], [10.0, -3.0], [x, y]])
    assert np.allclose(apply_affine(invert_affine(matrix), apply_affine(matrix, points)), points, atol=1e-6)
    assert np.allclose(apply_affine(matrix, points[2]), (size - 1) / 2)


def test_flip_points_moves_first_to_last_pixel_and_swaps_names():
    points = np.full((16, 3), 7.0)
    points[MPII16.index("right_wrist")] = 0.0, 5.0, 9.0
    flipped = flip_points(points, 100, MPII16.mirror)
    assert flipped[MPII16.index("left_wrist")].tolist() == [99.0, 5.0, 9.0]
    assert points[MPII16.index("right_wrist")].tolist() == [0.0, 5.0, 9.0]


@given(seeds, st.integers(1, 500))
def test_flip_twice_is_nothing(seed, width):
    points = np.random.default_rng(seed).normal(size=(2, 16, 2))
    assert np.allclose(flip_points(flip_points(points, width, MPII16.mirror), width, MPII16.mirror), points)


def test_flip_agrees_with_the_flipped_crop():
    """Points of the flipped picture are where the flipped picture shows them."""
    image = np.zeros((8, 8), np.uint8)
    image[3, 1] = 1
    points = np.full((16, 2), np.nan)
    points[MPII16.index("left_hip")] = 1, 3
    x, y = flip_points(points, 8, MPII16.mirror)[MPII16.index("right_hip")].astype(int)
    assert image[:, ::-1][y, x] == 1


def test_projection_by_hand_and_against_opencv():
    K = np.array([[1000.0, 0, 320], [0, 900, 240], [0, 0, 1]])
    points = np.array([[0.0, 0, 2000], [100, -200, 1000], [300, 50, 4000]])
    assert np.allclose(project(points, K)[:2], [[320, 240], [420, 60]])
    expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), K, None)[0][:, 0]
    assert np.allclose(project(points, K), expected)


def test_projection_takes_one_camera_per_pose_and_knows_what_is_behind():
    K = np.stack([np.diag([f, f, 1.0]) for f in (100.0, 200.0)])
    points = np.array([[[1.0, 1, 10]], [[1.0, 1, 10]]])
    assert np.allclose(project(points, K)[:, 0], [[10, 10], [20, 20]])
    assert np.isnan(project(np.array([[1.0, 1, -10]]), K[0])).all()


@given(seeds, st.floats(0.01, 3.0))
def test_weak_perspective_scale_recovers_a_scaled_orthographic_view(seed, scale):
    rng = np.random.default_rng(seed)
    cam = rng.normal(scale=500, size=(3, 16, 3))
    px = scale * cam[..., :2] + rng.normal(scale=100, size=(3, 1, 2))
    px[1, 4] = np.nan  # an unknown joint changes nothing
    assert np.allclose(weak_perspective_scale(cam, px), scale)


def test_weak_perspective_scale_of_a_far_camera_is_focal_length_over_distance():
    rng = np.random.default_rng(0)
    cam = rng.normal(scale=300, size=(16, 3))
    cam[:, 2] += 100_000
    assert float(weak_perspective_scale(cam, project(cam, np.diag([2000.0, 2000, 1])))) == pytest.approx(0.02, rel=1e-2)


def test_weak_perspective_scale_of_one_point_is_unknown():
    assert np.isnan(weak_perspective_scale(np.ones((4, 3)), np.ones((4, 2))))


def test_depth_in_crop_by_hand():
    cam = np.array([[0.0, 0, 3000], [100, 0, 3000], [0, 100, 3400]])
    px = 0.2 * cam[:, :2] + 50
    # 0.2 px/mm * 400 mm = 80 px away, in units of half a side of 160 px
    assert np.allclose(depth_in_crop(cam, px, Crop((50.0, 50.0), 160.0), root=0), [0, 0, 1.0])


def test_bone_length_sum_by_hand():
    points = np.array([[0.0, 0, 0], [3, 4, 0], [3, 4, 12]])
    assert float(bone_length_sum(points, [(0, 1), (1, 2)])) == pytest.approx(17.0)
    assert bone_length_sum(np.stack([points, 2 * points]), [(0, 1), (1, 2)]).tolist() == [17.0, 34.0]


def test_bone_length_sum_ignores_the_thorax_in_the_legacy_sum():
    points = np.random.default_rng(0).normal(size=(16, 3))
    moved = points.copy()
    moved[MPII16.index("thorax")] += 100
    bones = MPII16.pairs(MPII16_LEGACY_BONES)
    assert bone_length_sum(points, bones) == bone_length_sum(moved, bones)


def scipy_align(source, target, scale):
    """The same by SciPy's orthogonal Procrustes, the determinant mended by hand: one pose."""
    a, b = source - source.mean(0), target - target.mean(0)
    rotation, _ = orthogonal_procrustes(a, b)
    if np.linalg.det(rotation) < 0:
        u, _, vt = np.linalg.svd(a.T @ b)
        u[:, -1] *= -1
        rotation = u @ vt
    turned = a @ rotation
    factor = (turned * b).sum() / (turned * turned).sum() if scale else 1.0
    return factor * turned + target.mean(0)


@given(seeds, st.booleans(), st.booleans())
def test_alignment_equals_scipy(seed, scale, mirrored):
    rng = np.random.default_rng(seed)
    target = rng.normal(scale=300, size=(4, 16, 3))
    source = target @ Rotation.random(random_state=seed % 1000).as_matrix() * rng.uniform(0.2, 3) + 50
    source += rng.normal(scale=rng.choice([1, 60, 300]), size=source.shape)
    if mirrored:
        source[..., 0] *= -1
    expected = np.stack([scipy_align(s, t, scale) for s, t in zip(source, target, strict=True)])
    assert np.allclose(similarity_align(source, target, scale), expected, atol=1e-6)


@given(seeds)
def test_alignment_undoes_any_similarity(seed):
    rng = np.random.default_rng(seed)
    target = rng.normal(scale=300, size=(2, 16, 3))
    rotation = Rotation.random(random_state=seed % 1000).as_matrix()
    moved = rng.uniform(0.1, 5) * target @ rotation.T + rng.normal(scale=1000, size=(2, 1, 3))
    assert np.allclose(similarity_align(moved, target), target, atol=1e-6)


@given(seeds, st.booleans())
def test_alignment_never_raises_the_squared_error(seed, scale):
    """It may raise the mean distance, so only the squares are promised."""
    rng = np.random.default_rng(seed)
    target, source = rng.normal(size=(2, 5, 16, 3))
    aligned = similarity_align(source, target, scale)
    assert (((aligned - target) ** 2).sum((1, 2)) <= ((source - target) ** 2).sum((1, 2)) + 1e-9).all()


def test_a_mirrored_skeleton_does_not_align():
    target = np.random.default_rng(1).normal(scale=300, size=(1, 16, 3))
    aligned = similarity_align(target * [-1, 1, 1], target)
    assert np.linalg.norm(aligned - target, axis=-1).mean() > 50


def test_a_pose_that_is_not_whole_aligns_to_nothing_and_leaves_the_others_alone():
    rng = np.random.default_rng(4)
    source, target = rng.normal(size=(2, 4, 16, 3))
    source[1, 3, 0], target[2, 5] = np.nan, np.inf
    aligned = similarity_align(source, target)
    assert np.isnan(aligned[1:3]).all()
    assert np.array_equal(aligned[[0, 3]], similarity_align(source[[0, 3]], target[[0, 3]]))
    assert np.isnan(pa_mpjpe(source, target))


def test_alignment_of_a_flat_pose_is_proper_and_of_a_point_finite():
    flat = np.random.default_rng(2).normal(size=(1, 16, 3)) * [1, 1, 0]
    turned = flat @ Rotation.from_rotvec([0.4, -1.0, 0.2]).as_matrix().T
    assert np.allclose(similarity_align(flat, turned), turned)
    assert np.allclose(similarity_align(np.ones((1, 16, 3)), turned), turned.mean(1, keepdims=True))
