"""Rendering: milliseconds per picture in each stage, and pictures a second with several workers."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wildpose.bench.clock import (
    FORMAT,
    Stopwatch,
    busy_lines,
    load_per_core,
    machine,
    machine_line,
    peak_memory_mib,
    quartiles,
)
from wildpose.errors import InputError

WARMUP = 3
STAGES = ("pose", "body", "raster", "shade", "develop", "jpeg", "rest")
"""pose: drawn or taken from a clip; body: skinned, dressed and stood on the floor; raster: depth buffers of camera and
light; shade: surfaces, room or panorama; develop: from light to bytes; rest: scene, cameras, truth."""


def bench_data(kind: str, images: int, workers: int, size_px: int) -> dict[str, Any]:
    """Stages of `images` pictures in one process, then the whole of as many with `workers`. Raises InputError."""
    import cv2

    from wildpose.studio.generate import generate
    from wildpose.studio.shards import record
    from wildpose.studio.shots import make_world, shoot

    if images < 1:
        raise InputError("at least 1 image", str(images), "mend --images")
    load = load_per_core()
    cv2.setNumThreads(1)
    watch, stages = Stopwatch(), []
    world = make_world(kind, "train", 0, size_px, [], [])
    with _watched(watch):
        for index in range(WARMUP + images):
            with watch.part("rest"):
                record(shoot(world, index))
            stages.append(watch.take())
    stages = stages[WARMUP:]
    own_memory = peak_memory_mib()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        generate(kind, Path(folder) / "set", images, seed=0, workers=workers, size_px=size_px, progress=False)
        seconds = time.perf_counter() - began
        stored = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
    return {
        "format": FORMAT,
        "bench": "data",
        "kind": kind,
        "images": images,
        "workers": workers,
        "size_px": size_px,
        "stages_ms": {name: quartiles([1e3 * one.get(name, 0.0) for one in stages]) for name in STAGES},
        "images_s_one_process": quartiles([1 / sum(one.values()) for one in stages]),
        "images_s_with_start": images / seconds,
        "peak_memory_mib": own_memory,
        "largest_worker_mib": peak_memory_mib(children=True) if workers > 1 else None,
        "kilobytes_per_image": stored / images / 1e3,
        "load_per_core": load,
        "machine": machine("numpy", "numba", "opencv-python-headless"),
    }


def watched_functions() -> list[tuple[Any, str, str]]:
    """(module, name of the function in it, stage)."""
    from wildpose.studio import render, shards, shots

    return [
        (shots, "_pose", "pose"),
        (shots, "place", "body"),
        (render, "_visibility", "raster"),
        (render, "_shadow", "raster"),
        (render, "shade_surfaces", "shade"),
        (render, "shade_room", "shade"),
        (render, "shade_panorama", "shade"),
        (shots, "develop", "develop"),
        (shards, "encode", "jpeg"),
    ]


@contextmanager
def _watched(watch: Stopwatch) -> Iterator[None]:
    """Book the renderer's functions from outside, so that it has no timers of its own."""
    originals = [(module, name, getattr(module, name), stage) for module, name, stage in watched_functions()]
    try:
        for module, name, function, stage in originals:
            setattr(module, name, watch.timed(stage, function))
        yield
    finally:
        for module, name, function, _ in originals:
            setattr(module, name, function)


def data_table(result: dict[str, Any]) -> str:
    """A result as Markdown."""
    rows = {f"{name}, ms a picture": figures for name, figures in result["stages_ms"].items()}
    rows["pictures/s, one process"] = result["images_s_one_process"]
    lines = [f"| data, {result['kind']} | median | q1 | q3 |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {name} | {f['median']:.4g} | {f['q1']:.4g} | {f['q3']:.4g} |" for name, f in rows.items()]
    memory = {"this process": result["peak_memory_mib"], "largest worker": result["largest_worker_mib"]}
    lines += [
        "",
        f"{result['images']} pictures of {result['size_px']} px with {result['workers']} workers: "
        f"{result['images_s_with_start']:.1f} pictures/s, their start included; "
        f"{result['kilobytes_per_image']:.1f} kB a picture on disk",
        "peak memory: " + ", ".join(f"{name} {value:.0f} MiB" for name, value in memory.items() if value),
        machine_line(result["machine"]),
    ]
    return "\n".join(lines + busy_lines(result["load_per_core"]))
