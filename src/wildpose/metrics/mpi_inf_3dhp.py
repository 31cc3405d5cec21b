"""The metric of MPI-INF-3DHP (Mehta et al., 3DV 2017) on MPII's joints: PCK at 150 mm and AUC over 14 of them.

Truth is the set's `univ_annot3` (mm, height-normalised), brought to MPII's joints by name (spine stands for thorax).
Two ways of scoring are in use, and their numbers must not be mixed:

official  what the set's own scripts do (mpii_test_predictions_py.m, mpii_compute_3d_pck.m): both poses relative to
          their pelvis, nothing scaled, nothing turned.
zhou17    what the code of Zhou et al. (ICCV 2017) does, the backbone of the paper, whose Table 4 doesn't say which it
          used: pelvis and hips of the prediction moved a fifth of the way towards the neck, and each prediction given
          the bone sum of its own truth. Flattering, for it knows every person's size.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.metrics.three_d import auc, joint_errors, pck3d, root_relative, scale_poses, thorax_between
from wildpose.skeleton import MPII16

Mode = Literal["official", "zhou17"]

GROUPS = {
    "Head": ("head_top",),
    "Neck": ("upper_neck",),
    "Shou": ("right_shoulder", "left_shoulder"),
    "Elbow": ("right_elbow", "left_elbow"),
    "Wrist": ("right_wrist", "left_wrist"),
    "Hip": ("right_hip", "left_hip"),
    "Knee": ("right_knee", "left_knee"),
    "Ankle": ("right_ankle", "left_ankle"),
}
"""The official joint groups (mpii_get_pck_auc_joint_groups.m): 14 joints. Pelvis, spine and head don't count."""

COUNTED = tuple(MPII16.index(joint) for joints in GROUPS.values() for joint in joints)

HIP_SHIFT = 0.2
"""zhou17: how far MPII's pelvis and hips lie below those of MPI-INF-3DHP, as a share of pelvis to neck."""


def mpi_inf_3dhp_errors(
    predicted_mm: Float[np.ndarray, "N 16 3"], universal_mm: Float[np.ndarray, "N 16 3"], mode: str = "official"
) -> Float[np.ndarray, "N 16"]:
    """Joint errors, mm, by a Mode; 14 of the 16 joints are COUNTED. Raises InputError for another mode."""
    if mode not in get_args(Mode):
        raise InputError(f"a mode of MPI-INF-3DHP: {', '.join(get_args(Mode))}", repr(mode), "name one of them")
    if mode == "zhou17":
        predicted_mm = scale_poses(thorax_between(_hips_raised(predicted_mm)), "ground-truth", true_mm=universal_mm)
    return joint_errors(root_relative(predicted_mm), root_relative(universal_mm))


def mpi_inf_3dhp_scores(errors_mm: Float[np.ndarray, "N 16"]) -> dict[str, dict[str, float]]:
    """{"PCK": {group: percent, ..., "Total": percent}, "AUC": the same}; the total weighs all joints alike."""
    columns = {name: [MPII16.index(joint) for joint in joints] for name, joints in GROUPS.items()}
    columns["Total"] = list(COUNTED)
    return {
        name: {column: metric(errors_mm[:, joints]) for column, joints in columns.items()}
        for name, metric in (("PCK", pck3d), ("AUC", auc))
    }


def _hips_raised(poses: np.ndarray) -> np.ndarray:
    moved = poses.copy()
    shift = HIP_SHIFT * (poses[:, MPII16.index("upper_neck")] - poses[:, MPII16.index("pelvis")])
    for joint in ("pelvis", "right_hip", "left_hip"):
        moved[:, MPII16.index(joint)] += shift
    return moved
