"""`wildpose detector`: train, export and measure the detector that finds people for `wildpose predict`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wildpose.cli.outputs import check_file
from wildpose.errors import InputError

detector = tyro.extras.SubcommandApp()


@detector.command
def train(
    out: Path,
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    panoramas: Path | None = None,
    init: Path | None = None,
    steps: int = 11500,
    stop_at: int | None = None,
    batch: int = 16,
    side_px: int = 256,
    lr: float = 2e-3,
    seed: int = 0,
    threads: int = 0,
) -> None:
    """Train it on scenes put together from photos, rendered people and people-free views.

    OUT gets log.jsonl and checkpoints. Run the same command again to go on after an interruption; a changed --steps
    makes the learning rate fall to nothing there.

    Args:
        out: Folder of the run.
        lsp: Leeds Sports Poses, as its authors lay it out (joints.mat, images/).
        lspet: Its extended training set, likewise.
        outdoor: Rendered people (`wildpose data outdoor`).
        panoramas: Folder of panoramas that show nobody; without it, those in the package.
        init: Checkpoint or exported file to start from ("default": the detector in the package).
        steps: Optimiser steps.
        stop_at: End earlier, after this step, with the learning rate of a run of `steps`.
        batch: Pictures a step.
        side_px: Side of the pictures.
        lr: Peak learning rate.
        seed: Where the randomness starts.
        threads: Of the processor; 0 leaves it to torch.
    """
    from wildpose.detector.data import gather
    from wildpose.detector.model import COARSEST
    from wildpose.detector.train import DetectorConfig, train_detector
    from wildpose.train.guard import Interrupted
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads

    least = min(steps, 1 if stop_at is None else stop_at, batch - 1, seed + 1)
    if least < 1 or side_px < COARSEST or side_px % COARSEST:
        got = f"{steps}, {batch}, {seed} and {side_px}"
        expected = f"steps and stop_at of at least 1, batch 2, seed 0, side_px a multiple of {COARSEST}"
        raise InputError(expected, got, "mend the options")
    keep_freed_memory()
    use_threads(threads)
    config = DetectorConfig(steps=steps, batch=batch, side_px=side_px, lr=lr, seed=seed)
    try:
        print(train_detector(config, gather(lsp, lspet, outdoor, panoramas, seed), out, stop_at, init))
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        raise SystemExit(128 + stop.number) from None


@detector.command
def merge(parts: tyro.conf.Positional[tuple[Path, ...]], /, out: Path) -> None:
    """Average the weights of detectors that learnt on from one another or from the same weights.

    Args:
        parts: Checkpoint folders, two or more.
        out: Folder; OUT/step-NNNNNN is for `wildpose detector export`.
    """
    from wildpose.detector.merge import merge_detectors

    print(merge_detectors(parts, out))


@detector.command
def export(
    checkpoint: Annotated[Path, tyro.conf.Positional],
    /,
    out: Path,
    name: str,
    input_px: int = 256,
    threshold: float = 0.15,
    metrics: tuple[Path, ...] = (),
) -> None:
    """Turn a checkpoint into one ONNX file that describes itself, and check that both compute the same.

    Args:
        checkpoint: Folder of a checkpoint, such as runs/detector/step-011500.
        out: File to write.
        name: Name of the weights.
        input_px: Side of the square it will look at: larger finds smaller people and takes longer.
        threshold: Score from which a box counts as a person.
        metrics: JSON files of `wildpose detector evaluate --out` to keep in the file.
    """
    from wildpose.detector.export import describe_detector, export_detector
    from wildpose.detector.model import COARSEST
    from wildpose.detector.train import load_network

    if not 0 < threshold < 1 or input_px < COARSEST or input_px % COARSEST:
        got = f"{threshold:g} and {input_px}"
        raise InputError(f"a threshold in (0, 1) and input_px a multiple of {COARSEST}", got, "mend the options")
    figures = [read_figures(path) for path in metrics]
    network, state = load_network(checkpoint)
    export_detector(network, describe_detector(state, name, input_px, threshold, figures), out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, same outputs as {checkpoint}")


@detector.command
def show(detector: Annotated[str, tyro.conf.Positional] = "default", /) -> None:
    """Print what a detector file says of itself as JSON: training data, settings, figures, licence.

    Args:
        detector: An .onnx file of `wildpose detector export`, or "default" for the one in the package.
    """
    import json

    from wildpose.predict.detect import Detector

    print(json.dumps(Detector.load(detector).metadata, indent=2))


def read_figures(path: Path) -> dict:
    """Protocol and metrics of an evaluation's JSON. Raises InputError."""
    import json

    try:
        report = json.loads(path.read_text())
        return {"protocol": report["protocol"], "metrics": report["metrics"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "run evaluate with --out"
        raise InputError(f"JSON of wildpose detector evaluate at {path}", repr(error), fix) from None


@detector.command
def evaluate(
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    panoramas: Path | None = None,
    poses: Literal["none", "val", "test"] = "none",
    detector: str = "default",
    weights: str = "default",
    out: Path | None = None,
) -> None:
    """Measure people found, boxes a picture and false alarms on what training held out, by threshold.

    Args:
        lsp: Leeds Sports Poses, as its authors lay it out (joints.mat, images/).
        lspet: Its extended training set, likewise.
        outdoor: Rendered people (`wildpose data outdoor`).
        panoramas: Folder of panoramas that show nobody; without it, those in the package.
        poses: Instead: recall on this split of LSP, and PCK@0.2 from given and from automatic boxes.
        detector: An .onnx file of `wildpose detector export`, or "default" for the one in the package.
        weights: An .onnx file of `wildpose export`, likewise; only for --poses.
        out: Also write the numbers to this JSON file.
    """
    check_file(out)
    from wildpose.detector.data import gather
    from wildpose.detector.evaluate import evaluate_detector, evaluate_on_photos
    from wildpose.predict.detect import Detector
    from wildpose.predict.estimator import PoseEstimator

    if poses == "none":
        report = evaluate_detector(Detector.load(detector), gather(lsp, lspet, outdoor, panoramas))
    elif lsp is None:
        raise InputError("--lsp DIR for --poses", "none", "give the folder of LSP")
    else:
        report = evaluate_on_photos(PoseEstimator(weights, detector=detector), lsp, poses, panoramas)
    print(report.text())
    if out is not None:
        report.save(out)
        print(f"\nwritten to {out}")
