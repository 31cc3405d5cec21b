"""A detector's figures, and what it costs the poses that start from its boxes in place of given ones."""

from pathlib import Path
from typing import Any

import numpy as np

from wildpose import metrics
from wildpose.data.lsp import load_lsp
from wildpose.detector.data import PeopleData, gather
from wildpose.detector.validate import Outcome, crowded, empty, judge, photos
from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.detect import Detections, Detector, overlaps
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.people import MIN_SURENESS
from wildpose.report import Report, Table
from wildpose.tables import LSP_JOINTS
from wildpose.types import Pose3D

LEAST_SCORE = 0.05
"""Of the boxes that are looked at for the table over thresholds."""
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
MOST = 8
"""People looked for in a photo."""
COLUMNS = ("pictures", "recall", "boxes in 100", "median IoU of hits")


def finding(detector: Detector):
    """The detector as a function from a picture to everything down to LEAST_SCORE."""

    def find(image_rgb: np.ndarray) -> Detections:
        return detector.find(ImagePyramid(image_rgb), LEAST_SCORE)

    return find


def evaluate_detector(detector: Detector, data: PeopleData) -> Report:
    """Recall, boxes in 100 pictures and false alarms on what training held out, by threshold."""
    find = finding(detector)
    outcomes = {f"{name}, held out": judge(find, photos(samples)) for name, samples in data.photos_val}
    if data.rendered_val is not None:
        outcomes["scenes of rendered people"] = judge(find, crowded(data))
    nobody = judge(find, empty(data.views_val))
    rows = {name: _row(outcome, detector.threshold) for name, outcome in outcomes.items()}
    tables = [Table(f"People at score {detector.threshold:g}, recall in percent at IoU 0.5", COLUMNS, rows)]
    for name, outcome in [*outcomes.items(), ("views without people", nobody)]:
        tables.append(_by_threshold(name, outcome))
    figures = {f"{name}/{what}": value for name, row in rows.items() for what, value in zip(COLUMNS, row, strict=True)}
    figures["false alarms a view"] = nobody.per_picture(detector.threshold)
    return Report(_protocol(detector, "held-out part of the training sets"), figures, tuple(tables))


def evaluate_on_photos(estimator: PoseEstimator, lsp_root: Path, split: str, panoramas: Path | None = None) -> Report:
    """LSP: recall of the annotated person, and PCK@0.2 of the torso from given and from automatic boxes.

    Everybody whom `PoseEstimator.predict` finds counts for recall and boxes a photo. Automatic: the first of them; a
    photo in which it finds nobody counts as wrong in every joint. Nearest: the one whose box overlaps the annotated
    box most. False alarms: in views into the panoramas that training didn't see.
    """
    samples, detector = load_lsp(lsp_root, split), estimator.detector
    everyone: list[list[Pose3D]] = []

    def find(image_rgb: np.ndarray) -> Detections:
        everyone.append(estimator.predict(image_rgb, max_people=MOST))
        boxes = np.array([pose.box_xywh for pose in everyone[-1]], np.float64).reshape(-1, 4)
        return Detections(boxes, np.ones(len(boxes)))

    outcome = judge(find, photos(samples))
    nobody = judge(find, empty(gather(lsp_root, None, None, panoramas).views_val))
    found = {"given": [], "automatic": [], "nearest of all found": []}
    truth, mask = [], []
    for i in range(len(samples)):
        sample = samples.load(i)
        found["given"] += poses_in_boxes(estimator.model, ImagePyramid(sample.image_rgb), sample.box_xywh[None])
        found["automatic"] += everyone[i][:1] or [None]
        found["nearest of all found"].append(_nearest(everyone[i], sample.box_xywh))
        truth.append(sample.joints_px)
        mask.append(sample.mask & LSP_JOINTS)
    truth, mask = np.array(truth), np.array(mask)
    nowhere = np.full_like(truth[0], -1e6)
    rows = {}
    for name, poses in found.items():
        joints = np.array([nowhere if pose is None else pose.joints_px for pose in poses])
        rows[name] = tuple(metrics.joint_columns(metrics.pck_torso(joints, truth, mask)).values())
    columns = tuple(metrics.joint_columns(metrics.pck_torso(truth, truth, mask)))
    tables = (
        Table(f"LSP {split}: people found, recall in percent at IoU 0.5", COLUMNS,
              {f"LSP {split}": _row(outcome, 0.0), "views without people": _row(nobody, 0.0)}),
        Table(f"LSP {split}: PCK@0.2 of the torso, percent, {len(samples)} people, by boxes", columns, rows),
    )  # fmt: skip
    figures = {f"pck_torso_0.2/{name}": row[columns.index("Mean")] for name, row in rows.items()}
    figures |= {"recall": outcome.recall(0.0), "boxes": outcome.per_picture(0.0)}
    figures["false alarms a view"] = nobody.per_picture(0.0)
    info = estimator.model.info
    protocol = {**_protocol(detector, f"LSP {split}"), "min_sureness": MIN_SURENESS, "weights": info.name}
    return Report({**protocol, "weights_sha256": info.sha256}, figures, tables)


def _nearest(poses: list[Pose3D], box_xywh: np.ndarray):
    """The pose whose joints' box overlaps a box most; None of none."""
    box = np.concatenate([box_xywh[:2], box_xywh[:2] + box_xywh[2:]]).astype(np.float64)
    around = [np.concatenate([p.joints_px.min(0), p.joints_px.max(0)]).astype(np.float64) for p in poses]
    return poses[int(overlaps(box, np.array(around)).argmax())] if poses else None


def _row(outcome: Outcome, threshold: float) -> tuple[float | int, ...]:
    overlap = outcome.overlap[outcome.hits & (outcome.scores >= threshold)]
    median = float(np.median(overlap)) if len(overlap) else float("nan")
    return outcome.pictures, 100 * outcome.recall(threshold), 100 * outcome.per_picture(threshold), 100 * median


def _by_threshold(name: str, outcome: Outcome) -> Table:
    rows = {
        "recall": tuple(100 * outcome.recall(t) for t in THRESHOLDS),
        "precision": tuple(100 * outcome.precision(t) for t in THRESHOLDS),
        "boxes in 100 pictures": tuple(100 * outcome.per_picture(t) for t in THRESHOLDS),
    }
    if not outcome.people:
        rows = {"boxes in 100 pictures": rows["boxes in 100 pictures"]}
    title = f"{name}, by threshold; {outcome.pictures} pictures, {outcome.people} people labelled"
    return Table(title, tuple(f"{t:g}" for t in THRESHOLDS), rows)


def _protocol(detector: Detector, name: str) -> dict[str, Any]:
    return {
        "set": name,
        "detector": detector.metadata["name"],
        "sha256": detector.metadata["sha256"],
        "input_px": detector.input_px,
        "threshold": detector.threshold,
        "box": "around the labelled joints",
    }
