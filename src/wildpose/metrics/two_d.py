"""2D poses: PCK of the torso and PCP (LSP), PCKh (MPII), in percent. Missing truth (mask False) never counts."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from wildpose.skeleton import MPII16

LSP_COLUMNS = {
    "Head": ("head_top", "upper_neck"),
    "Shoulder": ("right_shoulder", "left_shoulder"),
    "Elbow": ("right_elbow", "left_elbow"),
    "Wrist": ("right_wrist", "left_wrist"),
    "Hip": ("right_hip", "left_hip"),
    "Knee": ("right_knee", "left_knee"),
    "Ankle": ("right_ankle", "left_ankle"),
}
"""Columns of the usual LSP table (Yang et al., CVPR 2016): each the mean of its two joints."""

PARTS = {
    "Torso": ((("right_hip", "left_hip"), ("right_shoulder", "left_shoulder")),),
    "U.Leg": ((("right_knee",), ("right_hip",)), (("left_knee",), ("left_hip",))),
    "L.Leg": ((("right_ankle",), ("right_knee",)), (("left_ankle",), ("left_knee",))),
    "U.Arm": ((("right_elbow",), ("right_shoulder",)), (("left_elbow",), ("left_shoulder",))),
    "L.Arm": ((("right_wrist",), ("right_elbow",)), (("left_wrist",), ("left_elbow",))),
    "Head": ((("upper_neck",), ("head_top",)),),
}
"""The ten sticks of LSP by column, each from one end to the other; the end of several joints is their middle
(github.com/bearpaw/eval_pose, utils/keypoints2sticks.m, W. Yang)."""

MPII_COLUMNS = {**LSP_COLUMNS, "Head": ("head_top",)}
"""Columns of the usual MPII table (Table 3): Head is the head top alone; the upper neck counts in the mean only."""


def torso_diameter(true_px: Float[np.ndarray, "N 16 2"]) -> Float[np.ndarray, " N"]:
    """Distance from the left shoulder to the right hip, px; NaN where either is missing.

    Sapp and Taskar (CVPR 2013); the pair is that of github.com/bearpaw/eval_pose, utils/eval_pck.m (W. Yang).
    """
    return np.linalg.norm(true_px[:, MPII16.index("left_shoulder")] - true_px[:, MPII16.index("right_hip")], axis=-1)


def pck_torso(
    predicted_px: Float[np.ndarray, "N 16 2"],
    true_px: Float[np.ndarray, "N 16 2"],
    mask: Bool[np.ndarray, "N 16"],
    threshold: float = 0.2,
) -> Float[np.ndarray, " 16"]:
    """PCK@threshold of each joint, percent: error <= threshold * torso diameter, over the images that show the joint.

    NaN for joints without truth anywhere. An image without a torso diameter does not count. "Person-centric" is a
    property of the annotation (left is the person's left), not of this function.
    """
    return _percent_within(predicted_px, true_px, mask, torso_diameter(true_px), threshold, np.less_equal)


def pckh(
    predicted_px: Float[np.ndarray, "N 16 2"],
    true_px: Float[np.ndarray, "N 16 2"],
    mask: Bool[np.ndarray, "N 16"],
    head_size_px: Float[np.ndarray, " N"],
    threshold: float = 0.5,
) -> Float[np.ndarray, " 16"]:
    """PCKh@threshold of each joint, percent: error < threshold * head size (Andriluka et al., CVPR 2014).

    head_size_px is 0.6 times the diagonal of MPII's head box. The usual "Mean" leaves out pelvis and thorax: mask them.
    """
    return _percent_within(predicted_px, true_px, mask, head_size_px, threshold, np.less)


def head_size_px(head_boxes_px: Float[np.ndarray, "N 2 2"]) -> Float[np.ndarray, " N"]:
    """MPII's head size: 0.6 times the diagonal of the head box, whose corners are (x1, y1) and (x2, y2)."""
    return 0.6 * np.linalg.norm(head_boxes_px[:, 1] - head_boxes_px[:, 0], axis=-1)


def pckh_row(
    predicted_px: Float[np.ndarray, "N 16 2"],
    true_px: Float[np.ndarray, "N 16 2"],
    labelled: Bool[np.ndarray, "N 16"],
    head_boxes_px: Float[np.ndarray, "N 2 2"],
) -> dict[str, float]:
    """PCKh@0.5 as MPII's tables print it (Table 3), percent.

    Pelvis and thorax are left out, a joint counts over the people who have it labelled, left and right are averaged,
    and `Mean` is the unweighted mean of the 14 joints (github.com/bearpaw/pytorch-pose, evaluation/eval_PCKh.py). Some
    code weighs the joints by how often they are labelled instead: its means are not comparable.
    """
    counted = labelled.copy()
    counted[:, [MPII16.index("pelvis"), MPII16.index("thorax")]] = False
    return joint_columns(pckh(predicted_px, true_px, counted, head_size_px(head_boxes_px)), MPII_COLUMNS)


def pcp(
    predicted_px: Float[np.ndarray, "N 16 2"],
    true_px: Float[np.ndarray, "N 16 2"],
    mask: Bool[np.ndarray, "N 16"],
    threshold: float = 0.5,
) -> dict[str, float]:
    """Strict PCP, percent: a part is found if each of its ends is within threshold x the part's true length, <=.

    By the columns of PARTS, and `Mean` over all parts of all people; parts without truth don't count. Strict: the
    older tool of the Buffy set took the mean of both ends, and its numbers are higher (Pishchulin et al., CVPR 2012).
    """
    row: dict[str, float] = {}
    found, known = [], []
    for name, parts in PARTS.items():
        mine = [_part_within(predicted_px, true_px, mask, ends, threshold) for ends in parts]
        row[name] = float(np.mean([_percent(hit, seen) for hit, seen in mine]))
        found += [hit for hit, _ in mine]
        known += [seen for _, seen in mine]
    return row | {"Mean": _percent(np.concatenate(found), np.concatenate(known))}


def _part_within(predicted, true, mask, ends, threshold):
    """Whether each person's part is found, and whether it is known at all."""
    joints = [[MPII16.index(name) for name in end] for end in ends]
    at = np.stack([true[:, of].mean(1) for of in joints])
    off = np.linalg.norm(np.stack([predicted[:, of].mean(1) for of in joints]) - at, axis=-1)
    known = mask[:, joints[0] + joints[1]].all(1)
    limit = threshold * np.linalg.norm(at[0] - at[1], axis=-1)
    within = np.less_equal(off, limit, where=known, out=np.zeros(off.shape, bool))
    return within.all(0), known


def _percent(hit, known):
    return float(100.0 * (hit & known).sum() / known.sum()) if known.any() else float("nan")


def _percent_within(predicted, true, mask, reference, threshold, compare):
    mask = mask & np.isfinite(reference)[:, None]
    error = np.linalg.norm(predicted - true, axis=-1) / reference[:, None]
    correct = compare(error, threshold, where=mask, out=np.zeros(mask.shape, dtype=bool))
    count = mask.sum(0)
    return 100.0 * np.where(count > 0, correct.sum(0) / np.maximum(count, 1), np.nan)


def joint_columns(
    per_joint: Float[np.ndarray, " 16"], columns: Mapping[str, tuple[str, ...]] = LSP_COLUMNS
) -> dict[str, float]:
    """The usual table row: left and right averaged, and `Mean`, the unweighted mean of the joints that have truth."""
    row = {name: float(np.mean([per_joint[MPII16.index(j)] for j in joints])) for name, joints in columns.items()}
    return row | {"Mean": float(np.nanmean(per_joint))}
