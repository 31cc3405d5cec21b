"""Metrics against cases worked by hand, a published result, and independent implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from wildpose import metrics
from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

seeds = st.integers(0, 2**31)
BONES = MPII16.pairs(MPII16_LEGACY_BONES)
ALL = np.ones((1, 16), bool)


def people(seed, n=3, spread=300.0):
    return np.random.default_rng(seed).normal(scale=spread, size=(n, 16, 3))


def standing_px():
    """One person whose torso (left shoulder to right hip) is 50 px long; everything else lies at the origin."""
    joints = np.zeros((1, 16, 2))
    joints[0, MPII16.index("left_shoulder")] = 30, 0
    joints[0, MPII16.index("right_hip")] = 0, 40
    return joints


# 2D


def test_torso_diameter_is_left_shoulder_to_right_hip():
    assert metrics.torso_diameter(standing_px()).tolist() == [50.0]


def test_pck_torso_by_hand():
    """0.2 * 50 px = 10 px: an error of 10 px counts, one of 10.1 px doesn't; a masked joint doesn't count at all."""
    truth = standing_px()
    found, mask = truth.copy(), ALL.copy()
    found[0, MPII16.index("left_knee"), 0] += 10.0
    found[0, MPII16.index("left_ankle"), 0] += 10.1
    mask[0, MPII16.index("thorax")] = False
    pck = metrics.pck_torso(found, truth, mask)
    assert pck[MPII16.index("left_knee")] == 100.0 and pck[MPII16.index("left_ankle")] == 0.0
    assert np.isnan(pck[MPII16.index("thorax")])


def test_pck_counts_each_joint_over_the_images_that_show_it():
    truth = np.repeat(standing_px(), 4, 0)
    found, mask = truth.copy(), np.ones((4, 16), bool)
    wrist = MPII16.index("right_wrist")
    found[:2, wrist] += 100
    mask[0, wrist] = False  # one miss of the two isn't counted: 2 of 3 hit
    assert metrics.pck_torso(found, truth, mask)[wrist] == pytest.approx(200 / 3)


def test_pck_leaves_out_an_image_without_torso():
    truth = np.repeat(standing_px(), 2, 0)
    found = truth + 100.0
    found[1] = truth[1]
    truth[0, MPII16.index("right_hip")] = np.nan
    mask = np.isfinite(truth).all(-1)
    assert (metrics.pck_torso(found, truth, mask) == 100.0).all()


@given(seeds, st.floats(0.01, 1.0), st.floats(0.0, 1.0))
def test_pck_grows_with_the_threshold_and_ignores_masked_joints(seed, threshold, more):
    rng = np.random.default_rng(seed)
    truth, noise = rng.normal(scale=50, size=(5, 16, 2)), rng.normal(scale=20, size=(5, 16, 2))
    mask = rng.random((5, 16)) < 0.7
    low = metrics.pck_torso(truth + noise, truth, mask, threshold)
    high = metrics.pck_torso(truth + noise, truth, mask, threshold + more)
    assert (np.nan_to_num(low) <= np.nan_to_num(high)).all()
    noise[~mask] = np.nan
    assert np.array_equal(metrics.pck_torso(truth + noise, truth, mask, threshold), low, equal_nan=True)


def test_pckh_is_strict_at_the_threshold():
    truth = standing_px()
    found = truth + [5.0, 0.0]
    assert (metrics.pckh(found, truth, ALL, np.array([10.0])) == 0).all()
    assert (metrics.pckh(found, truth, ALL, np.array([10.01])) == 100).all()


def test_columns_by_hand():
    per_joint = np.arange(16.0)
    per_joint[[6, 7]] = np.nan  # LSP has no pelvis and no thorax
    row = metrics.joint_columns(per_joint)
    assert list(row) == ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean"]
    assert [row[name] for name in row] == [8.5, 12.5, 12.5, 12.5, 2.5, 2.5, 2.5, (120 - 13) / 14]
    assert metrics.joint_columns(per_joint, metrics.MPII_COLUMNS)["Head"] == 9.0


@pytest.mark.data
def test_tompsons_mpii_detections_score_what_is_known(shared_data):
    """Published predictions and truth (2,958 validation people): PCKh@0.5 as measured by the field's own script."""
    from scipy.io import loadmat

    mat = loadmat(shared_data / "mpii" / "detections_our_format.mat")
    names = [str(name[0]) for name in mat["dataset_joints"][0]]
    short = {"a": "ankle", "k": "knee", "h": "hip", "w": "wrist", "e": "elbow", "s": "shoulder"}
    alone = {"pelv": "pelvis", "thor": "thorax", "neck": "upper_neck", "head": "head_top"}
    sides = {"r": "right_", "l": "left_"}
    assert [alone.get(n) or sides[n[0]] + short[n[1]] for n in names] == list(MPII16.joints)
    found, truth = (mat[key].transpose(2, 0, 1).astype(np.float64) for key in ("pos_pred_src", "pos_gt_src"))
    labelled = mat["jnt_missing"].T == 0
    boxes = mat["headboxes_src"].astype(np.float64).transpose(2, 0, 1)
    pckh = metrics.pckh(found, truth, labelled, metrics.head_size_px(boxes))
    known = [65.20, 73.44, 82.00, 81.86, 73.28, 65.69, 97.71, 95.60, 76.40, 83.37, 92.15, 93.27, 83.36, 77.07]
    assert np.allclose(np.delete(pckh, [6, 7]), known, atol=0.006)
    row = metrics.pckh_row(found, truth, labelled, boxes)
    assert list(row) == ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean"]
    assert row["Mean"] == pytest.approx(81.458, abs=6e-4)
    assert row["Head"] == pytest.approx(95.60, abs=0.006) and row["Ankle"] == pytest.approx(
        (65.20 + 65.69) / 2, abs=0.01
    )


