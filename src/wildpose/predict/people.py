"""Everyone in a picture: the detector's boxes to poses, and which poses show one and the same person."""

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.detect import Detector
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.types import Pose3D

SPARE = 3
"""Boxes looked into beyond as many people as are wanted: some turn out to be nobody's, or one person's."""
MIN_SURENESS = 0.08
"""Detector's score times fit score of the pose under which a box is nobody's; chosen on held-out photos and on views
without people (docs/detector.md)."""
MIN_CONFIDENCE = 0.15
"""Confidence under which a joint doesn't count for a person's extent."""
SAME_PLACE, SAME_BOX = 0.12, 0.6
"""Two joints closer than this share of the person's size count as one; two boxes that overlap more, as one person's."""


def find_people(
    model: OnnxModel | Mirrored, detector: Detector, pyramid: ImagePyramid, max_people: int
) -> list[Pose3D]:
    """At most max_people poses, those whom a picture is mostly about first: by sureness times size.

    Detector and pose network have to agree. Boxes are looked into as long as one can still be more prominent than
    those who were found: a pose fits by 1 at most. A second look at the box of a pose's own joints was tried and
    brought nothing (docs/detector.md). Raises InputError for less than one.
    """
    if max_people < 1:
        raise InputError("max_people of at least 1", str(max_people), "give a positive number")
    found = detector.find(pyramid)
    sizes = np.sqrt(found.boxes_xywh[:, 2:].prod(1))
    waiting = np.argsort(-found.scores * sizes, kind="stable")[: max_people + SPARE].tolist()
    seen: list[tuple[float, Pose3D]] = []
    people: list[tuple[float, Pose3D]] = []
    while waiting and not (len(people) == max_people and people[-1][0] >= found.scores[waiting[0]] * sizes[waiting[0]]):
        now, waiting = waiting[:max_people], waiting[max_people:]
        for i, pose in zip(now, poses_in_boxes(model, pyramid, found.boxes_xywh[now]), strict=True):
            sureness = found.scores[i] * fit_score(pose)
            if sureness >= MIN_SURENESS:
                seen.append((sureness * sizes[i], pose))
        seen.sort(key=lambda one: -one[0])
        people = drop_repeats(seen)[:max_people]
    return [pose for _, pose in people]


def box_around(pose: Pose3D, least: float = MIN_CONFIDENCE) -> Float[np.ndarray, " 4"]:
    """The box around a pose's joints; those of less confidence count only if hardly any other is left."""
    sure = pose.confidence >= min(least, np.sort(pose.confidence)[-8])
    low, high = pose.joints_px[sure].min(0), pose.joints_px[sure].max(0)
    return np.concatenate([low, np.maximum(high - low, 2.0)]).astype(np.float64)


def fit_score(pose: Pose3D) -> float:
    """Score of a pose times how well its own extent agrees with the window that it was seen through."""
    square = _as_square(pose.box_xywh)
    return pose.score * float(np.sqrt(overlap(square, _as_square(box_around(pose)))))


def _as_square(box_xywh: np.ndarray) -> np.ndarray:
    x, y, w, h = box_xywh
    side = max(w, h)
    return np.array([x + w / 2 - side / 2, y + h / 2 - side / 2, side, side])


def overlap(a_xywh: np.ndarray, b_xywh: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    low = np.maximum(a_xywh[:2], b_xywh[:2])
    high = np.minimum(a_xywh[:2] + a_xywh[2:], b_xywh[:2] + b_xywh[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / max(float(np.prod(a_xywh[2:]) + np.prod(b_xywh[2:])) - shared, 1e-9)


def is_repeat(pose: Pose3D, others: list[Pose3D]) -> bool:
    """Whether most joints of a pose lie on the same joints of others, or its box on another's: nobody new.

    Two poses of one person, but also one put together from the joints of two people side by side.
    """
    taken = np.zeros(len(pose.joints_px), bool)
    for other in others:
        box = box_around(other)
        if overlap(box_around(pose), box) > SAME_BOX:
            return True
        taken |= np.linalg.norm(pose.joints_px - other.joints_px, axis=1) < SAME_PLACE * box[2:].max()
    sure = pose.confidence
    return bool((sure * taken).sum() > 0.5 * sure.sum())


def drop_repeats(people: list[tuple[float, Pose3D]]) -> list[tuple[float, Pose3D]]:
    """Those, with their prominence, who show somebody new after the ones before them."""
    kept: list[tuple[float, Pose3D]] = []
    for prominence, pose in people:
        if not is_repeat(pose, [other for _, other in kept]):
            kept.append((prominence, pose))
    return kept
