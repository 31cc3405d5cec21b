"""One person's box to one decoded pose, through the code and the runtime that PoseEstimator uses."""

from pathlib import Path
from typing import Any

import numpy as np

from wildpose.bench.clock import FORMAT, busy_lines, load_per_core, machine, machine_line, measure
from wildpose.bench.footage import bench_footage, footage_lines
from wildpose.errors import InputError
from wildpose.geometry import square_crop

IMAGE_HW = (720, 1280)
"""A video frame, of which most of the height is taken by one person."""
BOX_XYWH = (480.0, 60.0, 240.0, 600.0)


def bench_predict(
    weights: str = "default",
    threads: int = 2,
    runs: int = 200,
    video: Path | None = None,
    detector: str = "default",
    frames: int = 100,
) -> dict[str, Any]:
    """Time the way from a box to a pose, as a whole and in its parts; milliseconds per person.

    The parts: `crop` (halvings of the image, then the square resampled to the network's input), `network` (one crop
    and its mirror image, normalisation included), `decode` (heatmaps to joints, px and mm). `whole` is timed by itself,
    over the same function that predict uses; `whole, --no-flip` is that without the mirror image. Content doesn't
    matter to the time: the image is noise. With a video, `footage` too (`bench_footage`). Raises InputError.
    """
    import cv2

    from wildpose.predict.crops import ImagePyramid, pose_to_mm, poses_in_boxes
    from wildpose.predict.mirrored import Mirrored
    from wildpose.predict.onnx_model import OnnxModel

    if min(threads, runs, frames) < 1:
        got = f"{threads}, {runs} and {frames}"
        raise InputError("at least 1 thread, run and frame", got, "mend --threads, --runs or --frames")
    load = load_per_core()
    cv2.setNumThreads(threads)
    alone = OnnxModel.load(weights, threads)
    model = Mirrored(alone)
    image = np.random.default_rng(0).integers(0, 256, (*IMAGE_HW, 3), dtype=np.uint8)
    crop = square_crop(BOX_XYWH, model.info.crop_scale)

    def cut() -> np.ndarray:
        return ImagePyramid(image).cut(crop, model.info.input_px)[None]

    crops = cut()
    answer = model.run(crops)
    calls = {
        "crop": cut,
        "network": lambda: model.run(crops),
        "decode": lambda: pose_to_mm(answer.read(model.codec)[2][0], model.info.bone_sum_mm),
        "whole": lambda: poses_in_boxes(model, ImagePyramid(image), [BOX_XYWH]),
        "whole, --no-flip": lambda: poses_in_boxes(alone, ImagePyramid(image), [BOX_XYWH]),
    }
    parts = measure(calls, runs)
    footage = bench_footage(video, weights, detector, threads, max(1, runs // 5), frames) if video else None
    return {
        "format": FORMAT,
        "bench": "predict",
        "unit": "ms",
        "runs": runs,
        "threads": threads,
        "image_hw": list(IMAGE_HW),
        "weights": {"name": model.info.name, "sha256": model.info.sha256, "input_px": model.info.input_px},
        "parts": parts,
        "footage": footage,
        "load_per_core": load,
        "machine": machine("numpy", "opencv-python-headless", "onnxruntime"),
    }


def table(result: dict[str, Any]) -> str:
    """A result as text, ready for a README: Markdown table, then weights and machine in a line each."""
    weights, on = result["weights"], result["machine"]
    lines = [f"| {result['bench']}, {result['unit']} | median | p10 | p90 |", "| --- | ---: | ---: | ---: |"]
    for name, part in result["parts"].items():
        lines.append(f"| {name} | {part['median']:.2f} | {part['p10']:.2f} | {part['p90']:.2f} |")
    height, width = result["image_hw"]
    lines += [
        "",
        f"{result['runs']} runs, {result['threads']} threads, one person in {width}x{height} px, "
        f"weights {weights['name']} ({weights['sha256'][:12]}, input {weights['input_px']} px)",
        machine_line(on),
    ]
    if result["footage"]:
        lines += ["", *footage_lines(result["footage"])]
    return "\n".join(lines + busy_lines(result["load_per_core"]))
