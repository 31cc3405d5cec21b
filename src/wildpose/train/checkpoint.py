"""Checkpoints: safetensors for every tensor, JSON for the rest; nothing is pickled. A checkpoint is a folder
`step-000500/` that appears whole or not at all (written beside under another name, then renamed).

    generator.safetensors  average.safetensors (EMA of G)  discriminator.safetensors
    optimiser-0.safetensors ...  state.json (step, phase, settings, sha256 of each file and of itself)
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from wildpose.errors import InputError

KEEP = 2
"""Checkpoints kept: the latest, and one before in case the latest is damaged."""


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """State of each parameter by its number; hyper-parameters are not state: they follow from settings and step."""
    state = optimiser.state_dict()["state"]
    return {f"{i}/{name}": torch.as_tensor(value) for i, entry in state.items() for name, value in entry.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        i, name = key.split("/")
        like = parameters[int(i)]
        # Moments must lie in memory as their parameter does (channels_last): fused optimisers pair them by address.
        entry = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(i), {})[name] = entry
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def checkpoint_path(run: Path, step: int) -> Path:
    return run / f"step-{step:06d}"


def save_checkpoint(
    run: Path,
    networks: dict[str, nn.Module],
    optimisers: list[torch.optim.Optimizer],
    state: dict[str, Any],
    keep: int | None = KEEP,
) -> Path:
    """Write `run/step-NNNNNN`; state must hold `step`. Older checkpoints but `keep` are removed afterwards; None: none.

    Whatever goes wrong (OSError: the disk is full), the checkpoints that were there stay as they were.
    """
    target = checkpoint_path(run, state["step"])
    draft = run / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        digests = {}
        for file, tensors in _contents(networks, optimisers).items():
            data = save_tensors({k: v.contiguous() for k, v in tensors.items()})
            digests[file] = hashlib.sha256(data).hexdigest()
            _write(draft / file, data)
        state = {**state, "sha256": digests}
        _write(draft / "state.json", json.dumps({**state, "state_sha256": _digest(state)}, indent=1).encode())
        _sync_folder(draft)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(draft, target)
        _sync_folder(run)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for old in checkpoints(run)[:-keep] if keep else []:
        os.replace(old, draft)  # gone at once: a kill half-way through leaves a draft, not a damaged checkpoint
        shutil.rmtree(draft)
    return target


def _contents(networks: dict[str, nn.Module], optimisers: list[torch.optim.Optimizer]) -> dict[str, dict[str, Any]]:
    files = {f"{name}.safetensors": network.state_dict() for name, network in networks.items()}
    return files | {f"optimiser-{i}.safetensors": optimiser_tensors(o) for i, o in enumerate(optimisers)}


def _digest(state: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """The names in a folder are data too: without this a rename may be lost with the power."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checkpoints(run: Path) -> list[Path]:
    """Checkpoints of a run, oldest first; each was whole when it was written."""
    found = [p for p in run.glob("step-*") if p.name[5:].isdigit() and p.is_dir()]
    return sorted(found, key=lambda p: int(p.name[5:]))


def latest_checkpoint(run: Path) -> Path | None:
    found = checkpoints(run)
    return found[-1] if found else None


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """State and tensors by file stem; InputError if a file is missing or isn't what was written."""
    state = _read_state(path)
    tensors = {}
    for file, digest in state["sha256"].items():
        data = (path / file).read_bytes() if (path / file).is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            fix = "use the checkpoint before it"
            raise InputError(f"{path / file} with sha256 {digest[:12]}...", f"{len(data)} other bytes", fix)
        tensors[file.removesuffix(".safetensors")] = load_tensors(data)
    return state, tensors


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads((path / "state.json").read_text())
        digest = state.pop("state_sha256", None)  # checkpoints of the first version have none
        if digest not in (None, _digest(state)):
            raise ValueError("a state.json that was changed")
        return {**state, "sha256": dict(state["sha256"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fix = "give a folder such as RUN/step-001000"
        raise InputError(f"a checkpoint folder at {path}", str(error), fix) from None


def tidy(run: Path, warn: Callable[[str], None]) -> None:
    """Before a run goes on: remove what a killed writer left, and put damaged checkpoints aside, so that the latest is
    sound. For the run's only writer. InputError where all are damaged: to start anew then is the user's decision."""
    for draft in run.glob(".draft-*"):
        shutil.rmtree(draft)
    damaged: list[Path] = []
    for path in reversed(checkpoints(run)):
        try:
            read_checkpoint(path)
            break
        except InputError as error:
            warn(f"warning: damaged checkpoint: {error}")
            damaged.append(path)
    else:
        if damaged:
            raise InputError(f"a sound checkpoint in {run}", "damaged ones only", "remove the folder to start anew")
    for path in damaged:
        aside = path.with_name(f"damaged-{path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(path, aside)
        warn(f"warning: put aside as {aside}; the one before is used")
