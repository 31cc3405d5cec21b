"""A network whose truth is known: it finds coloured dots. Each joint has a colour; its heatmap is bright where it is.

So tests can draw a "person" as 16 dots anywhere in an image and know what has to come out of the whole pipeline.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wildpose.skeleton import MPII16

# Full brightness and no two in one direction from black: a dot's blurred rim never looks like another joint's dot.
COLORS = np.array(
    [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255), (255, 255, 255),
        (255, 128, 0), (255, 0, 128), (128, 255, 0), (0, 255, 128), (128, 0, 255), (0, 128, 255),
        (255, 255, 128), (255, 128, 255), (128, 255, 255),
    ],
    np.uint8,
)  # fmt: skip
DEPTH = np.linspace(-0.4, 0.5, 16, dtype=np.float32)
"""What the network says of every crop, in half crop sides."""
REACH = np.float32(90.0**2)
BONE_SUM_MM = 4000.0
SIZES = {"input_px": 128, "heatmap_px": 32, "sigma_px": 1.0, "crop_scale": 1.25}


def write_fake_weights(path: Path, **changes) -> Path:
    """An ONNX file that keeps the contract; `changes` replace or (None) remove metadata entries."""
    metadata = {
        "format": "wildpose-weights/1",
        "name": "coloured dots",
        "architecture": {},
        "skeleton": MPII16.name,
        "joints": list(MPII16.joints),
        **SIZES,
        "units": {"depth": "half crop sides, relative to pelvis, + = away"},
        "bone_sum_mm": BONE_SUM_MM,
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
    """heatmap_p = mean over 4x4 px of max(0, 1 - |rgb - color_p|^2 / REACH), the square expanded into a convolution."""
    colors = COLORS.astype(np.float32)
    constants = {
        "toward": (2 * colors / REACH).reshape(16, 3, 1, 1),
        "start": 1 - (colors**2).sum(1) / REACH,
        "reach": np.array(REACH, np.float32),
        "rgb_axis": np.array([1], np.int64),
        "nothing": np.array(0, np.float32),
        "depth_row": DEPTH.reshape(1, 16),
        "map_axes": np.array([2, 3], np.int64),
    }
    steps = [
        ("Cast", ["crops_rgb"], "pixels", {"to": TensorProto.FLOAT}),
        ("Transpose", ["pixels"], "planes", {"perm": [0, 3, 1, 2]}),
        ("Mul", ["planes", "planes"], "squares", {}),
        ("ReduceSum", ["squares", "rgb_axis"], "square", {"keepdims": 1}),
        ("Div", ["square", "reach"], "relative", {}),
        ("Conv", ["planes", "toward", "start"], "product", {}),
        ("Sub", ["product", "relative"], "likeness", {}),
        ("Relu", ["likeness"], "match", {}),
        ("AveragePool", ["match"], "heatmaps", {"kernel_shape": [4, 4], "strides": [4, 4]}),
        ("ReduceSum", ["heatmaps", "map_axes"], "mass", {"keepdims": 0}),
        ("Mul", ["mass", "nothing"], "zeros", {}),
        ("Add", ["zeros", "depth_row"], "depth", {}),
    ]
    nodes = [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in steps]
    graph = helper.make_graph(
        nodes,
        "coloured_dots",
        [helper.make_tensor_value_info("crops_rgb", TensorProto.UINT8, ["N", 128, 128, 3])],
        [
            helper.make_tensor_value_info("heatmaps", TensorProto.FLOAT, ["N", 16, 32, 32]),
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, ["N", 16]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


FIGURE = np.array(
    [
        (0.35, 1.00), (0.35, 0.75), (0.40, 0.52), (0.60, 0.52), (0.65, 0.75), (0.68, 0.98), (0.50, 0.50), (0.50, 0.22),
        (0.50, 0.13), (0.50, 0.00), (0.08, 0.42), (0.18, 0.30), (0.36, 0.22), (0.64, 0.22), (0.84, 0.28), (0.95, 0.40),
    ]
)  # fmt: skip
"""A standing person in a box of side 1, MPII16 order."""


def draw_person(image_rgb: np.ndarray, box_xywh: tuple[float, float, float, float], dot: float = 0.045) -> np.ndarray:
    """Draw the 16 dots into the image; returns the joints (16, 2) in its px. `dot`: radius in box sides."""
    import cv2

    x, y, w, h = box_xywh
    joints = np.array([x, y]) + FIGURE * np.array([w, h])
    for joint, color in zip(joints, COLORS.tolist(), strict=True):
        fixed = np.round(joint * 16).astype(int).tolist()
        cv2.circle(image_rgb, fixed, round(dot * max(w, h) * 16), color, -1, cv2.LINE_AA, 4)
    return joints
