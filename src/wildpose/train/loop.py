"""One phase, from its settings to its last checkpoint.

    wildpose train pretrain-2d --preset small --lsp DIR --lspet DIR --out runs/a
    wildpose train pretrain-3d --preset small --lsp DIR --lspet DIR --studio DIR --out runs/a
    wildpose train adversarial --preset small --lsp DIR --lspet DIR --studio DIR --out runs/a

A phase lives in `OUT/PHASE`: config.json, log.jsonl, curves.png, step-NNNNNN/. Started again, it goes on from its last
checkpoint; batch k depends on the seed and k alone, so the result is that of an undisturbed run.
"""

import copy
import dataclasses
import json
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import nn
from tqdm import tqdm

from wildpose.codec import HeatmapCodec
from wildpose.config import PHASES, Phase, PhaseConfig, TrainConfig, from_dict
from wildpose.data.batches import Batches
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.models.discriminator import Discriminator
from wildpose.models.generator import Generator
from wildpose.train.checkpoint import (
    latest_checkpoint,
    read_checkpoint,
    restore_optimiser,
    save_checkpoint,
)
from wildpose.train.log import Log, draw_curves
from wildpose.train.steps import adversarial_step, supervised_step
from wildpose.train.validate import validate_2d, validate_3d


class Training:
    """Networks, optimisers and step counter of one phase."""

    def __init__(self, config: TrainConfig, phase: Phase):
        torch.manual_seed(config.seed)
        self.config, self.phase, self.settings = config, phase, config.phase(phase)
        self.step = 0
        self.origin: dict[str, Any] = {"history": [], "data": []}
        self.generator = _channels_last(Generator(config.model)).requires_grad_(False)
        self.average = copy.deepcopy(self.generator).eval()
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "average": self.average}
        self.optimisers = [_optimiser(config, self.generator, self.settings.lr)]
        if phase == "adversarial":
            self.discriminator = Discriminator(config.discriminator, config.model).requires_grad_(False)
            self.networks["discriminator"] = self.discriminator
            lr = config.adversarial_loss.lr_discriminator
            self.optimisers.append(torch.optim.Adam(self.discriminator.parameters(), lr, betas=(0.5, 0.999)))
        self.codec = HeatmapCodec(config.model.input_px, config.model.heatmap_px, config.model.sigma_px)

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def start_from(self, checkpoint: Path) -> None:
        """Weights of an earlier phase: its average where it kept one."""
        state, tensors = read_checkpoint(checkpoint)
        ours, theirs = self.config.model, from_dict(TrainConfig, state["config"]).model
        if dataclasses.replace(theirs, depth_readout=ours.depth_readout, depth_stages=ours.depth_stages) != ours:
            raise InputError(f"weights of {ours}", f"{theirs} in {checkpoint}", "use the same preset")
        weights = tensors["average"]
        if state["phase"] == PHASES[0]:  # its depth module never learnt anything: any will do
            weights = {k: v for k, v in weights.items() if k.startswith("pose_2d.")}
        for network in (self.generator, self.average):
            missing, unexpected = network.load_state_dict(weights, strict=False)
            if unexpected or any(not name.startswith("depth.") for name in missing):
                raise InputError(f"weights of {ours}", f"others in {checkpoint}", "use the same preset")
        self.origin = {name: state[name] for name in ("history", "data")}

    def resume(self, checkpoint: Path) -> None:
        state, tensors = read_checkpoint(checkpoint)
        if from_dict(TrainConfig, state["config"]) != self.config:
            fix = "give the settings of that run, or another --out"
            raise InputError(f"the settings of the run in {checkpoint.parent}", "other settings", fix)
        for name, network in self.networks.items():
            network.load_state_dict(tensors[name])
        for i, optimiser in enumerate(self.optimisers):
            restore_optimiser(optimiser, tensors[f"optimiser-{i}"])
        self.step = state["step"]
        self.origin = {name: state[name] for name in ("history", "data", "bone_sum_mm") if name in state}

    def describe(self, data: TrainData) -> None:
        """Note this phase and its data, for the checkpoint and in the end for the weights file."""
        if self.step == 0:  # a resumed run has noted it already
            entry = {"phase": self.phase, "steps": 0, "batch": self.config.batch}
            known = {source["name"]: source for source in (*self.origin["data"], *data.sources)}
            self.origin = {"history": [*self.origin["history"], entry], "data": list(known.values())}
        if data.bone_sum_mm is not None and self.phase != PHASES[0]:
            self.origin["bone_sum_mm"] = data.bone_sum_mm

    def save(self, folder: Path) -> Path:
        if self.origin["history"]:
            self.origin["history"][-1]["steps"] = self.step
        state = {"step": self.step, "phase": self.phase, "config": asdict(self.config), **self.origin}
        return save_checkpoint(folder, self.networks, self.optimisers, state)

    def advance(self, batch) -> dict[str, float]:
        """One optimiser step (in the adversarial phase one of D and one of G), and the average."""
        config, settings = self.config, self.settings
        for group in self.optimisers[0].param_groups:
            group["lr"] = learning_rate(settings, config.schedule, self.step)
        if self.phase == "adversarial":
            networks = (self.generator, self.discriminator)
            values = adversarial_step(*networks, self.optimisers, batch, config, self.codec, self.autocast, self.step)
        else:
            frozen = self.step < settings.head_only_steps
            depth_weight = settings.depth_weight
            values = supervised_step(
                self.generator, self.optimisers[0], batch, config, depth_weight, frozen, self.autocast, self.step
            )
        self.step += 1
        update_average(self.average, self.generator, config.ema, self.step)
        return values