def test_head_size_is_six_tenths_of_the_boxs_diagonal():
    assert metrics.head_size_px(np.array([[[10.0, 10.0], [40.0, 50.0]]])).tolist() == [30.0]


def drawn_px():
    """A person whose ten parts are each 40 px long or longer, by name; one row of joints."""
    at = {
        "right_ankle": (0, 200), "right_knee": (0, 150), "right_hip": (0, 100),
        "left_hip": (20, 100), "left_knee": (20, 150), "left_ankle": (20, 200),
        "right_wrist": (-80, 20), "right_elbow": (-40, 20), "right_shoulder": (0, 20),
        "left_shoulder": (20, 20), "left_elbow": (60, 20), "left_wrist": (100, 20),
        "upper_neck": (10, 0), "head_top": (10, -50), "pelvis": (10, 100), "thorax": (10, 20),
    }  # fmt: skip
    return np.array([[at[name] for name in MPII16.joints]], dtype=np.float64)


def test_pcp_is_strict_both_ends_within_half_the_part():
    """Lower arms are 40 px: a wrist 20 px off still counts, 20.1 px doesn't, however good the elbow is."""
    truth = drawn_px()
    found = truth.copy()
    found[0, MPII16.index("left_wrist"), 1] += 20.0
    found[0, MPII16.index("right_wrist"), 1] += 20.1
    row = metrics.pcp(found, truth, ALL)
    assert row == {"Torso": 100, "U.Leg": 100, "L.Leg": 100, "U.Arm": 100, "L.Arm": 50, "Head": 100, "Mean": 90}


def test_pcps_torso_runs_between_the_middles_of_hips_and_shoulders():
    """80 px long: both shoulders moved apart leave the middle where it is; both moved by 40.1 px lose it."""
    truth = drawn_px()
    shoulders = [MPII16.index("left_shoulder"), MPII16.index("right_shoulder")]
    apart, moved = truth.copy(), truth.copy()
    apart[0, shoulders, 0] += [60, -60]
    moved[0, shoulders, 0] += 40.1
    assert metrics.pcp(apart, truth, ALL)["Torso"] == 100 and metrics.pcp(moved, truth, ALL)["Torso"] == 0


def test_pcp_leaves_out_parts_without_truth():
    truth = np.repeat(drawn_px(), 2, 0)
    found, mask = truth.copy(), np.ones((2, 16), bool)
    found[0, MPII16.index("left_ankle")] += 100
    mask[0, MPII16.index("left_knee")] = False  # with it both the lost lower leg and the upper leg leave the count
    assert metrics.pcp(found, truth, mask)["L.Leg"] == 100 and metrics.pcp(found, truth, mask)["Mean"] == 100
    mask[1, MPII16.index("left_knee")] = False
    truth[~mask] = np.nan
    row = metrics.pcp(found, truth, mask)
    assert np.isnan(row["L.Leg"]) and row["Mean"] == 100


# 3D


def test_mpjpe_by_hand():
    """All joints 30 mm off but for the pelvis: 15/16 of 30; shifting the whole pose changes nothing."""
    truth = people(0, 1)
    found = truth + 1000.0
    found[0, [i for i in range(16) if i != MPII16.index("pelvis")], 2] += 30
    assert metrics.mpjpe(found, truth) == pytest.approx(30 * 15 / 16)


def test_mpjpe_hangs_on_the_pelvis():
    truth = people(1, 1)
    found = truth.copy()
    found[0, MPII16.index("pelvis")] += [0, 0, 40]
    assert metrics.mpjpe(found, truth) == pytest.approx(40 * 15 / 16)


@given(seeds, st.floats(0.2, 4.0))
def test_protocol_2_forgives_a_similarity_and_protocol_1_does_not(seed, scale):
    truth = people(seed)
    turn = Rotation.random(random_state=seed % 1000).as_matrix().T
    found = scale * truth @ turn + 77
    assert metrics.pa_mpjpe(found, truth) == pytest.approx(0, abs=1e-6)
    assert metrics.pa_mpjpe_rigid(truth @ turn + 77, truth) == pytest.approx(0, abs=1e-6)
    assert metrics.mpjpe(found, truth) > 1e-3


