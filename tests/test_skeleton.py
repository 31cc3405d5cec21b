"""Orders and pairings against what the data sets publish and what earlier code used, by index."""

import numpy as np
import pytest

from wildpose.errors import InputError
from wildpose.skeleton import (
    COCO17,
    H36M17,
    H36M32,
    LIMB_GROUPS,
    LSP14,
    MPI3DHP17,
    MPI3DHP28,
    MPII16,
    MPII16_LEGACY_BONES,
    SKELETONS,
    convert,
)


def numbered(skeleton):
    """Points whose x is their own index."""
    return np.repeat(np.arange(skeleton.n, dtype=np.float64)[:, None], 2, 1)


def origin(source, target):
    return convert(numbered(source), source, target)[0][:, 0]


def test_mpii_order_is_the_published_one():
    assert MPII16.joints == (
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("pelvis", "thorax", "upper_neck", "head_top"),
        *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    )


def test_mpii_mirror_is_the_pair_list_of_the_backbone():
    pairs = [(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)]  # Zhou et al.'s flip list
    expected = np.arange(16)
    for a, b in pairs:
        expected[[a, b]] = b, a
    assert MPII16.mirror.tolist() == expected.tolist()


def test_legacy_bones_are_those_of_the_backbone():
    expected = [
        (0, 1),
        (1, 2),
        (2, 6),
        (6, 3),
        (3, 4),
        (4, 5),
        (10, 11),
        (11, 12),
        (12, 8),
        (8, 13),
        (13, 14),
        (14, 15),
    ]
    assert MPII16.pairs(MPII16_LEGACY_BONES) == [*expected, (6, 8), (8, 9)]


@pytest.mark.parametrize(
    ("skeleton", "parents"),
    [
        # VideoPose3D's h36m_dataset.py
        (H36M32, [-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14, 12, 16, 17, 18, 19, 20, 19, 22,
                  12, 24, 25, 26, 27, 28, 27, 30]),
        (H36M17, [-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15]),
    ],
)  # fmt: skip
def test_human36m_trees(skeleton, parents):
    assert skeleton.parent_indices.tolist() == parents


def test_human36m_17_are_the_usual_17_of_32():
    usual = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    assert origin(H36M32, H36M17).tolist() == usual


def test_human36m_to_mpii_is_the_backbones_table():
    assert origin(H36M17, MPII16).tolist() == [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]


def test_3dhp_17_are_the_relevant_ones_of_28():
    assert origin(MPI3DHP28, MPI3DHP17).tolist() == [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]


def test_3dhp_to_mpii_is_the_backbones_table():
    one_based = [11, 10, 9, 12, 13, 14, 15, 16, 2, 1, 5, 4, 3, 6, 7, 8]
    assert origin(MPI3DHP17, MPII16).tolist() == [i - 1 for i in one_based]


def test_lsp_to_mpii_lacks_pelvis_and_thorax():
    points, mask = convert(numbered(LSP14), LSP14, MPII16)
    assert np.flatnonzero(~mask).tolist() == [MPII16.index("pelvis"), MPII16.index("thorax")]
    assert np.isnan(points[~mask]).all() and np.isfinite(points[mask]).all()
    assert points[MPII16.index("upper_neck"), 0] == 12 and points[MPII16.index("left_wrist"), 0] == 11


def test_conversion_back_and_forth_keeps_what_both_have():
    for source in SKELETONS.values():
        for target in SKELETONS.values():
            there, mask = convert(numbered(source), source, target)
            back, back_mask = convert(there, target, source)
            kept = back_mask & np.isfinite(back).all(-1)
            assert mask.sum() == kept.sum() > 0, (source.name, target.name)
            assert np.array_equal(back[kept], numbered(source)[kept]), (source.name, target.name)


def test_conversion_leaves_the_input_alone_and_takes_batches():
    points = np.stack([numbered(COCO17)] * 3)
    before = points.copy()
    converted, mask = convert(points, COCO17, MPII16)
    assert converted.shape == (3, 16, 2) and np.array_equal(points, before)
    assert mask.sum() == 12  # shoulders, elbows, wrists, hips, knees, ankles


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_every_skeleton_is_one_tree_that_its_mirror_maps_to_itself(skeleton):
    assert len(set(skeleton.joints)) == skeleton.n == int(skeleton.name[-2:])
    for joint in range(skeleton.n):  # every way up ends at the one root
        steps = 0
        while skeleton.parent_indices[joint] >= 0:
            joint, steps = skeleton.parent_indices[joint], steps + 1
            assert steps < skeleton.n
    assert len(skeleton.bones) == skeleton.n - 1
    assert np.array_equal(skeleton.mirror[skeleton.mirror], np.arange(skeleton.n))
    if skeleton is not COCO17:  # COCO17's tree has no middle but the nose; its bones are mirrored all the same
        assert skeleton.parents.count(None) == 1
    mirrored = {(int(skeleton.mirror[a]), int(skeleton.mirror[b])) for a, b in skeleton.bones}
    assert mirrored == set(skeleton.bones)


def test_limb_groups_are_left_right_pairs():
    for limbs in LIMB_GROUPS.values():
        (right, left) = MPII16.pairs(limbs)
        assert tuple(MPII16.mirror[list(right)]) == left


def test_wrong_names_and_shapes_say_what_to_do():
    with pytest.raises(InputError, match="a joint of LSP14"):
        LSP14.index("pelvis")
    with pytest.raises(InputError, match="14 joints"):
        convert(numbered(MPII16), LSP14, MPII16)
