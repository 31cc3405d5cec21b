"""Find people without a detector: the pose network looks at windows of many sizes and says where it sees joints.

Slow (a hundred crops for a large photo) but with nothing besides the network. A window that holds no whole person gives
low heatmaps; one that does gives a pose, the pose gives a better window, and so on until it fits.
"""

import numpy as np
from jaxtyping import Float

from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.onnx_model import OnnxModel
from wildpose.types import Pose3D

LARGEST, SMALLEST = 1.25, 0.33
"""Sides of the largest windows, in the image's longer side, and of the smallest, in its shorter side."""
SMALLEST_PX = 64
"""No window is smaller than this: there is nothing to see in it."""
SHRINK = 0.62
"""From one size of windows to the next. A person seen at 0.62 to 1 of the best size is still recognised."""
STEP = 0.5
"""Most distance of neighbouring windows, in window sides."""
CANDIDATES = 8
"""Best windows that are looked at again."""
REFINEMENTS = 2
"""How often a candidate's window is laid anew around its pose."""
MIN_SCORE = 0.3
"""Fit score under which a pose is no person: with the shipped weights it leaves 36 of 40 held-out LSP photos their
person, and 7 of 26 panoramas without people a false one (0.2: 38 and 13)."""
MIN_CONFIDENCE = 0.15
"""Confidence under which a joint doesn't count for a person's extent."""

SAME_PLACE, SAME_BOX = 0.12, 0.6
"""Two joints closer than this share of the person's size count as one; two boxes that overlap more, as one person's."""


def windows(size_hw: tuple[int, int], crop_scale: float) -> Float[np.ndarray, "N 4"]:
    """Square windows over an image, as the boxes (x, y, w, h) whose crops they are; the largest holds all of it."""
    height, width = size_hw
    short, long = min(size_hw), max(size_hw)
    limit = max(SMALLEST * short, SMALLEST_PX)
    sides = [LARGEST * long, float(long), *(short * SHRINK**k for k in range(8) if short * SHRINK**k >= limit)]
    boxes = []
    for side in dict.fromkeys(sides):
        for y in _centers(height, side):
            for x in _centers(width, side):
                box = side / crop_scale
                boxes.append((x - box / 2, y - box / 2, box, box))
    return np.array(boxes)


def _centers(length: int, side: float) -> Float[np.ndarray, " N"]:
    """Middles of windows that cover [0, length], ends included."""
    if side >= length:
        return np.array([length / 2])
    return np.linspace(side / 2, length - side / 2, 1 + int(np.ceil((length - side) / (STEP * side))))


def find_people(model: OnnxModel, pyramid: ImagePyramid, max_people: int) -> list[Pose3D]:
    """At most max_people poses, surest first."""
    seen = poses_in_boxes(model, pyramid, windows(pyramid.size_hw, model.info.crop_scale))
    candidates = drop_repeats(sorted(seen, key=fit_score, reverse=True))[:CANDIDATES]
    for _ in range(REFINEMENTS):
        boxes = np.array([box_around(pose) for pose in candidates]).reshape(-1, 4)
        candidates = drop_repeats(sorted(poses_in_boxes(model, pyramid, boxes), key=fit_score, reverse=True))
    return [pose for pose in candidates if fit_score(pose) >= MIN_SCORE][:max_people]


def box_around(pose: Pose3D) -> Float[np.ndarray, " 4"]:
    """The box around a pose's joints; unsure joints count only if hardly any other is left."""
    sure = pose.confidence >= min(MIN_CONFIDENCE, np.sort(pose.confidence)[-8])
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


def drop_repeats(poses: list[Pose3D]) -> list[Pose3D]:
    """The poses without those that show nobody new after the ones before them."""
    kept: list[Pose3D] = []
    for pose in poses:
        if not is_repeat(pose, kept):
            kept.append(pose)
    return kept
