"""The tables of sets with 2D labels: PCK and PCP on LSP, PCKh on MPII."""

from pathlib import Path

import numpy as np

from wildpose import metrics, tables
from wildpose.data.sample import SampleSet
from wildpose.evaluate.poses import Model, predict_set, protocol_of
from wildpose.report import Report, Table
from wildpose.skeleton import MPII16
from wildpose.tables import LSP_JOINTS


def evaluate_lsp(model: Model, lsp_root: str | Path, split: str = "test", flip: bool = False) -> Report:
    """PCK@0.2 of the torso on Leeds Sports Poses, person-centric; crops around the annotated joints.

    Raises InputError if the data set is not there or incomplete.
    """
    from wildpose.data.lsp import load_lsp

    return evaluate_2d(model, load_lsp(lsp_root, split), f"LSP {split}", flip)


def evaluate_mpii(model: Model, root: str | Path, truth: str | Path | None = None, flip: bool = False) -> Report:
    """PCKh@0.5 on Tompson's 2,958 validation people of MPII, as Table 3 prints it; crops around the annotated squares.

    truth: `detections_our_format.mat` or HRNet's `gt_valid.mat`, which hold the head boxes; by default the first of
    them in `root` or `root/annot`, or else the official release, where the annotations are read from that. Raises
    InputError if the set, its images or the head boxes are not there.
    """
    from wildpose.data.mpii import load_mpii_validation

    people, validation, source = load_mpii_validation(root, truth)
    found, _, _ = predict_set(model, people, flip)
    predicted = found.joints_px.astype(np.float64)
    row = metrics.pckh_row(predicted, validation.joints_px, validation.mask, validation.head_boxes_px)
    protocol = protocol_of(model, "MPII val", len(people), flip) | {
        "metric": "PCKh@0.5, percent, error < half of 0.6 x the head box's diagonal",
        "joints": "14: no pelvis, no thorax; a joint counts over the people who have it labelled",
        "mean": "unweighted over the joints",
        "truth": source,
    }
    table = Table(f"MPII val: PCKh@0.5, percent, {len(people)} people", tuple(row), {"PCKh@0.5": tuple(row.values())})
    return Report(protocol, {"pckh_0.5": row["Mean"]}, (table,))


def evaluate_2d(model: Model, samples: SampleSet, name: str, flip: bool = False) -> Report:
    """PCK@0.2 of the torso over the 14 joints of LSP, and strict PCP of its ten parts, whatever set of photos it is;
    and of the 3D poses, which have no truth, whether they could be a person's."""
    found, _, truth = predict_set(model, samples, flip)
    mask = truth.mask & LSP_JOINTS
    per_joint = metrics.pck_torso(found.joints_px, truth.joints_px, mask)
    row = metrics.joint_columns(per_joint)
    protocol = protocol_of(model, name, len(samples), flip) | {
        "metric": "PCK@0.2 of the torso (left shoulder to right hip), percent, <=; person-centric annotations",
        "joints": f"{int(mask.any(0).sum())} of LSP, {int(mask.sum())} labelled",
        "mean": "unweighted over the joints",
        "plausibility": "of the 3D poses, without truth: left against right limb lengths; which way knees, elbows bend",
        "pcp": "both ends of a part within half its length, <=; ten parts, mean over all of them",
    }
    table = Table(f"{name}: PCK@0.2, percent, {len(samples)} people", tuple(row), {"PCK@0.2": tuple(row.values())})
    parts = metrics.pcp(found.joints_px, truth.joints_px, mask)
    sticks = Table(f"{name}: strict PCP, percent, {len(samples)} people", tuple(parts), {"PCP": tuple(parts.values())})
    numbers = {"pck_torso_0.2": row["Mean"], "pcp_strict_0.5": parts["Mean"]}
    numbers |= {f"pck_torso_0.2/{j}": float(v) for j, v in zip(MPII16.joints, per_joint, strict=True) if np.isfinite(v)}
    plausible = tables.plausibility(name, {"wildpose": found.poses.astype(np.float64)}, f"{len(samples)} people")
    *_, asymmetry, knees, elbows = plausible.rows["wildpose"]
    numbers |= {"limb_asymmetry_percent": asymmetry, "hinges_wrong_percent": (knees + elbows) / 2}
    return Report(protocol, numbers, (table, sticks, plausible))
