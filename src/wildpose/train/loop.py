"""One phase, from its settings to its last checkpoint.

    wildpose train pretrain-2d --preset small --lsp DIR --lspet DIR --out runs/a
    wildpose train pretrain-3d --preset small --lsp DIR --lspet DIR --studio DIR --out runs/a
    wildpose train adversarial --preset small --lsp DIR --lspet DIR --studio DIR --out runs/a

A phase lives in `OUT/PHASE`: config.json, log.jsonl, curves.png, step-NNNNNN/. Started again, it goes on from its last
checkpoint; batch k depends on the seed and k alone, so the result is that of an undisturbed run.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from wildpose.config import PHASES, Phase, TrainConfig
from wildpose.data.batches import Batch, Batches
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.models.generator import Generator
from wildpose.train.checkpoint import checkpoint_path, latest_checkpoint, tidy
from wildpose.train.guard import Interrupted, StopRequest, full_disk_told, only_writer
from wildpose.train.loader import load
from wildpose.train.log import Log, Pace, draw_curves
from wildpose.train.state import Training
from wildpose.train.steps import advance
from wildpose.train.validate import validate_2d, validate_3d, watched_poses
from wildpose.train.workers import ALONE, Workers

Notify = Callable[[str], None]


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def keep_quiet(_line: str) -> None: ...


def run_phase(
    config: TrainConfig,
    phase: Phase,
    data: TrainData,
    out: Path,
    init: Path | None = None,
    steps: int | None = None,
    notify: Notify = tell,
    workers: Workers = ALONE,
    accumulate: int = 1,
    compiled: bool = False,
) -> Path:
    """Train a phase to its end (or to `steps`, to be resumed later); returns its last checkpoint.

    Starts from its own last checkpoint, or else from `init` (a checkpoint), or else from the phase before it in `out`,
    or else from scratch (phase 1 only). accumulate: passes in which each process takes its share of a batch. compiled:
    torch.compile makes G's passes. Raises Interrupted after SIGTERM or Ctrl-C, InputError for settings that don't fit,
    damaged checkpoints, a folder that another run writes, a full disk, the loss of another process.
    """
    folder = out / phase
    notify = notify if workers.leads else keep_quiet
    with _held(folder, workers, notify):
        training = Training(config, phase, workers, accumulate, compiled)
        _begin(training, out, init, notify)
        training.describe(data)
        end = min(training.settings.steps, steps or training.settings.steps)
        log = None
        if workers.leads:
            _write_settings(folder / "config.json", config)
            log = Log(folder / "log.jsonl", training.step)
        _fit(training, data, folder, end, log, notify)
        if workers.leads:
            draw_curves(folder)
        workers.meet()  # the next phase reads what the leader has just written
    return checkpoint_path(folder, training.step)


@contextmanager
def _held(folder: Path, workers: Workers, notify: Notify) -> Iterator[None]:
    """The leader locks and tidies the folder before any process reads it."""
    with ExitStack() as held:
        held.enter_context(full_disk_told(folder))
        if workers.leads:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(only_writer(folder, notify))
            tidy(folder, notify)
        workers.meet()
        yield


def _begin(training: Training, out: Path, init: Path | None, notify: Notify) -> None:
    checkpoint = latest_checkpoint(out / training.phase)
    if checkpoint:
        training.resume(checkpoint)
        notify(f"{training.phase}: goes on from {checkpoint}")
    elif init or training.phase != PHASES[0]:
        training.start_from(init or _previous(out, training.phase))
    latest = training.workers.largest(training.step)
    if training.step != latest:
        got, fix = (
            f"process {training.workers.rank} at step {training.step}",
            "give an --out that every node sees alike",
        )
        raise InputError(f"all processes at step {latest}", got, fix)


def _previous(out: Path, phase: Phase) -> Path:
    before = PHASES[PHASES.index(phase) - 1]
    found = latest_checkpoint(out / before)
    if found is None:
        fix = f"run `wildpose train {before}` first, or give --init CHECKPOINT"
        raise InputError(f"a checkpoint of {before} in {out}", "none", fix)
    return found


def _write_settings(path: Path, config: TrainConfig) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(config), indent=1))
    os.replace(draft, path)


def batches_of(training: Training, data: TrainData, end: int) -> Iterator[Batch]:
    """Batches from the next step to the last, made in another process."""
    config, settings = training.config, training.settings
    seed = (config.seed, PHASES.index(training.phase))
    share = training.workers.share
    batches = Batches(
        data.wild, data.studio, config.batch, settings.batch_3d, config.model, config.augment, seed, share
    )
    on_gpu = training.workers.device.type == "cuda"
    processes = _spare_cores() if on_gpu else 1  # without a GPU the cores belong to the network
    return load(batches, range(training.step, end), processes, on_gpu)


def _spare_cores() -> int:
    """For the loaders of one GPU, if the processes of a node share its cores evenly."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)) - 1)


def _fit(training: Training, data: TrainData, folder: Path, end: int, log: Log | None, notify: Notify) -> None:
    config, workers, pace, saved = training.config, training.workers, Pace(), time.monotonic()
    hidden = not (workers.leads and sys.stderr.isatty())
    bar = tqdm(total=training.settings.steps, initial=training.step, desc=training.phase, disable=hidden)
    with bar, StopRequest() as stop, closing(batches_of(training, data, end)) as batches:
        for batch in pace.timed(batches):
            training.means.add(advance(training, batch.to(workers.device)))
            bar.update()
            last = training.step == end
            if training.step % config.log_every == 0 or last:
                _log_means(training, pace, log, bar, notify)
            if training.step % config.validate_every == 0 or last:
                _log_validation(training, data, folder, log, notify)
                pace.restart()
            asked = workers.largest(stop.number)  # all processes stop after the same step
            if time.monotonic() - saved > config.checkpoint_every_s or last or asked:
                checkpoint = training.save(folder)
                saved = time.monotonic()
            if asked:
                raise Interrupted(asked, checkpoint)


def _log_means(training: Training, pace: Pace, log: Log | None, bar: tqdm, notify: Notify) -> None:
    means = training.means.take()
    speed = pace.take(training.config.batch)
    if log:
        log.write("train", training.step, means | speed)
    if bar.disable:
        notify(_line(training, means | speed))
    else:
        bar.set_postfix_str(_line(training, means))


def _log_validation(training: Training, data: TrainData, folder: Path, log: Log | None, notify: Notify) -> None:
    figures = validate(training, data)
    notify(f"{training.phase} step {training.step} validation " + _figures(figures))
    if log:
        log.write("validation", training.step, figures)
        if training.phase == "adversarial":
            log.write("poses", training.step, watched(training.average, data))
        draw_curves(folder)


def watched(generator: Generator, data: TrainData) -> dict[str, list]:
    """Poses of a few held-out people of either kind, for the log."""
    sets = {"studio": data.studio_val, "photos": data.wild_val}
    return {name: watched_poses(generator, samples).tolist() for name, samples in sets.items() if samples is not None}


def validate(training: Training, data: TrainData) -> dict[str, float]:
    figures: dict[str, float] = {}
    if data.wild_val is not None:
        figures |= validate_2d(training.average, data.wild_val, training.workers)
    if data.studio_val is not None and data.bone_sum_mm is not None and training.phase != PHASES[0]:
        figures |= validate_3d(training.average, data.studio_val, data.bone_sum_mm, training.workers)
    return figures


def _figures(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items())


def _line(training: Training, values: dict[str, float]) -> str:
    return f"{training.phase} step {training.step}/{training.settings.steps} {_figures(values)}"
