"""The network alone in the runtimes that users have: ONNX Runtime and OpenVINO, float32, bfloat16, int8."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from wildpose.bench.clock import FORMAT, busy_lines, load_per_core, machine, machine_line, measure
from wildpose.config import PRESETS
from wildpose.errors import InputError
from wildpose.predict.onnx_model import OnnxModel, WeightsInfo, read_content

Run = Callable[[UInt8[np.ndarray, "N Hi Wi 3"]], tuple[Float[np.ndarray, "N P h w"], Float[np.ndarray, "N P"]]]
MANY = 8
"""Crops at once, for the throughput."""
CALIBRATION = 64
"""Training photos over which the ranges of int8 are found."""


@dataclass(frozen=True)
class Loaded:
    """A network in one runtime; enough of a model for `wildpose.evaluate`."""

    info: WeightsInfo
    run: Run


def bench_runtimes(
    weights: str = "default", lsp: Path | None = None, full: bool = False, threads: int = 2, runs: int = 100
) -> dict[str, Any]:
    """Latency of one crop and throughput of eight, per runtime and number format; PCK@0.2 on LSP's validation photos.

    lsp: folder of LSP; without it int8 is calibrated on noise and no accuracy is given. full: time `full-4s` too, with
    random weights, unless quantised. OpenVINO's rows need `wildpose[openvino]`. Raises InputError.
    """
    if threads < 1 or runs < 1:
        raise InputError("at least 1 thread and 1 run", f"{threads} and {runs}", "mend --threads or --runs")
    load = load_per_core()
    with tempfile.TemporaryDirectory() as folder:
        info = OnnxModel.load(weights).info
        rows = _rows(_runtimes(weights, info, lsp, Path(folder), threads), info, lsp, runs)
        if full:
            large = Path(folder) / "full-4s.onnx"
            _write_random("full-4s", large)
            wide = OnnxModel.load(large).info
            timed = _rows(_float_runtimes(str(large), wide, threads), wide, None, max(runs // 10, 3))
            rows |= {f"full-4s, {name}": row for name, row in timed.items()}
    return {
        "format": FORMAT,
        "bench": "runtimes",
        "unit": "ms",
        "runs": runs,
        "threads": threads,
        "weights": {"name": info.name, "sha256": info.sha256, "input_px": info.input_px},
        "rows": rows,
        "load_per_core": load,
        "machine": machine("numpy", "onnxruntime", *(["openvino"] if _openvino() else [])),
    }


def _rows(loaded: dict[str, Loaded], info: WeightsInfo, lsp: Path | None, runs: int) -> dict[str, dict[str, Any]]:
    noise = np.random.default_rng(0)
    one, many = (noise.integers(0, 256, (n, info.input_px, info.input_px, 3), dtype=np.uint8) for n in (1, MANY))
    single, several = {}, {}
    for name, it in loaded.items():  # not in turns: a runtime's threads spin for some ms after a run
        single |= measure({name: lambda run=it.run: run(one)}, runs)
        several |= measure({name: lambda run=it.run: run(many)}, max(runs // 4, 3), warmup=3)
    return {
        name: {
            "one": single[name],
            "crops_s": MANY / several[name]["median"] * 1e3,
            "pck": _accuracy(it, lsp) if lsp else None,
        }
        for name, it in loaded.items()
    }


def _runtimes(weights: str, info: WeightsInfo, lsp: Path | None, folder: Path, threads: int) -> dict[str, Loaded]:
    """Every runtime and format that this machine has, by name."""
    small = folder / "int8.onnx"
    _quantise(read_content(weights)[1], small, info.input_px, lsp)
    loaded = _float_runtimes(weights, info, threads)
    loaded["ONNX Runtime, int8"] = Loaded(info, _onnx_runtime(small.read_bytes(), threads))
    if _openvino():
        loaded["OpenVINO, int8"] = Loaded(info, _in_openvino(small.read_bytes(), threads, "f32"))
    return loaded


def _float_runtimes(weights: str, info: WeightsInfo, threads: int) -> dict[str, Loaded]:
    content = read_content(weights)[1]
    loaded = {"ONNX Runtime, float32": Loaded(info, _onnx_runtime(content, threads))}
    if _openvino():
        loaded["OpenVINO, float32"] = Loaded(info, _in_openvino(content, threads, "f32"))
        loaded["OpenVINO, bfloat16"] = Loaded(info, _in_openvino(content, threads, "bf16"))
    return loaded


def _openvino() -> bool:
    from importlib.util import find_spec

    return find_spec("openvino") is not None


def _onnx_runtime(content: bytes, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda crops: tuple(session.run(["heatmaps", "depth"], {"crops_rgb": crops}))


def _in_openvino(content: bytes, threads: int, precision: str) -> Run:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(core.read_model(content, b""), "CPU", settings).create_infer_request()

    def run(crops):
        found = request.infer({"crops_rgb": crops})
        return found["heatmaps"].copy(), found["depth"].copy()

    return run


def _quantise(content: bytes, target: Path, input_px: int, lsp: Path | None) -> None:
    """Convolutions in int8: weights per channel, activations by their ranges over training photos (or noise)."""
    import logging

    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Crops(CalibrationDataReader):
        def __init__(self):
            self.left = iter(_calibration_crops(input_px, lsp))

        def get_next(self):
            crop = next(self.left, None)
            return None if crop is None else {"crops_rgb": crop[None]}

    plain = target.with_suffix(".plain.onnx")
    plain.write_bytes(content)
    _fold(plain)
    quant_pre_process(str(plain), str(plain), skip_symbolic_shape=True)
    root = logging.getLogger()
    level, root.level = root.level, logging.ERROR  # it advises to do what the line above did
    try:
        quantize_static(
            str(plain), str(target), Crops(), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    finally:
        root.level = level


def _fold(path: Path) -> None:
    """Stored weights to float32, then batch norms into the convolutions that have these, in place."""
    import onnxruntime

    for _ in range(2):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path.with_suffix(".folded"))
        options.log_severity_level = 3
        onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        path.with_suffix(".folded").replace(path)


def _calibration_crops(input_px: int, lsp: Path | None) -> list[np.ndarray]:
    if lsp is None:
        return list(np.random.default_rng(1).integers(0, 256, (CALIBRATION, input_px, input_px, 3), dtype=np.uint8))
    from wildpose.data.batches import CROP_SCALE
    from wildpose.data.lsp import load_lsp
    from wildpose.geometry import square_crop
    from wildpose.predict.crops import ImagePyramid

    photos = load_lsp(lsp, "train")
    some = (photos.load(i) for i in range(0, len(photos), max(1, len(photos) // CALIBRATION)))
    return [ImagePyramid(s.image_rgb).cut(square_crop(s.box_xywh, CROP_SCALE), input_px) for s in some]


def _accuracy(loaded: Loaded, lsp: Path) -> float:
    from wildpose.evaluate.two_d import evaluate_lsp

    return evaluate_lsp(loaded, lsp, "val").metrics["pck_torso_0.2"]


def _write_random(preset: str, target: Path) -> None:
    """A preset's network with random weights: content doesn't matter to the time."""
    import torch

    from wildpose.export import describe, export_onnx
    from wildpose.models.generator import Generator

    torch.manual_seed(0)
    generator = Generator(PRESETS[preset].model).eval().requires_grad_(False)
    state = {"bone_sum_mm": 4000.0, "history": [], "data": [], "phase": "none"}
    export_onnx(generator, describe(generator, state, preset, []), target)


def runtimes_table(result: dict[str, Any]) -> str:
    """A result as text, ready for the docs."""
    lines = [
        "| runtime | one crop, ms: median | p10 | p90 | crops/s, eight at once | PCK@0.2, LSP validation |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in result["rows"].items():
        one, pck = row["one"], "" if row["pck"] is None else f"{row['pck']:.2f}"
        lines.append(
            f"| {name} | {one['median']:.2f} | {one['p10']:.2f} | {one['p90']:.2f} | {row['crops_s']:.1f} | {pck} |"
        )
    weights = result["weights"]
    lines += [
        "",
        f"{result['runs']} runs, {result['threads']} threads, weights {weights['name']} ({weights['sha256'][:12]}, "
        f"input {weights['input_px']} px)",
        machine_line(result["machine"]),
    ]
    return "\n".join(lines + busy_lines(result["load_per_core"]))
