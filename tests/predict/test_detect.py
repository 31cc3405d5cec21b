"""The detector's runtime half: from maps to boxes, from the picture to the network's square and back, damaged files."""

import hashlib
import json
import re

import numpy as np
import onnx
import pytest
from fake_detector import DotFinder
from fake_weights import draw_person
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from wildpose.errors import InputError
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.detect import FORMAT, Detector, as_ltrb, decode, overlaps


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


@given(st.integers(40, 700), st.integers(40, 700), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_boxes_come_back_to_where_they_are_in_a_picture_of_any_shape(width, height, u, v):
    """A white square on black: a network that marks what is white must give the square's own sides."""
    image = np.zeros((height, width, 3), np.uint8)
    side = max(width, height) // 8
    x, y = int(u * (width - side)), int(v * (height - side))
    x, y = max(x, 0), max(y, 0)
    image[y : y + side, x : x + side] = 255
    found = DotFinder().find(ImagePyramid(image))
    right, bottom = min(x + side, width), min(y + side, height)
    px = max(width, height) / 256  # one px of the network's square
    np.testing.assert_allclose(as_ltrb(found.boxes_xywh)[0], [x, y, right - 1, bottom - 1], atol=1.6 * px + 1)


def test_people_are_found_one_box_each():
    image = np.zeros((400, 900, 3), np.uint8)
    truths = [draw_person(image, box) for box in ((80, 60, 150, 280), (600, 90, 150, 280))]
    found = DotFinder().find(ImagePyramid(image))
    assert len(found.boxes_xywh) == 2 and (np.diff(found.scores) <= 0).all()
    for truth in truths:
        box = np.concatenate([truth.min(0), truth.max(0)])
        assert overlaps(box, as_ltrb(found.boxes_xywh)).max() > 0.7
    nobody = DotFinder().find(ImagePyramid(np.zeros((50, 70, 3), np.uint8)))
    assert nobody.boxes_xywh.shape == (0, 4) and nobody.scores.shape == (0,)


def write_detector(path, **changes):
    """An ONNX file with the detector's interface: brightness of each px of a 32 px square as its score."""
    metadata = {"format": FORMAT, "name": "t", "input_px": 32, "threshold": 0.5, "sha256": "0" * 64} | changes
    nodes = [
        helper.make_node("Cast", ["images_rgb"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["values", "last"], ["bright"], keepdims=0),
        helper.make_node("Div", ["bright", "white"], ["scores"]),
        helper.make_node("Unsqueeze", ["bright", "one"], ["single"]),
        helper.make_node("Expand", ["single", "four"], ["boxes_ltrb"]),
    ]
    constants = {"last": np.array([3]), "white": np.array(255, np.float32), "one": np.array([1])}
    constants["four"] = np.array([1, 4, 1, 1])
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("images_rgb", TensorProto.UINT8, ["N", 32, 32, 3])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 32, 32]),
            helper.make_tensor_value_info("boxes_ltrb", TensorProto.FLOAT, ["N", 4, 32, 32]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    entry = model.metadata_props.add()
    entry.key, entry.value = "wildpose", json.dumps({k: v for k, v in metadata.items() if v is not None})
    content = model.SerializeToString()
    if metadata["sha256"] == "0" * 64:
        content = content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)
    path.write_bytes(content)
    return path


def test_a_file_is_loaded_run_and_obeyed(tmp_path):
    detector = Detector.load(write_detector(tmp_path / "d.onnx", threshold=0.25))
    assert (detector.input_px, detector.threshold) == (32, 0.25)
    image = np.zeros((32, 32, 3), np.uint8)
    image[7, 9] = 102
    found = detector.find(ImagePyramid(image))
    np.testing.assert_allclose(found.scores, [0.4], atol=1e-6)
    assert len(detector.find(ImagePyramid(image), 0.5).scores) == 0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "can't be loaded"),
        (lambda path: path.write_bytes(b""), "can't be loaded"),
        (lambda path: write_detector(path, format="wildpose-weights/1"), "wildpose-weights/1"),
        (lambda path: write_detector(path, threshold=None), "threshold"),
        (lambda path: write_detector(path, threshold="high"), "high"),
        (lambda path: write_detector(path, sha256="12" * 32), "altered"),
    ],
)
def test_a_spoilt_file_is_refused_in_one_line(tmp_path, spoil, says):
    path = write_detector(tmp_path / "d.onnx")
    spoil(path)
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        Detector.load(path)
    assert "\n" not in str(caught.value)
