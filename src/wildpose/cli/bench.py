"""`wildpose bench`: how long things take here."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg
from tyro.extras import SubcommandApp

from wildpose.cli.outputs import check_file

bench = SubcommandApp()


@bench.command
def predict(
    video: Path | None = None,
    weights: str = "default",
    detector: str = "default",
    threads: int = 2,
    runs: int = 200,
    frames: int = 100,
    out: Path | None = None,
) -> None:
    """Time one person's way from a box in an image to a decoded pose: crop, network, decode, and the whole. On footage,
    also a photo from file to JSON, a video with tracking, and a process from its start to the first result.

    Args:
        video: Footage with a person in its first frame.
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        detector: Likewise, the network that finds people.
        threads: CPU threads.
        runs: Timed repetitions, after 20 that don't count; of the photo a fifth as many.
        frames: Of the video, in each of five runs.
        out: JSON file to write the figures to, with the machine they were taken on.
    """
    check_file(out)
    from wildpose.bench.predict import bench_predict, table

    _tell(bench_predict(weights, threads, runs, video, detector, frames), table, out)


@bench.command
def train(
    preset: Literal["small", "large", "full-2s", "full-4s", "smoke"] = "small",
    phase: Literal["pretrain-2d", "pretrain-3d", "adversarial"] = "adversarial",
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE")] = (),
    steps: int = 20,
    threads: int = 2,
    plain: bool = True,
    out: Path | None = None,
) -> None:
    """Time a training step [train]: images/s, its parts, its memory, its share of the machine's measured peak, and how
    many times as fast it is as the same step written plainly (float32, eager, contiguous).

    Args:
        preset: Network and batch size.
        phase: Whose step; the adversarial one is held against the supervised one too.
        set: Settings to change, such as --set batch=8 precision=float32.
        steps: Timed steps of each version, after 3 that don't count.
        threads: CPU threads.
        plain: Run the plain version too; share of the peak and speed-up need it.
        out: JSON file to write the figures to, with the machine they were taken on.
    """
    check_file(out)
    from wildpose.bench.train import bench_train, train_table
    from wildpose.cli.train import check_sizes
    from wildpose.config import PRESETS, override

    config = override(PRESETS[preset], set)
    check_sizes(config)
    result = bench_train(config, phase, steps, threads, plain)
    _tell({**result, "preset": preset, "settings": list(set)}, train_table, out)


@bench.command
def curves(
    lsp: Path,
    lspet: Path | None = None,
    preset: Literal["small", "smoke"] = "small",
    steps: int = 500,
    seed: int = 0,
    picture: Path | None = None,
    out: Path | None = None,
) -> None:
    """Hold the losses of the training step against those of the same step written plainly, on the same batches [train].

    Args:
        lsp: Folder of LSP.
        lspet: Folder of LSPET.
        preset: Network and batch size.
        steps: Steps of each version.
        seed: Of initial weights, order and augmentation.
        picture: PNG file for the curves.
        out: JSON file to write every loss to.
    """
    check_file(out)
    from wildpose.bench.curves import bench_curves, curves_table, draw

    result = bench_curves(lsp, lspet, preset, steps, seed)
    if picture:
        draw(result, picture)
    _tell(result, curves_table, out)


@bench.command
def runtimes(
    weights: str = "default",
    lsp: Path | None = None,
    full: bool = False,
    threads: int = 2,
    runs: int = 100,
    out: Path | None = None,
) -> None:
    """Time the network alone in ONNX Runtime and OpenVINO [train, openvino]: float32, bfloat16 and int8, one crop and
    eight, and the accuracy that each number format leaves.

    Args:
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        lsp: Folder of LSP: PCK@0.2 on its validation photos, and int8 calibrated on its training photos.
        full: Time full-4s too, with random weights.
        threads: CPU threads.
        runs: Timed runs of one crop, after 20 that don't count; a quarter as many of eight.
        out: JSON file to write the figures to, with the machine they were taken on.
    """
    check_file(out)
    from wildpose.bench.runtimes import bench_runtimes, runtimes_table

    _tell(bench_runtimes(weights, lsp, full, threads, runs), runtimes_table, out)


@bench.command
def data(
    kind: Literal["studio", "outdoor"] = "studio",
    images: int = 100,
    workers: int = 2,
    size_px: int = 256,
    out: Path | None = None,
) -> None:
    """Time the rendering of training pictures [train]: each stage in one process, then the whole with several workers.

    Args:
        kind: Which set.
        images: Pictures to render, in one process (after 3 that don't count) and again with the workers.
        workers: Processes of the second part.
        size_px: Side of a picture.
        out: JSON file to write the figures to, with the machine they were taken on.
    """
    check_file(out)
    from wildpose.bench.data import bench_data, data_table

    _tell(bench_data(kind, images, workers, size_px), data_table, out)


@bench.command
def smoothing(
    video: Path | None = None,
    weights: str = "default",
    max_people: int = 2,
    stride: int = 1,
    rate_hz: float = 30.0,
    noise_mm: float = 45.0,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Measure what the smoothing of videos does: jitter, error and lag on made-up motion whose truth is known.

    Args:
        video: Footage on which to measure the jitter too, before and after.
        weights: For the video: an .onnx file, or a name that `wildpose weights` lists.
        max_people: In the video.
        stride: Take every N-th frame of the video.
        rate_hz: Frames a second of the made-up motion.
        noise_mm: Standard deviation of its noise, in each axis of each joint.
        seed: Of the noise.
        out: JSON file to write the figures to.
    """
    check_file(out)
    from wildpose.bench.smoothing import bench_smoothing, bench_video, smoothing_table
    from wildpose.errors import InputError
    from wildpose.predict.smooth import Smoothing

    if rate_hz <= 0 or noise_mm < 0 or stride < 1 or max_people < 1:
        raise InputError("a rate, stride and number of people above 0, noise of at least 0", "others", "mend them")
    usual = Smoothing()
    settings = [
        usual,
        replace(usual, ahead_frames=0),
        *(replace(usual, min_cutoff_hz=usual.min_cutoff_hz * factor) for factor in (0.5, 2)),
        *(replace(usual, beta=usual.beta * factor) for factor in (0.5, 2)),
        *(replace(usual, ahead_frames=count) for count in (2, 8)),
    ]
    result = bench_smoothing(settings, rate_hz, noise_mm, seed=seed)
    if video:
        result["rows"] += bench_video(video, settings, weights, max_people, stride)
    _tell(result, smoothing_table, out)


def _tell(result: dict[str, Any], table: Any, out: Path | None) -> None:
    import json

    from wildpose.write import whole_file

    print(table(result))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as draft:
            draft.write_text(json.dumps(result, indent=2) + "\n")
