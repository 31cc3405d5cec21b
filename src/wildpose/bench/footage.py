"""A photo from file to JSON, a video with tracking, and a whole process: on footage with a person in it."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from wildpose.bench.clock import measure
from wildpose.errors import InputError

PHOTO_HW = (1080, 1920)
VIDEO_RUNS, START_RUNS = 5, 10


def bench_footage(video: Path, weights: str, detector: str, threads: int, runs: int, frames: int) -> dict[str, Any]:
    """Rows of figures, each with its unit, median, p10 and p90.

    `photo`: the video's first frame as a JPEG of PHOTO_HW, decoded, one person looked for, JSON written; ms. `video`:
    its first frames decoded, one person followed, smoothed; frames/s, a figure for each of VIDEO_RUNS runs. `start`:
    a process of `wildpose predict` on that photo, no pictures, from its start to its end; ms. Raises InputError for a
    video that can't be used, or that has nobody in its first frame.
    """
    import cv2

    from wildpose.predict.estimator import PoseEstimator
    from wildpose.predict.follow import Tracked
    from wildpose.predict.inputs import Video
    from wildpose.predict.photos import open_photo
    from wildpose.results import predict_video
    from wildpose.write import FrameResult, Recording, write_json

    estimator = PoseEstimator(weights, threads, detector)
    first = next(Video(video).frames())
    height, width = first.image_rgb.shape[:2]
    with tempfile.TemporaryDirectory() as name:
        photo, out = Path(name) / "photo.jpg", Path(name) / "photo.json"
        picture = cv2.resize(first.image_rgb, PHOTO_HW[::-1], interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(photo), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])

        def photo_to_json() -> int:
            image = open_photo(photo).image_rgb
            people = [Tracked(k, pose) for k, pose in enumerate(estimator.predict(image))]
            write_json(out, Recording([FrameResult(0, 0.0, *PHOTO_HW[::-1], people)], 1.0))
            return len(people)

        if not photo_to_json():
            raise InputError(f"a person in the first frame of {video}", "none found", "name other footage")
        rows = {"photo": {"unit": "ms", **measure({"photo": photo_to_json}, runs, warmup=3)["photo"]}}
        rates, count = [], 0
        for _ in range(VIDEO_RUNS):
            began = time.perf_counter()
            count = sum(1 for _ in predict_video(estimator, Video(video), max_frames=frames))
            rates.append(count / (time.perf_counter() - began))
        rows["video"] = {"unit": "frames/s", **_spread(rates), "frames": count, "image_hw": [height, width]}
        options = ["--weights", weights, "--detector", detector, "--threads", str(threads), "--no-pictures"]
        program = [sys.executable, "-c", "from wildpose.cli import main; main()"]
        command = [*program, "predict", str(photo), "--out", name, *options]
        start = measure({"start": lambda: subprocess.run(command, check=True, capture_output=True)}, START_RUNS, 2)
        rows["start"] = {"unit": "ms", **start["start"]}
    return {"rows": rows, "photo_hw": list(PHOTO_HW), "photo_runs": runs, "video_runs": VIDEO_RUNS,
            "start_runs": START_RUNS, "detector": estimator.detector.metadata}  # fmt: skip


def footage_lines(result: dict[str, Any]) -> list[str]:
    """A result as Markdown and a line of what it was taken on."""
    lines = ["| on footage | unit | median | p10 | p90 |", "| --- | --- | ---: | ---: | ---: |"]
    for name, row in result["rows"].items():
        lines.append(f"| {name} | {row['unit']} | {row['median']:.1f} | {row['p10']:.1f} | {row['p90']:.1f} |")
    (photo_h, photo_w), video = result["photo_hw"], result["rows"]["video"]
    height, width = video["image_hw"]
    lines += [
        "",
        f"photo: {photo_w}x{photo_h} px, from file to JSON, {result['photo_runs']} runs; video: {width}x{height} px, "
        f"{video['frames']} frames, one person followed and smoothed, {result['video_runs']} runs; start: a process on "
        f"that photo, {result['start_runs']} runs; detector {result['detector']['name']} "
        f"({result['detector']['sha256'][:12]})",
    ]
    return lines


def _spread(values: list[float]) -> dict[str, float]:
    return dict(zip(("median", "p10", "p90"), np.percentile(values, (50, 10, 90)).tolist(), strict=True))
