"""Before and after on what was held out: 2D errors, plausibility of the 3D, and 3D errors on held-out studio people.

As `wildpose predict` answers, averaged with the mirrored crops. Without labels there are no 2D errors, and nobody says
whether it got better. Nothing is chosen by these figures, so they may be believed; how far, the interval says, over
photos drawn again.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from wildpose import metrics
from wildpose.adapt.photos import Whole
from wildpose.data.kinds import Rendered
from wildpose.evaluate import Model, Poses, Truth, evaluate_3d, groupings, predict_set
from wildpose.predict.mirrored import InMirror
from wildpose.report import Report, Table

DRAWS = 2000
"""Sets of photos drawn with replacement (bootstrap), for the interval."""
PCK_SHARE = 0.2
Verdict = Literal["better", "no clear difference", "worse"]
NOT_JUDGED = "not judged: nothing is labelled"
FIGURES = {
    "pck_torso_0.2": "PCK@0.2 of the torso, %",
    "error_percent_of_torso": "mean error, % of the torso",
    "mirror_percent_of_box": "a photo and its mirror image differ by, % of the box",
    "limb_asymmetry_percent": "left/right limb length differs by, %",
    "knees_wrong_percent": "knees bent the wrong way, %",
    "elbows_wrong_percent": "elbows bent the wrong way, %",
    "studio_p1_mm": "studio, held-out person: P1, mm",
    "studio_p2_mm": "studio, held-out person: P2, mm",
}
"""Each figure and its row in the table, the first two only with labels; of all but the first, less is better."""


@dataclass(frozen=True)
class Answers:
    """What a model says of the held-out people."""

    poses: Poses
    truth: Truth
    mirror: Float[np.ndarray, " N"]
    """How far the network alone is from its own answer to the mirrored crop, mean over the joints, % of the box's
    longer side."""
    studio: dict[str, float]
    """P1 and P2 on held-out studio people; empty where there are none."""


def ask(model: Model, photos: Whole, studio_val: Rendered | None) -> Answers:
    """Predict everything held out, in its boxes."""
    found, _, truth = predict_set(model, photos, flip=True)
    alone, back = (predict_set(each, photos)[0].joints_px for each in (model, InMirror(model)))
    mirror = 100.0 * np.linalg.norm(alone - back, axis=-1).mean(1) / photos.people.boxes_xywh[:, 2:].max(1)
    studio = {}
    if studio_val is not None:
        by = groupings(studio_val.studio, studio_val.rows)
        told = evaluate_3d(model, studio_val, by, "studio, held-out subject", flip=True).metrics
        studio = {"studio_p1_mm": told["mpjpe_p1_mm"], "studio_p2_mm": told["pa_mpjpe_p2_mm"]}
    return Answers(found, truth, mirror, studio)


def compare(before: Answers, after: Answers, photos: Whole, about: dict[str, str | int]) -> Report:
    """The figures of both, side by side; `about` is added to the protocol, the verdict to what it says."""
    figures = [figures_of(before), figures_of(after)]
    names = [name for name in FIGURES if name in figures[0]]
    rows = {FIGURES[name]: (*(f[name] for f in figures), figures[1][name] - figures[0][name]) for name in names}
    counted = counted_joints(before.truth)
    protocol = about | {
        "held_out": f"{len(set(photos.people.images.tolist()))} photos, {len(photos)} people, boxes of the "
        + ("labels" if counted.any() else "detector"),
        "metric_3d": "photos have no 3D truth: whether limbs are alike and hinges bend as they can; "
        "studio: scale rule train-mean",
    }
    both = dict(zip(("before", "after"), figures, strict=True))
    numbers = {f"{when}/{name}": values[name] for when, values in both.items() for name in names}
    summary = Table("held-out photos, and studio", ("before", "after", "change"), rows)
    if not counted.any():
        return Report(protocol | {"verdict": NOT_JUDGED}, numbers, (summary,))
    change = figures[1]["pck_torso_0.2"] - figures[0]["pck_torso_0.2"]
    low, high = interval(before, after, photos.people.images)
    protocol |= {
        "metric_2d": f"{int(counted.sum())} labelled joints of {int(counted.any(1).sum())} people with a torso "
        "(left shoulder to right hip, whose length is the unit)",
        "change_of_pck": f"{change:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f} (photos drawn again)",
        "verdict": verdict(low, high),
    }
    joints = [metrics.joint_columns(pck_of_joints(answers)) for answers in (before, after)]
    per_joint = {name: tuple(row.values()) for name, row in zip(("before", "after"), joints, strict=True)}
    of_joints = Table("held-out photos: PCK@0.2 of the torso per joint, percent", tuple(joints[0]), per_joint)
    return Report(protocol, numbers | {"change/pck_low": low, "change/pck_high": high}, (summary, of_joints))


def figures_of(answers: Answers) -> dict[str, float]:
    """FIGURES of one model: those in 2D only where there are labels, those of the studio only where it was asked."""
    counted, poses = counted_joints(answers.truth), answers.poses.poses.astype(np.float64)
    hinges = 100.0 * metrics.hinge_violations(poses).mean(0)
    in_2d = {}
    if counted.any():
        in_2d["pck_torso_0.2"] = float(np.nanmean(pck_of_joints(answers)))
        in_2d["error_percent_of_torso"] = float(100.0 * relative_errors(answers)[counted].mean())
    return {
        **in_2d,
        "mirror_percent_of_box": float(answers.mirror.mean()),
        "limb_asymmetry_percent": float(np.nanmean(metrics.limb_asymmetry(poses))),
        "knees_wrong_percent": float(hinges[:2].mean()),
        "elbows_wrong_percent": float(hinges[2:].mean()),
        **answers.studio,
    }


def pck_of_joints(answers: Answers) -> Float[np.ndarray, " 16"]:
    truth = answers.truth
    return metrics.pck_torso(answers.poses.joints_px, truth.joints_px, counted_joints(truth), PCK_SHARE)


def counted_joints(truth: Truth) -> Bool[np.ndarray, "N 16"]:
    """The labelled joints of people whose torso has a length."""
    return truth.mask & (metrics.torso_diameter(truth.joints_px) > 0)[:, None]


def relative_errors(answers: Answers) -> Float[np.ndarray, "N 16"]:
    """Distance to the label in torso diameters; NaN where that isn't known."""
    truth = answers.truth
    off = np.linalg.norm(answers.poses.joints_px - truth.joints_px, axis=-1)
    torso = metrics.torso_diameter(truth.joints_px)[:, None]
    return np.divide(off, torso, where=torso > 0, out=np.full(off.shape, np.nan))


def interval(before: Answers, after: Answers, images: np.ndarray) -> tuple[float, float]:
    """95 % of the change of PCK if the held-out photos are drawn again: photos, for people in one are alike."""
    counted = counted_joints(before.truth)
    names, place = np.unique(images, return_inverse=True)
    draws = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)

    def of_photos(values: Bool[np.ndarray, "N 16"]) -> Float[np.ndarray, "M 16"]:
        total = np.zeros((len(names), values.shape[1]))
        np.add.at(total, place, values)
        return draws @ total

    seen = of_photos(counted)
    known = np.where(seen > 0, seen, np.nan)
    with np.errstate(invalid="ignore"):
        hits = [counted & (relative_errors(answers) <= PCK_SHARE) for answers in (before, after)]
    change = of_photos(hits[1]) - of_photos(hits[0])
    with_any = np.isfinite(known).any(1)
    low, high = np.percentile(np.nanmean((100.0 * change / known)[with_any], 1), [2.5, 97.5])
    return float(low), float(high)


def verdict(low: float, high: float) -> Verdict:
    """By the interval of the change."""
    return "better" if low > 0 else "worse" if high < 0 else "no clear difference"
