"""The table of runtimes: each of them must compute what the file says; how fast is the clock's business."""

import numpy as np
import onnx

from wildpose.bench import runtimes
from wildpose.predict.onnx_model import OnnxModel


def test_every_runtime_computes_the_same_network(tmp_path):
    weights = tmp_path / "smoke.onnx"
    runtimes._write_random("smoke", weights)
    info = OnnxModel.load(weights).info
    loaded = runtimes._runtimes(str(weights), info, None, tmp_path, threads=1)
    assert {"ONNX Runtime, float32", "ONNX Runtime, int8"} <= set(loaded)

    quantised = onnx.load(tmp_path / "int8.onnx")
    kinds = [node.op_type for node in quantised.graph.node]
    assert kinds.count("DequantizeLinear") >= 2 * kinds.count("Conv") > 0, "every convolution reads int8"

    crops = np.random.default_rng(3).integers(0, 256, (2, info.input_px, info.input_px, 3), dtype=np.uint8)
    truth = [array.astype(np.float64) for array in OnnxModel.load(weights).run(crops)[:2]]
    allowed = {"float32": 1e-4, "bfloat16": 0.05, "int8": 0.2}  # relative, of a network with random weights
    for name, it in loaded.items():
        for got, want in zip(it.run(crops), truth, strict=True):
            assert got.shape == want.shape
            off = np.linalg.norm(got - want) / max(np.linalg.norm(want), 1e-9)
            assert off < allowed[name.split(", ")[1]], f"{name}: {off:.3f}"


def test_the_table_says_what_was_measured(tmp_path):
    weights = tmp_path / "smoke.onnx"
    runtimes._write_random("smoke", weights)
    result = runtimes.bench_runtimes(str(weights), threads=1, runs=1)
    lines = runtimes.runtimes_table(result).splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ONNX Runtime")}
    assert rows.keys() == {"ONNX Runtime, float32", "ONNX Runtime, int8"}
    median = result["rows"]["ONNX Runtime, float32"]["one"]["median"]
    assert f"| {median:.2f} |" in rows["ONNX Runtime, float32"]
    assert "1 runs, 1 threads" in "\n".join(lines)
