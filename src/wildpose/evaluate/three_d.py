"""Weights and a set with 3D labels in, the paper's tables out. Every number says what it counts and by which rule."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Float

from wildpose import metrics, tables
from wildpose.data.human36m import ACTIONS, load_human36m
from wildpose.data.mpi_inf_3dhp import ACTIVITIES, SCENES, load_mpi_inf_3dhp
from wildpose.data.sample import SampleSet
from wildpose.errors import InputError
from wildpose.evaluate.poses import Info, Model, Poses, Truth, in_cameras, predict_set, protocol_of
from wildpose.geometry import weak_perspective_scale as px_per_mm
from wildpose.report import Report, Table
from wildpose.tables import LSP_JOINTS, Grouping

KNOWN = "camera known"


def evaluate_human36m(
    model: Model, root: str | Path, scale_rule: str = "train-mean", flip: bool = False, stride: int = 64
) -> Report:
    """Protocols #1 and #2 on S9 and S11 of Human3.6M, all cameras, every `stride`-th of the 50 frames a second.

    Raises InputError if the set is not there, damaged, or doesn't hold those frames.
    """
    people = load_human36m(root, "test", stride)
    by = (Grouping("action", people.action, ACTIONS),)
    report = evaluate_3d(model, people, by, "Human3.6M test", scale_rule, flip, spine=True)
    subjects = ", ".join(sorted(set(people.subject.tolist())))
    return replace(report, protocol=report.protocol | {"subjects": subjects, "stride": stride})


def evaluate_mpi_inf_3dhp(model: Model, root: str | Path, scale_rule: str = "train-mean", flip: bool = False) -> Report:
    """PCK at 150 mm and AUC on the valid frames of MPI-INF-3DHP's test set, truth `univ_annot3`: the official way per
    activity, scene and joint group, and beside it the way of Zhou et al. (wildpose.metrics.mpi_inf_3dhp).

    Raises InputError for the rule `none` (the truth is of one size, nobody's own), and if the set is not there.
    """
    if scale_rule == "none":
        raise InputError("a scale rule that knows a size: train-mean, legacy4296, ground-truth", "none", "name one")
    people = load_mpi_inf_3dhp(root, "test")
    found, _, truth = predict_set(model, people, flip)
    seen = {"wildpose": found, KNOWN: in_cameras(found, truth.cameras)}
    in_mm = {row: _to_mm(poses, truth, scale_rule, model.info) for row, poses in seen.items()}
    true_mm, modes = truth.joints_cam_mm.astype(np.float64), get_args(metrics.Mode)
    errors = {
        (row, mode): metrics.mpi_inf_3dhp_errors(mm, true_mm, mode) for row, mm in in_mm.items() for mode in modes
    }
    basis = f"{len(people)} images, scale rule {scale_rule}"
    groups, numbers = {}, {}
    for (row, mode), values in errors.items():
        for metric, of_groups in metrics.mpi_inf_3dhp_scores(values).items():
            name, key = f"{metric} {mode}", f"{metric.lower()}_{mode}"
            groups[name if row == "wildpose" else f"{name}, {row}"] = tuple(of_groups.values())
            numbers[key if row == "wildpose" else f"{row}/{key}"] = of_groups["Total"]
            columns = tuple(of_groups)
    by_group = Table(f"MPI-INF-3DHP test: PCK at 150 mm and AUC, per joint group, percent, {basis}", columns, groups)
    protocol = protocol_of(model, "MPI-INF-3DHP test", len(people), flip) | {
        "scale_rule": scale_rule,
        "truth": "univ_annot3, valid frames only",
        "official": "pelvis aligned, nothing else; error < 150 mm; AUC over 0:5:150 (31 values); 14 joints",
        "zhou17": "hips and pelvis raised by a fifth, each pose given the bone sum of its own truth: flattering",
        KNOWN: "the same poses, turned and read by focal lengths and principal points fitted to the set's 2D and 3D",
    }
    name = "MPI-INF-3DHP test: PCK at 150 mm and AUC, official, pelvis aligned, 14 joints"
    by = (
        Grouping("activity", people.action, ACTIVITIES),
        Grouping("scene", people.scene, tuple(dict.fromkeys(SCENES.values()))),
    )
    official = {row: errors[row, "official"] for row in in_mm}
    reach = tuple(tables.reach(name, official, grouping, basis) for grouping in by)
    return Report(protocol, numbers, (*reach, by_group))


def evaluate_3d(
    model: Model,
    samples: SampleSet,
    by: Sequence[Grouping],
    name: str,
    scale_rule: str = "train-mean",
    flip: bool = False,
    spine: bool = False,
) -> Report:
    """Table 1 (both protocols, per group of the first grouping), Table 2 (limb groups) and Table 4 (PCK and AUC, per
    group of every grouping) of samples with 3D truth.

    The row `floor` is the same path fed with true heatmaps and true depth: what is left is the error of weak
    perspective, decoding and the scale rule, and none of the network's. The row `camera known`, of sets that tell
    their cameras, is what `wildpose predict` makes of the same poses where it is told the focal length.

    spine: the set labels the spine where MPII has the thorax; predictions get it halfway from pelvis to neck.
    """
    return report_3d(judge(model, samples, scale_rule, flip, spine), by, name)


@dataclass(frozen=True)
class Judged:
    """N people's poses beside their truth, and how far off they are; what every 3D table is made of."""

    protocol: dict[str, Any]
    """Of weights, crop and scale; the set's name is not in it yet."""
    found: Poses
    truth: Truth
    in_mm: dict[str, Float[np.ndarray, "N 16 3"]]
    """`wildpose`, `floor` and, where the cameras are known, KNOWN; sized by the scale rule."""
    true_mm: Float[np.ndarray, "N 16 3"]
    """Relative to the pelvis."""

    def errors(self, row: str = "wildpose") -> Float[np.ndarray, "N 16"]:
        """Protocol #1, mm."""
        return metrics.protocol1_errors(self.in_mm[row], self.true_mm)

    def aligned(self, row: str = "wildpose") -> Float[np.ndarray, "N 16"]:
        """Protocol #2, mm."""
        return metrics.protocol2_errors(self.in_mm[row], self.true_mm)


def judge(
    model: Model, samples: SampleSet, scale_rule: str = "train-mean", flip: bool = False, spine: bool = False
) -> Judged:
    """Run a model over samples with 3D truth; arguments as in evaluate_3d."""
    found, ideal, truth = predict_set(model, samples, flip)
    rows = {"wildpose": found, "floor": ideal}
    if truth.cameras is not None:
        rows = {"wildpose": found, KNOWN: in_cameras(found, truth.cameras), "floor": ideal}
    in_mm = {row: _to_mm(poses, truth, scale_rule, model.info) for row, poses in rows.items()}
    if spine:
        in_mm = {row: metrics.thorax_between(poses) for row, poses in in_mm.items()}
    protocol = protocol_of(model, "", len(samples), flip) | {
        "scale_rule": scale_rule,
        "bone_sum_mm": {"train-mean": model.info.bone_sum_mm, "legacy4296": metrics.LEGACY_BONE_SUM_MM}.get(scale_rule),
        "metric": "mm, 16 joints; Protocol #1: MPJPE, pelvis aligned; Protocol #2: after a similarity, no reflection",
        "thorax": "halfway from pelvis to upper neck, as Zhou et al. (ICCV 2017)" if spine else "as predicted",
        "pck": "error < 150 mm, pelvis aligned; AUC over 0:5:150 (31 values); 14 joints, no pelvis, no thorax",
        "floor": "true heatmaps and true depth through the same path",
        KNOWN: "the same poses, turned and read by the set's own focal length and principal point",
        "average": "Avg., Total and all single numbers are over images, not over groups",
    }
    return Judged(protocol, found, truth, in_mm, metrics.root_relative(truth.joints_cam_mm.astype(np.float64)))


def report_3d(judged: Judged, by: Sequence[Grouping], name: str, further: Sequence[Table] = ()) -> Report:
    """The tables of evaluate_3d, then `further` ones."""
    numbers = _numbers(judged.in_mm["wildpose"], judged.true_mm)
    for row in [row for row in judged.in_mm if row != "wildpose"]:
        numbers |= {f"{row}/{key}": value for key, value in _numbers(judged.in_mm[row], judged.true_mm).items()}
    pck_2d = metrics.pck_torso(judged.found.joints_px, judged.truth.joints_px, judged.truth.mask)
    numbers["pck_torso_0.2_16_joints"] = float(np.nanmean(pck_2d))
    return Report(judged.protocol | {"set": name}, numbers, (*_tables_3d(judged, by, name), *further))


def _to_mm(poses: Poses, truth: Truth, rule: str, info: Info) -> np.ndarray:
    """Poses in mm. Without a bone rule (`none`) the image's true weak-perspective scale turns crop units into mm."""
    cam = truth.joints_cam_mm.astype(np.float64)
    if rule == "none":
        mm_per_unit = poses.half_sides_px / px_per_mm(cam, truth.joints_px.astype(np.float64))
        return poses.poses * mm_per_unit[:, None, None]
    return metrics.scale_poses(poses.poses.astype(np.float64), rule, info.bone_sum_mm, cam)


def _numbers(found_mm: np.ndarray, true_mm: np.ndarray) -> dict[str, float]:
    errors = metrics.protocol1_errors(found_mm, true_mm)
    return {
        "mpjpe_p1_mm": metrics.mpjpe(found_mm, true_mm),
        "pa_mpjpe_p2_mm": metrics.pa_mpjpe(found_mm, true_mm),
        "pa_mpjpe_rigid_mm": metrics.pa_mpjpe_rigid(found_mm, true_mm),
        "n_mpjpe_mm": metrics.n_mpjpe(found_mm, true_mm),
        "pck3d_150": metrics.pck3d(errors[:, LSP_JOINTS]),
        "auc": metrics.auc(errors[:, LSP_JOINTS]),
    }


def _tables_3d(judged: Judged, by: Sequence[Grouping], name: str) -> Iterator[Table]:
    basis = f"{len(judged.true_mm)} images, scale rule {judged.protocol['scale_rule']}"
    errors = {row: judged.errors(row) for row in judged.in_mm}
    aligned = {row: judged.aligned(row) for row in judged.in_mm}
    yield tables.per_group(f"{name}: Protocol #1, MPJPE", errors, by[0], basis)
    yield tables.per_group(f"{name}: Protocol #2, PA-MPJPE", aligned, by[0], basis)
    yield tables.limbs(f"{name}: Protocol #1, MPJPE", errors, basis)
    for grouping in by:
        yield tables.reach(f"{name}: PCK at 150 mm and AUC, pelvis aligned, 14 joints", errors, grouping, basis)
