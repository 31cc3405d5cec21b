"""How weights lie in an ONNX file: convolutions and matrices as int8 with a float32 scale for each output, other large
ones as float16. Casts and multiplications behind them make them float32 again; runtimes fold these when they load the
file, so that a network runs as it would with float32 in the file. Half the size of float16, a quarter of float32.
"""

from typing import Any, Literal

import numpy as np

Kind = Literal["int8", "float16"]
"""How convolutions and matrices are stored."""
LARGE = 512
"""Numbers in a weight from which it isn't stored as float32."""
SCALE = ".scale"
"""What the scales of a weight are called behind the weight's own name."""


def form_of(weight: np.ndarray, kind: Kind) -> str:
    """int8, float16 or float32: biases, norms and small weights stay as they are."""
    if weight.size < LARGE:
        return "float32"
    return kind if weight.ndim in (2, 4) else "float16"


def quantised(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 numbers, and the float32 scales (one a first index) to multiply them with; the largest becomes +-127."""
    axes = tuple(range(1, weight.ndim))
    scale = np.maximum(np.abs(weight).max(axes, keepdims=True) / np.float32(127), 1e-12).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale


def rounded(weight: np.ndarray, kind: Kind) -> np.ndarray:
    """What a float32 weight is once it was stored."""
    form = form_of(weight, kind)
    if form == "int8":
        whole, scale = quantised(weight)
        return whole * scale
    return weight.astype(np.float16).astype(np.float32) if form == "float16" else weight


def store(graph: Any, kind: Kind) -> None:
    """Replace the float32 constants of an ONNX graph, in place; the shapes that it notes of values between are left
    out: whoever needs them infers them."""
    from onnx import TensorProto, helper, numpy_helper

    widening, scales = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        form = form_of(values, kind) if values.dtype == np.float32 else "float32"
        if form == "float32":
            continue
        name, wide = tensor.name, f"{tensor.name}.float32"
        for node in graph.node:
            node.input[:] = [wide if given == name else given for given in node.input]
        if form == "float16":
            widening.append(helper.make_node("Cast", [name], [wide], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
            continue
        whole, scale = quantised(values)
        cast, factor = f"{name}.whole", f"{name}{SCALE}"
        widening += [
            helper.make_node("Cast", [name], [cast], to=TensorProto.FLOAT),
            helper.make_node("Mul", [cast, factor], [wide]),
        ]
        tensor.CopyFrom(numpy_helper.from_array(whole, name))
        scales.append(numpy_helper.from_array(scale, factor))
    graph.initializer.extend(scales)
    del graph.value_info[:]
    nodes = [*widening, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def weights_of(graph: Any) -> dict[str, np.ndarray]:
    """The float32 weights of a graph that `store` made, or of one with float16 or float32 only, by name."""
    from onnx import numpy_helper

    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    return {
        name: array.astype(np.float32) * (arrays[f"{name}{SCALE}"] if array.dtype == np.int8 else np.float32(1))
        for name, array in arrays.items()
        if not name.endswith(SCALE) and array.dtype in (np.int8, np.float16, np.float32)
    }
