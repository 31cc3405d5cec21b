"""Boxes are looked into one after the other, and the people found are those that looking into all would find."""

import numpy as np
import pytest

from wildpose.predict import people
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.detect import Detections, Detector
from wildpose.predict.onnx_model import OnnxModel
from wildpose.types import Pose3D

NETWORK = object.__new__(OnnxModel)
BLANK = ImagePyramid(np.zeros((400, 400, 3), np.uint8))


class Found(Detector):
    """A detector that says the same of every picture."""

    def __init__(self, boxes, scores):
        order = np.argsort(-np.array(scores))
        self.detections = Detections(np.array(boxes, np.float64)[order], np.array(scores, np.float64)[order])

    def find(self, pyramid, threshold=None):
        return self.detections


def pose_in(box, confidence):
    """Sixteen joints on a grid that fills the box, all as sure."""
    x, y, w, h = box
    at = np.stack(np.meshgrid(np.linspace(x, x + w, 4), np.linspace(y, y + h, 4)), -1).reshape(16, 2)
    sure = np.full(16, confidence, np.float32)
    return Pose3D(at.astype(np.float32), np.zeros((16, 3), np.float32), sure, np.float32(box), float(confidence))


@pytest.fixture
def looked_into(monkeypatch):
    """Boxes that the pose network was asked about; its confidence is that of the table."""
    asked, confidence_at = [], {}

    def poses_in_boxes(_model, _pyramid, boxes):
        asked.extend(map(tuple, boxes))
        return [pose_in(box, confidence_at[tuple(box)]) for box in boxes]

    monkeypatch.setattr(people, "poses_in_boxes", poses_in_boxes)
    return asked, confidence_at


def all_looked_into(boxes, scores, confidence_at, most):
    """The rule without a shortcut, for boxes that are squares: sureness is score times confidence."""
    prominence = [score * np.sqrt(box[2] * box[3]) for box, score in zip(boxes, scores, strict=True)]
    first = sorted(range(len(boxes)), key=lambda i: -prominence[i])[: most + people.SPARE]
    sure = [i for i in first if scores[i] * confidence_at[boxes[i]] >= people.MIN_SURENESS]
    kept = []
    for i in sorted(sure, key=lambda i: -prominence[i] * confidence_at[boxes[i]]):
        pose = pose_in(boxes[i], confidence_at[boxes[i]])
        if not people.is_repeat(pose, [pose_in(boxes[j], confidence_at[boxes[j]]) for j in kept]):
            kept.append(i)
    return [boxes[i] for i in kept[:most]]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_same_people_are_found_as_by_looking_into_all_boxes(looked_into, most):
    asked, confidence_at = looked_into
    rng, spared = np.random.default_rng(most), 0
    for _ in range(200):
        sides = rng.uniform(20, 150, 7).round(3)
        corners = rng.uniform(0, 250, (7, 2)).round(3)
        boxes = [(x, y, side, side) for (x, y), side in zip(corners.tolist(), sides.tolist(), strict=True)]
        scores = rng.uniform(0.15, 0.95, 7).round(3).tolist()
        confidence_at |= dict(zip(boxes, np.float32(rng.uniform(0.05, 1.0, 7)).tolist(), strict=True))
        asked.clear()
        found = people.find_people(NETWORK, Found(boxes, scores), BLANK, most)
        expected = all_looked_into(boxes, scores, confidence_at, most)
        np.testing.assert_allclose([pose.box_xywh for pose in found], np.float32(expected).reshape(-1, 4))
        assert len(asked) == len(set(asked)) <= most + people.SPARE
        spared += most + people.SPARE - len(asked)
    assert spared > 30


def test_one_clear_person_takes_one_look(looked_into):
    asked, confidence_at = looked_into
    boxes, scores = [(0.0, 0.0, 200.0, 200.0), (220.0, 0.0, 50.0, 50.0), (220.0, 220.0, 60.0, 60.0)], [0.9, 0.5, 0.2]
    confidence_at |= dict.fromkeys(boxes, 0.6)
    assert len(people.find_people(NETWORK, Found(boxes, scores), BLANK, 1)) == 1
    assert asked == [boxes[0]]
