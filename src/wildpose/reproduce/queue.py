"""A queue of runs: every row with every seed, each in a folder of its own, trained, judged, and never done twice.

OUT/runs/full/seed-0/run.json               what this run is: settings and the sha256 of the weights it starts from
OUT/runs/full/seed-0/adversarial/...        the trainer's own folder; a killed run goes on from its last checkpoint
OUT/runs/full/seed-0/evaluation.json        a report for each set it was judged on, by protocol
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from wildpose.config import TrainConfig
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.evaluate import Model
from wildpose.report import Report
from wildpose.reproduce.network import load_network
from wildpose.reproduce.rows import Row, settings_of
from wildpose.train.checkpoint import checkpoint_path, latest_checkpoint, read_checkpoint
from wildpose.train.loop import Notify, run_phase, tell
from wildpose.train.workers import ALONE, Workers

FORMAT = "wildpose-reproduce/1"


@dataclass(frozen=True)
class Judge:
    """A set to be judged on."""

    name: str
    """studio, outdoor or lsp."""
    protocol: str
    """Whatever decides the figures, the folder included: those of another protocol aren't taken for these."""
    evaluate: Callable[[Model], Report]


@dataclass(frozen=True)
class Plan:
    """What all runs share."""

    out: Path
    base: TrainConfig
    """Settings that the rows change."""
    starts: Mapping[str, Path]
    """Phase -> the checkpoint that rows start from."""
    data: TrainData
    judges: tuple[Judge, ...]
    """What every run is judged on."""
    seeds: int

    def folder(self, row: Row, seed: int) -> Path:
        return self.out / "runs" / row.slug / (f"seed-{seed}" if row.trained else "as-it-is")

    def log(self, row: Row, seed: int) -> Path:
        """Where a run's training and validation figures are."""
        return self.folder(row, seed) / "adversarial" / "log.jsonl"


@dataclass(frozen=True)
class Outcome:
    """One run, judged."""

    row: Row
    seed: int
    reports: dict[str, dict[str, Any]]
    """Set -> the report as JSON (format wildpose-evaluation/1)."""


def run_queue(
    plan: Plan, rows: Sequence[Row], workers: Workers = ALONE, notify: Notify = tell
) -> Iterator[list[Outcome]]:
    """All runs, seed by seed; yields the outcomes so far after each. Every process must iterate; the leader judges.

    Raises InputError where a folder holds a run of other settings, data or another start, and what run_phase raises.
    """
    runs = [(row, seed) for seed in range(plan.seeds) for row in rows if row.trained or seed == 0]
    outcomes: list[Outcome] = []
    for number, (row, seed) in enumerate(runs, 1):
        if workers.leads:
            notify(f"run {number} of {len(runs)}: {row.name}, seed {seed}, in {plan.folder(row, seed)}")
        reports = run_one(plan, row, seed, workers, notify)
        outcomes.append(Outcome(row, seed, reports))
        yield outcomes


def run_one(plan: Plan, row: Row, seed: int, workers: Workers = ALONE, notify: Notify = tell) -> dict[str, Any]:
    """Train one run to its end, if it isn't there yet, and judge it on the sets it wasn't judged on yet."""
    folder, config, start = plan.folder(row, seed), settings_of(row, plan.base, seed), plan.starts[row.start]
    if workers.leads:
        _claim(folder, row, config, start, plan.data.digest)
    workers.meet()  # the others wait until the folder is found to be this run's
    checkpoint = start if not row.trained else _finished(folder, config)
    if checkpoint is None:
        data = plan.data.in_phase(config.adversarial.mix)
        checkpoint = run_phase(config, "adversarial", data, folder, start, notify=notify, workers=workers)
    if not workers.leads:
        return {}
    return _judged(folder / "evaluation.json", checkpoint, plan.judges, workers.device)


def _claim(folder: Path, row: Row, config: TrainConfig, start: Path, data: str) -> None:
    """Note what this folder is for, or find that it is for just that."""
    settings = json.loads(json.dumps(asdict(config))) if row.trained else None
    wanted = {"format": FORMAT, "row": row.name, "start": _digest(start), "settings": settings, "data": data}
    path = folder / "run.json"
    if path.is_file():
        if {"data": data} | _read(path) != wanted:  # runs of before 28 November 2026 didn't note it
            fix = "give another --out, or the settings, steps, data and pretrained weights of that run"
            raise InputError(f"a run of these settings in {folder}", "one of others", fix)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write(path, wanted)


def _digest(checkpoint: Path) -> str:
    return read_checkpoint(checkpoint)[0]["sha256"]["average.safetensors"]


def _finished(folder: Path, config: TrainConfig) -> Path | None:
    latest = latest_checkpoint(folder / "adversarial")
    end = checkpoint_path(folder / "adversarial", config.adversarial.steps)
    return end if latest == end else None


def _judged(path: Path, checkpoint: Path, judges: Sequence[Judge], device: torch.device) -> dict[str, Any]:
    digest = _digest(checkpoint)
    known = _read(path) if path.is_file() else {}
    reports = known.get("reports", {}) if known.get("sha256") == digest else {}
    missing = [judge for judge in judges if judge.protocol not in reports]
    if missing:
        network = load_network(checkpoint, device)
        for judge in missing:
            reports[judge.protocol] = json.loads(judge.evaluate(network).json())
            _write(path, {"format": FORMAT, "sha256": digest, "reports": reports})
    return {judge.name: reports[judge.protocol] for judge in judges}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found
    except (OSError, ValueError) as error:
        raise InputError(f"JSON written by wildpose reproduce in {path}", str(error), "remove that file") from None


def _write(path: Path, content: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=1))
    os.replace(draft, path)