def test_rigid_alignment_keeps_the_size():
    truth = people(3, 1)
    centred = truth - truth.mean(1, keepdims=True)
    expected = np.linalg.norm(centred, axis=-1).mean()  # twice as large: each joint off by its distance to the middle
    assert metrics.pa_mpjpe_rigid(2 * truth, truth) == pytest.approx(expected)
    assert metrics.pa_mpjpe(2 * truth, truth) == pytest.approx(0, abs=1e-9)


def test_protocol_2_never_mirrors():
    truth = people(4, 5)
    assert metrics.pa_mpjpe(truth * [-1, 1, 1], truth) > 50
    assert metrics.pa_mpjpe_rigid(truth * [1, 1, -1], truth) > 50


@given(seeds, st.floats(0.2, 4.0))
def test_protocol_2_does_not_change_when_the_prediction_is_moved_turned_or_scaled(seed, scale):
    truth, found = people(seed), people(seed + 1)
    turn = Rotation.random(random_state=seed % 1000).as_matrix().T
    assert metrics.pa_mpjpe(scale * found @ turn - 5, truth) == pytest.approx(metrics.pa_mpjpe(found, truth))


def test_alignment_equals_a_direct_numeric_optimisation():
    truth, found = people(5, 1)[0], people(6, 1, 100.0)[0] + people(5, 1)[0]

    def squared_error(p):
        return ((np.exp(p[6]) * Rotation.from_rotvec(p[:3]).apply(found) + 1000 * p[3:6] - truth) ** 2).sum() / 1e6

    best = min((minimize(squared_error, start) for start in np.eye(7)[:4]), key=lambda r: r.fun)
    ours = (metrics.protocol2_errors(found[None], truth[None]) ** 2).sum() / 1e6
    assert ours == pytest.approx(best.fun, rel=1e-6)


def test_n_mpjpe_finds_the_best_scale_about_the_pelvis():
    truth, found = people(7, 1), people(7, 1) * 0.37 + 100
    assert metrics.n_mpjpe(found, truth) == pytest.approx(0, abs=1e-9)
    noisy = people(8, 1)
    a, b = metrics.root_relative(noisy), metrics.root_relative(truth)
    best = min(np.linspace(-2, 2, 40001), key=lambda s: ((s * a - b) ** 2).sum())
    assert metrics.n_mpjpe(noisy, truth) == pytest.approx(np.linalg.norm(best * a - b, axis=-1).mean(), rel=1e-3)


def test_pck3d_is_strict_at_150_mm():
    assert metrics.pck3d(np.array([[0.0, 149.9, 150.0, 200.0]])) == 50.0


def test_auc_by_hand():
    """31 thresholds, 0:5:150. An error of 0 passes 30 (0 < 0 fails), one of 75 the 15 from 80 on, one of 150 none."""
    assert len(metrics.AUC_THRESHOLDS_MM) == 31 and metrics.AUC_THRESHOLDS_MM[[0, 1, -1]].tolist() == [0, 5, 150]
    assert metrics.auc(np.array([[0.0]])) == pytest.approx(100 * 30 / 31)
    assert metrics.auc(np.array([[75.0]])) == pytest.approx(100 * 15 / 31)
    assert metrics.auc(np.array([[0.0, 150.0]])) == pytest.approx(50 * 30 / 31)


def test_unknown_truth_is_loud_in_3d():
    truth = people(0)
    truth[1, 3] = np.nan
    errors = metrics.protocol1_errors(people(1), truth)
    assert (
        np.isnan(metrics.mpjpe(people(1), truth)) and np.isnan(metrics.pck3d(errors)) and np.isnan(metrics.auc(errors))
    )


def test_limb_errors_by_hand():
    errors = np.zeros((2, 16))
    errors[:, MPII16.index("left_elbow")] = 40  # one of the four ends of upper arms, and of lower arms
    errors[0, MPII16.index("right_ankle")] = 80  # one of the four ends of lower legs, in one of two poses
    assert metrics.limb_errors(errors) == {"upper_arms": 10, "lower_arms": 10, "upper_legs": 0, "lower_legs": 10}


@pytest.mark.parametrize("rule", ["legacy4296", "train-mean", "ground-truth"])
def test_scale_rules_give_the_bone_sum_they_name(rule):
    truth, poses = people(1), people(2, spread=0.4)
    scaled = metrics.scale_poses(poses, rule, bone_sum_mm=4072.0, true_mm=truth)
    expected = {"legacy4296": 4296.99233013, "train-mean": 4072.0, "ground-truth": bone_length_sum(truth, BONES)}[rule]
    assert np.allclose(bone_length_sum(scaled, BONES), expected)
    ratio = scaled / poses  # a scale and nothing else
    assert np.allclose(ratio, ratio[:, :1, :1])


def test_scale_rule_none_touches_nothing_and_others_ask_for_what_they_need():
    poses = people(2)
    assert metrics.scale_poses(poses, "none") is poses
    with pytest.raises(InputError, match="bone_sum_mm"):
        metrics.scale_poses(poses, "train-mean")
    with pytest.raises(InputError, match="true poses"):
        metrics.scale_poses(poses, "ground-truth")
    with pytest.raises(InputError, match="legacy4296, train-mean, ground-truth, none"):
        metrics.scale_poses(poses, "average")
