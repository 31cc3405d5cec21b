"""Checkpoints: safetensors for every tensor, JSON for the rest; nothing is pickled. A checkpoint is a folder
`step-000500/` that appears whole or not at all (written beside under another name, then renamed).

    generator.safetensors  average.safetensors (EMA of G)  discriminator.safetensors
    optimiser-0.safetensors ...  state.json (step, phase, settings, sha256 of each file)
"""

import hashlib
import json
import os
import shutil
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


def save_checkpoint(
    run: Path,
    networks: dict[str, nn.Module],
    optimisers: list[torch.optim.Optimizer],
    state: dict[str, Any],
) -> Path:
    """Write `run/step-NNNNNN`; state must hold `step`. Older checkpoints but KEEP are removed afterwards."""
    target = run / f"step-{state['step']:06d}"
    draft = run / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    contents = {f"{name}.safetensors": network.state_dict() for name, network in networks.items()}
    contents |= {f"optimiser-{i}.safetensors": optimiser_tensors(o) for i, o in enumerate(optimisers)}
    digests = {}
    for file, tensors in contents.items():
        data = save_tensors({k: v.contiguous() for k, v in tensors.items()})
        digests[file] = hashlib.sha256(data).hexdigest()
        _write(draft / file, data)
    _write(draft / "state.json", json.dumps({**state, "sha256": digests}, indent=1).encode())
    shutil.rmtree(target, ignore_errors=True)
    os.replace(draft, target)
    for old in checkpoints(run)[:-KEEP]:
        shutil.rmtree(old)
    return target


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints of a run, oldest first."""
    return sorted(p for p in run.glob("step-*") if (p / "state.json").is_file())


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """State and tensors by file stem; InputError if a file is missing or isn't what was written."""
    try:
        state = json.loads((path / "state.json").read_text())
        digests = state["sha256"]
    except (OSError, ValueError, KeyError) as error:
        fix = "give a folder such as RUN/step-001000"
        raise InputError(f"a checkpoint folder at {path}", str(error), fix) from None
    tensors = {}
    for file, digest in digests.items():
        data = (path / file).read_bytes() if (path / file).is_file() else b""
        if hashlib.sha256(data).hexdigest() != digest:
            fix = "use the checkpoint before it"
            raise InputError(f"{path / file} with sha256 {digest[:12]}...", f"{len(data)} other bytes", fix)
        tensors[file.removesuffix(".safetensors")] = load_tensors(data)
    return state, tensors


def latest_checkpoint(run: Path) -> Path | None:
    found = checkpoints(run)
    return found[-1] if found else None
