"""3D poses: Protocol #1 and #2 and their kin in mm, PCK at 150 mm and its area in percent, and the scale rules.

All take complete poses and turn NaN where one is not.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum, similarity_align
from wildpose.skeleton import LIMB_GROUPS, MPII16, MPII16_LEGACY_BONES

ScaleRule = Literal["legacy4296", "train-mean", "ground-truth", "none"]

LEGACY_BONE_SUM_MM = 4296.99233013
"""Sum over the 14 legacy bones to which Zhou et al. (ICCV 2017) scale every prediction, whoever the person is."""

AUC_THRESHOLDS_MM = np.arange(0.0, 151.0, 5.0)
"""0:5:150 of MPI-INF-3DHP (Mehta et al., 3DV 2017): 31 values, 0 among them."""


def root_relative(points_mm: Float[np.ndarray, "N 16 3"]) -> Float[np.ndarray, "N 16 3"]:
    """Points relative to the pelvis."""
    return points_mm - points_mm[:, [MPII16.index("pelvis")]]


def joint_errors(
    predicted_mm: Float[np.ndarray, "N P 3"], true_mm: Float[np.ndarray, "N P 3"]
) -> Float[np.ndarray, "N P"]:
    """Distance of each joint from its truth as given, without any alignment, mm."""
    return np.linalg.norm(predicted_mm - true_mm, axis=-1)


def protocol1_errors(
    predicted_mm: Float[np.ndarray, "N 16 3"], true_mm: Float[np.ndarray, "N 16 3"]
) -> Float[np.ndarray, "N 16"]:
    """Joint errors once the pelvises coincide, mm. The pelvis counts, with error 0, as in Zhou et al.'s code."""
    return joint_errors(root_relative(predicted_mm), root_relative(true_mm))


def protocol2_errors(
    predicted_mm: Float[np.ndarray, "N P 3"], true_mm: Float[np.ndarray, "N P 3"], scale: bool = True
) -> Float[np.ndarray, "N P"]:
    """Joint errors after Procrustes alignment of each pose, mm: turned, moved, with `scale` sized, never mirrored."""
    return joint_errors(similarity_align(predicted_mm, true_mm, scale), true_mm)


def thorax_between(poses: Float[np.ndarray, "N 16 3"]) -> Float[np.ndarray, "N 16 3"]:
    """The same with the thorax halfway between pelvis and upper neck, as Zhou et al.'s code puts it before Human3.6M
    and MPI-INF-3DHP are scored: those label the spine there, and MPII has no such joint."""
    changed = poses.copy()
    ends = poses[:, [MPII16.index("pelvis"), MPII16.index("upper_neck")]]
    changed[:, MPII16.index("thorax")] = ends.mean(1)
    return changed


def mpjpe(predicted_mm: Float[np.ndarray, "N 16 3"], true_mm: Float[np.ndarray, "N 16 3"]) -> float:
    """MPJPE, Protocol #1, mm: mean joint error after aligning the root (pelvis).

    The paper aligns "the depth of the root joints"; like the backbone's code this moves the pelvis in x and y as well,
    since a crop without its camera has no absolute place.
    """
    return float(protocol1_errors(predicted_mm, true_mm).mean())


def pa_mpjpe(predicted_mm: Float[np.ndarray, "N P 3"], true_mm: Float[np.ndarray, "N P 3"]) -> float:
    """PA-MPJPE, Protocol #2, mm: mean joint error after a similarity (rotation, move, scale), never a reflection.

    The paper says "rigid transform"; those it compares with fit a scale as well (Martinez et al., ICCV 2017).
    """
    return float(protocol2_errors(predicted_mm, true_mm, scale=True).mean())


def pa_mpjpe_rigid(predicted_mm: Float[np.ndarray, "N P 3"], true_mm: Float[np.ndarray, "N P 3"]) -> float:
    """Protocol #2 to the letter, mm: mean joint error after rotation and translation only."""
    return float(protocol2_errors(predicted_mm, true_mm, scale=False).mean())


def n_mpjpe(predicted_mm: Float[np.ndarray, "N 16 3"], true_mm: Float[np.ndarray, "N 16 3"]) -> float:
    """N-MPJPE, mm: Protocol #1 once each pose has its own best scale about the pelvis (Rhodin et al., CVPR 2018)."""
    predicted, true = root_relative(predicted_mm), root_relative(true_mm)
    power = (predicted**2).sum((1, 2))
    scale = (predicted * true).sum((1, 2)) / np.where(power > 0, power, 1.0)
    return float(joint_errors(scale[:, None, None] * predicted, true).mean())


def pck3d(errors_mm: Float[np.ndarray, "N P"], threshold_mm: float = 150.0) -> float:
    """Percent of joints with error < threshold (MPI-INF-3DHP: 150 mm, strict). Choose the joints by what you pass."""
    return float(100.0 * np.where(np.isnan(errors_mm), np.nan, errors_mm < threshold_mm).mean())


def auc(errors_mm: Float[np.ndarray, "N P"]) -> float:
    """Mean of pck3d over AUC_THRESHOLDS_MM, percent (MPI-INF-3DHP). Threshold 0 counts: perfection scores 96.77."""
    return float(np.mean([pck3d(errors_mm, t) for t in AUC_THRESHOLDS_MM]))


def limb_errors(errors_mm: Float[np.ndarray, "N 16"]) -> dict[str, float]:
    """Error of each limb group of Table 2, mm: the mean over both end joints of its limbs, left and right.

    The paper does not define it; this reading fits the order of its numbers (upper legs least, lower arms most).
    """
    ends = {name: [MPII16.index(joint) for limb in limbs for joint in limb] for name, limbs in LIMB_GROUPS.items()}
    return {name: float(errors_mm[:, joints].mean()) for name, joints in ends.items()}


def scale_poses(
    poses: Float[np.ndarray, "N 16 3"],
    rule: str,
    bone_sum_mm: float | None = None,
    true_mm: Float[np.ndarray, "N 16 3"] | None = None,
) -> Float[np.ndarray, "N 16 3"]:
    """Pelvis-relative poses of any unit brought to mm by a ScaleRule; its name belongs beside every number.

    legacy4296    every pose gets the bone sum LEGACY_BONE_SUM_MM (14 bones of Zhou et al.).
    train-mean    every pose gets `bone_sum_mm`, the mean over the training set, which the weights carry.
    ground-truth  each pose gets the bone sum of its own truth `true_mm`: flattering, knows the person's size.
    none          as it is: the poses must be in mm already.
    """
    if rule not in get_args(ScaleRule):
        raise InputError(f"a scale rule: {', '.join(get_args(ScaleRule))}", repr(rule), "name one of them")
    if rule == "none":
        return poses
    bones = MPII16.pairs(MPII16_LEGACY_BONES)
    if rule == "legacy4296":
        target = LEGACY_BONE_SUM_MM
    elif rule == "train-mean":
        if bone_sum_mm is None:
            raise InputError("the weights' bone_sum_mm for scale rule train-mean", "none", "choose another rule")
        target = bone_sum_mm
    else:
        if true_mm is None:
            raise InputError("true poses for scale rule ground-truth", "none", "choose another rule")
        target = bone_length_sum(true_mm, bones)
    own = bone_length_sum(poses, bones)
    return poses * (target / np.maximum(own, 1e-9))[:, None, None]
