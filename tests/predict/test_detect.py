"""The detector's runtime half: from maps to boxes, from the picture to the network's square and back, damaged files."""

import re

import numpy as np
import pytest
from fake_detector import write_fake_detector
from fake_weights import draw_person
from hypothesis import given
from hypothesis import strategies as st

from wildpose.errors import InputError
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.detect import Detector, as_ltrb, decode, overlaps


def blank(side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((side, side), np.float32), np.zeros((4, side, side), np.float32)


def test_overlap_by_hand():
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [2, 2, 4, 4]])
    # 50 of 150 shared; nothing; 4 of 100
    np.testing.assert_allclose(overlaps(np.array([0.0, 0, 10, 10]), others), [1, 1 / 3, 0, 0.04])
    np.testing.assert_array_equal(as_ltrb(np.array([[1.0, 2, 30, 40]])), [[1, 2, 31, 42]])


def test_peaks_come_surest_first_and_their_neighbours_not_at_all():
    scores, boxes = blank()
    scores[2, 3], scores[2, 4], scores[6, 6], scores[0, 7] = 0.6, 0.5, 0.9, 0.2
    boxes[:, 2, 3], boxes[:, 2, 4] = (10, 10, 20, 20), (40, 40, 60, 60)
    boxes[:, 6, 6], boxes[:, 0, 7] = (30, 30, 50, 60), (70, 0, 80, 10)
    found, sure = decode(scores, boxes, 0.3)
    np.testing.assert_array_equal(found, [[30, 30, 50, 60], [10, 10, 20, 20]])
    np.testing.assert_allclose(sure, [0.9, 0.6])
    assert len(decode(scores, boxes, 0.1)[0]) == 3
    assert decode(scores, boxes, 0.95)[0].shape == (0, 4)


def test_two_peaks_of_one_person_are_one_and_neighbours_stay_two():
    scores, boxes = blank()
    scores[1, 1], scores[1, 4], scores[5, 1] = 0.8, 0.7, 0.6
    boxes[:, 1, 1], boxes[:, 1, 4] = (0, 0, 40, 60), (2, 0, 42, 60)  # 38 of 42 shared
    boxes[:, 5, 1] = (25, 0, 65, 60)  # 15 of 65 shared
    found, _ = decode(scores, boxes, 0.3)
    np.testing.assert_array_equal(found, [[0, 0, 40, 60], [25, 0, 65, 60]])


@pytest.fixture(scope="module")
def detector(detector_path) -> Detector:
    return Detector.load(detector_path)


@given(st.integers(40, 700), st.integers(40, 700), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_boxes_come_back_to_where_they_are_in_a_picture_of_any_shape(detector, width, height, u, v):
    """A white square on black: a network that marks what is white must give the square's own sides."""
    image = np.zeros((height, width, 3), np.uint8)
    side = max(width, height) // 8
    x, y = max(int(u * (width - side)), 0), max(int(v * (height - side)), 0)
    image[y : y + side, x : x + side] = 255
    found = detector.find(ImagePyramid(image))
    right, bottom = min(x + side, width), min(y + side, height)
    px = max(width, height) / 256  # one px of the network's square
    np.testing.assert_allclose(as_ltrb(found.boxes_xywh)[0], [x, y, right - 1, bottom - 1], atol=1.6 * px + 1)


def test_people_are_found_one_box_each(detector):
    image = np.zeros((400, 900, 3), np.uint8)
    truths = [draw_person(image, box) for box in ((80, 60, 150, 280), (600, 90, 150, 280))]
    found = detector.find(ImagePyramid(image))
    assert len(found.boxes_xywh) == 2 and (np.diff(found.scores) <= 0).all()
    for truth in truths:
        box = np.concatenate([truth.min(0), truth.max(0)])
        assert overlaps(box, as_ltrb(found.boxes_xywh)).max() > 0.7
    nobody = detector.find(ImagePyramid(np.zeros((50, 70, 3), np.uint8)))
    assert nobody.boxes_xywh.shape == (0, 4) and nobody.scores.shape == (0,)


def test_a_file_says_from_which_score_on_a_box_counts(tmp_path):
    image = np.zeros((256, 256, 3), np.uint8)
    image[100:104, 100:104] = 255  # its middle, (101.5, 101.5), is 2 px from the nearest place, (99.5, 99.5)
    for threshold, count in ((0.25, 1), (0.97, 0)):
        detector = Detector.load(write_fake_detector(tmp_path / "d.onnx", threshold=threshold))
        assert (detector.input_px, detector.threshold) == (256, threshold)
        found = detector.find(ImagePyramid(image))
        assert len(found.scores) == count
    np.testing.assert_allclose(detector.find(ImagePyramid(image), 0.5).scores, [0.95 - 0.008 * 8], atol=1e-5)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "can't be loaded"),
        (lambda path: path.write_bytes(b""), "can't be loaded"),
        (lambda path: write_fake_detector(path, format="wildpose-weights/1"), "wildpose-weights/1"),
        (lambda path: write_fake_detector(path, threshold=None), "threshold"),
        (lambda path: write_fake_detector(path, threshold="high"), "high"),
        (lambda path: write_fake_detector(path, sha256="12" * 32), "altered"),
    ],
)
def test_a_spoilt_file_is_refused_in_one_line(tmp_path, spoil, says):
    path = write_fake_detector(tmp_path / "d.onnx")
    spoil(path)
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        Detector.load(path)
    assert "\n" not in str(caught.value)