def _channels_last(network: nn.Module) -> nn.Module:
    return network.to(memory_format=torch.channels_last)


def _optimiser(config: TrainConfig, network: nn.Module, lr: float) -> torch.optim.Optimizer:
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(network.parameters(), lr, alpha=0.99, eps=1e-8)
    # beta2 as RMSprop's alpha above: a burst of gradient is forgotten in hundreds of steps, not thousands.
    return torch.optim.AdamW(network.parameters(), lr, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True)


def learning_rate(settings: PhaseConfig, schedule: str, step: int) -> float:
    """Linear warm-up, then constant or a cosine to zero at the last step."""
    warm = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    if schedule == "constant":
        return settings.lr * warm
    return settings.lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / settings.steps)))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """EMA of weights and batch statistics; early on it follows faster, so that it doesn't remember the start."""
    keep = min(decay, step / (step + 10))
    for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if a.is_floating_point():
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


def run_phase(
    config: TrainConfig,
    phase: Phase,
    data: TrainData,
    out: Path,
    init: Path | None = None,
    steps: int | None = None,
    notify: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> Path:
    """Train a phase to its end (or to `steps`, to be resumed later); returns its last checkpoint.

    Starts from `init` (a checkpoint), or else from the phase before it in `out`, or else from scratch (phase 1 only).
    """
    folder = out / phase
    folder.mkdir(parents=True, exist_ok=True)
    training = Training(config, phase)
    checkpoint = latest_checkpoint(folder)
    if checkpoint:
        training.resume(checkpoint)
        notify(f"{phase}: goes on from {checkpoint}")
    elif init or phase != PHASES[0]:
        training.start_from(init or _previous(out, phase))
    training.describe(data)
    _write_settings(folder / "config.json", config)
    log = Log(folder / "log.jsonl", training.step)
    end = min(training.settings.steps, steps or training.settings.steps)
    _fit(training, data, folder, end, log, notify)
    draw_curves(folder)
    return folder / f"step-{training.step:06d}"


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


def _fit(training: Training, data: TrainData, folder: Path, end: int, log: Log, notify: Callable[[str], None]) -> None:
    config, settings = training.config, training.settings
    seed = (config.seed, PHASES.index(training.phase))
    batches = Batches(
        data.wild, data.studio, config.batch, settings.batch_3d, config.model, config.augment, seed
    )
    cv2.setNumThreads(1)  # a loader forked from a process with OpenCV's threads running waits for them for ever
    loader = torch.utils.data.DataLoader(
        batches, batch_size=None, sampler=range(training.step, end), num_workers=1, prefetch_factor=8
    )
    sums: dict[str, float] = defaultdict(float)
    saved = began = time.monotonic()
    waited = 0.0
    bar = tqdm(total=settings.steps, initial=training.step, desc=training.phase, disable=not sys.stderr.isatty())
    asked = time.monotonic()
    for batch in loader:
        waited += time.monotonic() - asked
        for name, value in training.advance(batch).items():
            sums[name] += value
        bar.update()
        if training.step % config.log_every == 0 or training.step == end:
            elapsed = time.monotonic() - began
            count = (training.step - 1) % config.log_every + 1
            means = {name: total / count for name, total in sums.items()}
            speed = {"images_s": count * config.batch / elapsed, "wait_share": waited / elapsed}
            log.write("train", training.step, means | speed)
            notify(_line(training, means | speed)) if bar.disable else bar.set_postfix_str(_line(training, means))
            sums.clear()
            began, waited = time.monotonic(), 0.0
        if training.step % config.validate_every == 0 or training.step == end:
            figures = validate(training, data)
            log.write("validation", training.step, figures)
            notify(f"{training.phase} step {training.step} validation " + _figures(figures))
            draw_curves(folder)
            began = time.monotonic()
        if time.monotonic() - saved > config.checkpoint_every_s or training.step == end:
            training.save(folder)
            saved = time.monotonic()
        asked = time.monotonic()
    bar.close()


def validate(training: Training, data: TrainData) -> dict[str, float]:
    figures: dict[str, float] = {}
    if data.wild_val is not None:
        figures |= validate_2d(training.average, data.wild_val)
    if data.studio_val is not None and data.bone_sum_mm is not None and training.phase != PHASES[0]:
        figures |= validate_3d(training.average, data.studio_val, data.bone_sum_mm)
    return figures


def _figures(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items())


def _line(training: Training, values: dict[str, float]) -> str:
    return f"{training.phase} step {training.step}/{training.settings.steps} {_figures(values)}"
