"""A detector of known truth for the people of `fake_weights`: dots near one another on black are a person."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT_PX, STRIDE, CELL = 256, 8, 4
REACH_CELLS = 7
"""Dots up to about this many cells apart are one person's."""
SPREADS = 64
"""How far one end of a person may be from the other, in cells."""


def write_fake_detector(path: Path, **changes) -> Path:
    """An ONNX file that keeps the contract; `changes` replace or (None) remove metadata entries."""
    metadata = {
        "format": "wildpose-detector/1",
        "name": "dots",
        "input_px": INPUT_PX,
        "threshold": 0.5,
        "sha256": "0" * 64,
    } | changes
    metadata = {name: value for name, value in metadata.items() if value is not None}
    model = _graph()
    entry = model.metadata_props.add()
    entry.key, entry.value = "wildpose", json.dumps(metadata)
    content = model.SerializeToString()
    if metadata.get("sha256") == "0" * 64:
        content = content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1)
    path.write_bytes(content)
    return path


def _graph() -> onnx.ModelProto:
    """What is lit spreads its four extents (large towards each side) through all that is near, cell by cell; then each
    place knows the box of its person, and scores by how near it is to that box's middle."""
    y, x = np.mgrid[:INPUT_PX, :INPUT_PX].astype(np.float32)
    side = INPUT_PX // STRIDE
    place = (np.mgrid[:side, :side][::-1].astype(np.float32) + 0.5) * STRIDE - 0.5
    constants = {
        "last": np.array([3]),
        "dark": np.array(60, np.float32),
        "extents": np.stack([INPUT_PX - x, INPUT_PX - y, x + 1, y + 1])[None],
        "start": np.array([INPUT_PX, INPUT_PX, -1, -1], np.float32).reshape(1, 4, 1, 1),
        "sign": np.array([-1, -1, 1, 1], np.float32).reshape(1, 4, 1, 1),
        "twos": np.array([2, 2]),
        "half": np.array(0.5, np.float32),
        "place": place[None],
        "one": np.array([1]),
        "steep": np.array(0.008, np.float32),
        "top": np.array(0.95, np.float32),
    }
    nodes = []

    def then(op: str, inputs: list[str], output: str | list[str], **attributes) -> None:
        outputs = [output] if isinstance(output, str) else output
        nodes.append(helper.make_node(op, inputs, outputs, **attributes))

    def pool(value: str, output: str, kernel: int, stride: int = 1) -> None:
        pads = [0 if stride > 1 else kernel // 2] * 4
        then("MaxPool", [value], output, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)

    then("Cast", ["images_rgb"], "values", to=TensorProto.FLOAT)
    then("ReduceMax", ["values", "last"], "bright", keepdims=0)
    then("Unsqueeze", ["bright", "one"], "plane")
    then("Greater", ["plane", "dark"], "is_lit")
    then("Cast", ["is_lit"], "lit", to=TensorProto.FLOAT)
    pool("lit", "cells", CELL, CELL)
    pool("cells", "near", REACH_CELLS)
    then("Mul", ["extents", "lit"], "own")
    pool("own", "spread_0", CELL, CELL)
    for k in range(SPREADS):
        pool(f"spread_{k}", f"wide_{k}", 3)
        then("Mul", [f"wide_{k}", "near"], f"spread_{k + 1}")
    pool(f"spread_{SPREADS}", "known", STRIDE // CELL, STRIDE // CELL)
    pool("near", "there", STRIDE // CELL, STRIDE // CELL)
    then("Mul", ["known", "sign"], "signed")
    then("Add", ["signed", "start"], "boxes_ltrb")
    then("Split", ["boxes_ltrb", "twos"], ["low", "high"], axis=1)
    then("Add", ["low", "high"], "sum")
    then("Mul", ["sum", "half"], "middle")
    then("Sub", ["place", "middle"], "off")
    then("Mul", ["off", "off"], "square")
    then("ReduceSum", ["square", "one"], "far", keepdims=1)
    then("Mul", ["far", "steep"], "less")
    then("Sub", ["top", "less"], "fitting")
    then("Relu", ["fitting"], "positive")
    then("Mul", ["positive", "there"], "scored")
    then("Squeeze", ["scored", "one"], "scores")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "dots",
        [value("images_rgb", TensorProto.UINT8, ["N", INPUT_PX, INPUT_PX, 3])],
        [
            value("scores", TensorProto.FLOAT, ["N", side, side]),
            value("boxes_ltrb", TensorProto.FLOAT, ["N", 4, side, side]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
