"""How long things take on this machine: medians, their spread, and what machine that was.

`predict`: one person's box to one decoded pose, through the code and the runtime that PoseEstimator uses.
"""

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from wildpose.errors import InputError
from wildpose.geometry import square_crop

FORMAT = "wildpose-bench/1"
IMAGE_HW = (720, 1280)
"""A video frame, of which most of the height is taken by one person."""
BOX_XYWH = (480.0, 60.0, 240.0, 600.0)
WARMUP = 20
BUSY = 0.25
"""Load per core beyond which other processes are likely to be in the figures."""


def bench_predict(weights: str = "default", threads: int = 2, runs: int = 200) -> dict[str, Any]:
    """Time the way from a box to a pose, as a whole and in its parts; milliseconds per person.

    The parts: `crop` (halvings of the image, then the square resampled to the network's input), `network` (one crop,
    normalisation included), `decode` (heatmaps to joints, px and mm). `whole` is timed by itself, over the same
    function that predict uses. Content doesn't matter to the time: the image is noise. Raises InputError.
    """
    import cv2

    from wildpose.predict.crops import ImagePyramid, crop_to_mm, poses_in_boxes
    from wildpose.predict.onnx_model import OnnxModel

    if threads < 1 or runs < 1:
        raise InputError("at least 1 thread and 1 run", f"{threads} and {runs}", "mend --threads or --runs")
    load = load_per_core()
    cv2.setNumThreads(threads)
    model = OnnxModel.load(weights, threads)
    image = np.random.default_rng(0).integers(0, 256, (*IMAGE_HW, 3), dtype=np.uint8)
    crop = square_crop(BOX_XYWH, model.info.crop_scale)

    def cut() -> np.ndarray:
        return ImagePyramid(image).cut(crop, model.info.input_px)[None]

    def decode(heatmaps: np.ndarray, depth: np.ndarray) -> None:
        joints, _ = model.codec.decode(heatmaps)
        crop_to_mm(joints[0].astype(np.float64), depth[0], model.info.input_px, model.info.bone_sum_mm)

    crops = cut()
    maps = model.run(crops)
    calls = {
        "crop": cut,
        "network": lambda: model.run(crops),
        "decode": lambda: decode(*maps),
        "whole": lambda: poses_in_boxes(model, ImagePyramid(image), [BOX_XYWH]),
    }
    return {
        "format": FORMAT,
        "bench": "predict",
        "unit": "ms",
        "runs": runs,
        "threads": threads,
        "image_hw": list(IMAGE_HW),
        "weights": {"name": model.info.name, "sha256": model.info.sha256, "input_px": model.info.input_px},
        "parts": measure(calls, runs),
        "load_per_core": load,
        "machine": machine("numpy", "opencv-python-headless", "onnxruntime"),
    }


def measure(calls: dict[str, Callable[[], Any]], runs: int, warmup: int = WARMUP) -> dict[str, dict[str, float]]:
    """Median, 10th and 90th percentile in ms of each call; the calls take turns, so that all meet the same weather."""
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(warmup + runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times_ms[name].append(1e3 * (time.perf_counter() - start))
    quantiles = {name: np.percentile(values[warmup:], (50, 10, 90)).tolist() for name, values in times_ms.items()}
    return {name: dict(zip(("median", "p10", "p90"), values, strict=True)) for name, values in quantiles.items()}


def machine(*distributions: str) -> dict[str, Any]:
    """What the figures were taken on: processor, cores this process may use, system, Python and library versions."""
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in distributions},
    }


def cpu_name() -> str:
    """The processor's own name where Linux tells it, else what Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """CPU cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_per_core() -> float | None:
    """Runnable processes per core over the last minute; None where the system doesn't tell."""
    return round(os.getloadavg()[0] / usable_cores(), 2) if hasattr(os, "getloadavg") else None


def table(result: dict[str, Any]) -> str:
    """A result as text, ready for a README: Markdown table, then weights and machine in a line each."""
    weights, on = result["weights"], result["machine"]
    lines = [f"| {result['bench']}, {result['unit']} | median | p10 | p90 |", "| --- | ---: | ---: | ---: |"]
    for name, part in result["parts"].items():
        lines.append(f"| {name} | {part['median']:.2f} | {part['p10']:.2f} | {part['p90']:.2f} |")
    height, width = result["image_hw"]
    libraries = ", ".join(f"{name} {number}" for name, number in on["libraries"].items())
    lines += [
        "",
        f"{result['runs']} runs, {result['threads']} threads, one person in {width}x{height} px, "
        f"weights {weights['name']} ({weights['sha256'][:12]}, input {weights['input_px']} px)",
        f"{on['cpu']}, {on['cores']} cores, {on['system']}, Python {on['python']}, {libraries}",
    ]
    load = result["load_per_core"]
    if load is not None and load > BUSY:
        lines.append(f"warning: {load:.2f} other processes a core were running: these figures are of a busy machine")
    return "\n".join(lines)
