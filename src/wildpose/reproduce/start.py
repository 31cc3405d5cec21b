"""The pretrained state that all rows start from."""

from collections.abc import Sequence
from pathlib import Path

from wildpose.config import TrainConfig, from_dict, override
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.reproduce.rows import Row
from wildpose.train.checkpoint import latest_checkpoint, read_checkpoint
from wildpose.train.loop import run_phase
from wildpose.train.workers import ALONE, Workers


def pretrain(config: TrainConfig, data: TrainData, folder: Path, workers: Workers = ALONE) -> Path:
    """Both pretraining phases into `folder`, or what is left of them; returns the folder."""
    for phase in ("pretrain-2d", "pretrain-3d"):
        run_phase(config, phase, data.in_phase(config.phase(phase).mix), folder, workers=workers)
    return folder


def base_settings(pretrained: Path, changes: tuple[str, ...]) -> TrainConfig:
    """The settings of the pretrained run, changed."""
    state = read_checkpoint(_last(pretrained, "pretrain-3d"))[0]
    return override(from_dict(TrainConfig, state["config"]), changes)


def find_starts(pretrained: Path, rows: Sequence[Row]) -> dict[str, Path]:
    """Phase -> its last checkpoint, for the phases that rows start from; InputError if one isn't there."""
    return {phase: _last(pretrained, phase) for phase in sorted({row.start for row in rows})}


def _last(pretrained: Path, phase: str) -> Path:
    found = latest_checkpoint(pretrained / phase)
    if found is None:
        fix = f"give the folder of a run of `wildpose train {phase}`, which holds {phase}/step-..."
        raise InputError(f"a checkpoint of {phase} in {pretrained}", "none", fix)
    return found
