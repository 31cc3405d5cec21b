"""MPI-INF-3DHP's metric against a slow implementation written from its published scripts, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wildpose import metrics
from wildpose.errors import InputError
from wildpose.metrics.mpi_inf_3dhp import COUNTED, GROUPS
from wildpose.skeleton import MPI3DHP17, MPII16, convert

GROUPS_1_BASED = ([1], [2], [3, 6], [4, 7], [5, 8], [9, 12], [10, 13], [11, 14])
"""Of the 17 stored joints, in the order and numbers of mpii_get_pck_auc_joint_groups.m; the pelvis is 15."""
MPII_FROM_17_1_BASED = (11, 10, 9, 12, 13, 14, 15, 16, 2, 1, 5, 4, 3, 6, 7, 8)
"""Of Zhou et al.'s fusion.lua."""
LEGACY_BONES = [
    *((0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 8), (8, 9)),
    *((10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15)),
]
seeds = st.integers(0, 2**31)


def poses17(seed, n=4, spread=150.0):
    return np.random.default_rng(seed).normal(scale=spread, size=(n, 17, 3))


def distance(a, b):
    return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def slow_official(found17, true17):
    """PCK and AUC as the scripts count them: a frame, a joint, a threshold at a time, on the set's own 17 joints."""
    groups = [*GROUPS_1_BASED, [joint for group in GROUPS_1_BASED for joint in group]]
    pck, auc = [], []
    for group in groups:
        hits = dict.fromkeys(range(0, 151, 5), 0)
        total = 0
        for found, true in zip(found17, true17, strict=True):
            for joint in group:
                error = distance(found[joint - 1] - found[14], true[joint - 1] - true[14])
                total += 1
                for threshold in hits:
                    hits[threshold] += error < threshold
        pck.append(100 * hits[150] / total)
        auc.append(100 * sum(count / total for count in hits.values()) / len(hits))
    return pck, auc


def slow_zhou17(found17, true17):
    """Joint errors of Zhou et al.'s evaluation, joint by joint, on MPII's numbers (pelvis 6, thorax 7, neck 8)."""
    rows = []
    for found, true in zip(found17, true17, strict=True):
        p = [found[i - 1].copy() for i in MPII_FROM_17_1_BASED]
        g = [true[i - 1] for i in MPII_FROM_17_1_BASED]
        shift = (p[8] - p[6]) * 0.2
        for joint in (2, 3, 6):
            p[joint] = p[joint] + shift
        p[7] = (p[6] + p[8]) / 2
        size = sum(distance(g[a], g[b]) for a, b in LEGACY_BONES) / sum(distance(p[a], p[b]) for a, b in LEGACY_BONES)
        rows.append([distance((p[i] - p[6]) * size, g[i] - g[6]) for i in range(16) if i not in (6, 7)])
    return np.array(rows)


def to_mpii(poses):
    return convert(poses, MPI3DHP17, MPII16)[0]


@given(seeds)
@settings(max_examples=10)
def test_official_scores_are_those_of_the_slow_implementation(seed):
    true = poses17(seed)
    found = true + poses17(seed + 1, spread=70.0)
    scores = metrics.mpi_inf_3dhp_scores(metrics.mpi_inf_3dhp_errors(to_mpii(found), to_mpii(true)))
    pck, auc = slow_official(found, true)
    assert list(scores["PCK"]) == [*GROUPS, "Total"]
    assert np.allclose(list(scores["PCK"].values()), pck, rtol=0, atol=1e-9)
    assert np.allclose(list(scores["AUC"].values()), auc, rtol=0, atol=1e-9)


@given(seeds)
def test_zhou17_errors_are_those_of_the_slow_implementation(seed):
    true = poses17(seed)
    found = true + poses17(seed + 1, spread=70.0)
    errors = metrics.mpi_inf_3dhp_errors(to_mpii(found), to_mpii(true), "zhou17")
    fourteen = [i for i in range(16) if MPII16.joints[i] not in ("pelvis", "thorax")]
    assert np.allclose(errors[:, fourteen], slow_zhou17(found, true), rtol=0, atol=1e-9)


def test_the_modes_differ_as_they_say():
    """A prediction twice too large is forgiven by zhou17 only; hips too low by a fifth are right for zhou17 only."""
    true = to_mpii(poses17(0))
    hips = [MPII16.index(name) for name in ("pelvis", "right_hip", "left_hip")]
    low = true.copy()  # so that raising by a fifth of the way from the lowered pelvis to the neck gives the truth
    up = true[:, MPII16.index("upper_neck")] - true[:, MPII16.index("pelvis")]
    low[:, hips] -= (0.25 * up)[:, None]
    assert np.allclose(metrics.mpi_inf_3dhp_errors(2 * low, true, "zhou17")[:, COUNTED], 0, atol=1e-9)
    assert metrics.mpi_inf_3dhp_errors(2 * low, true)[:, COUNTED].mean() > 50
    assert metrics.mpi_inf_3dhp_errors(true + 500, true)[:, COUNTED].max() == pytest.approx(0, abs=1e-9)


def test_a_perfect_pose_scores_100_and_30_of_31():
    scores = metrics.mpi_inf_3dhp_scores(np.zeros((3, 16)))
    assert set(scores["PCK"].values()) == {100.0}
    assert scores["AUC"]["Total"] == pytest.approx(100 * 30 / 31)


def test_an_unknown_mode_is_refused():
    with pytest.raises(InputError, match="official, zhou17"):
        metrics.mpi_inf_3dhp_errors(np.zeros((1, 16, 3)), np.zeros((1, 16, 3)), "yang18")
