"""Training of the detector, from its data to a checkpoint.

    wildpose detector train --lsp DIR --lspet DIR --outdoor DIR --out runs/detector

OUT holds log.jsonl, curves.png and step-NNNNNN/. The same command goes on after a kill or Ctrl-C from the last
checkpoint; batch k depends on the seed and k alone.
"""

import math
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from wildpose.data.mix import each_once
from wildpose.detector.data import PeopleData, SceneBatches
from wildpose.detector.model import BOX_WEIGHT, PeopleNet, Wanted, losses, maps
from wildpose.detector.validate import empty, judge, photos
from wildpose.errors import InputError
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.detect import PACKAGED, Detections, Detector, look
from wildpose.stored import weights_of
from wildpose.train.checkpoint import latest_checkpoint, read_checkpoint, restore_optimiser, save_checkpoint, tidy
from wildpose.train.guard import Interrupted, StopRequest, full_disk_told, only_writer
from wildpose.train.loader import load
from wildpose.train.log import Log, Means, Pace, draw_curves
from wildpose.train.precision import bfloat16_is_fast

WEIGHT_DECAY, CLIP = 0.02, 5.0
LEAST_SCORE = 0.05
"""Boxes less sure than this are not looked at in a validation."""


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """Settings of a run."""

    steps: int = 11500
    """Optimiser steps in all; the learning rate falls to nothing at the end."""
    batch: int = 16
    side_px: int = 256
    """Side of the pictures."""
    lr: float = 2e-3
    """Peak learning rate, of AdamW."""
    warmup_steps: int = 150
    average: float = 0.998
    """How much of the averaged weights stays at a step; those are validated and exported."""
    seed: int = 0
    bfloat16: bool = True
    """Where the processor is fast in it."""
    log_every: int = 50
    validate_every: int = 1000
    checkpoint_every_s: float = 120.0


class DetectorTraining:
    """Network, its running average, optimiser, and where the run stands."""

    def __init__(self, config: DetectorConfig):
        torch.manual_seed(config.seed)
        self.config, self.step, self.means = config, 0, Means()
        self.started_from: dict[str, Any] | None = None  # training of other weights, for the weights file
        self.learnt_from: list[dict[str, Any]] = []  # the data of those, or of a run that goes on
        self.network = PeopleNet().to(memory_format=torch.channels_last)
        self.average = PeopleNet().to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.lr, weight_decay=WEIGHT_DECAY, fused=True)

    def advance(self, images_rgb: torch.Tensor, wanted: Wanted) -> dict[str, float]:
        """One step; the unweighted losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.config, self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16 and bfloat16_is_fast("cpu")):
            found = self.network(images_rgb)
        terms = losses(found, wanted)
        self.optimiser.zero_grad(set_to_none=True)
        (terms["middle"] + BOX_WEIGHT * terms["box"]).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        if not torch.isfinite(norm):
            values = {name: float(term) for name, term in terms.items()}
            raise RuntimeError(f"the gradient of step {self.step} is not finite: {values}")
        self.optimiser.step()
        self.step += 1
        self._update_average()
        return {name: float(term.detach()) for name, term in terms.items()}

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.config.average, self.step / (self.step + 10))
        for averaged, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if averaged.is_floating_point():
                averaged.lerp_(now, 1 - keep)
            else:
                averaged.copy_(now)

    def start_from(self, source: Path) -> None:
        """Weights of a detector's checkpoint, or of an exported file ("default": the one in the package)."""
        if source.is_dir():
            state, tensors = read_detector(source)
            weights, self.started_from, self.learnt_from = tensors["average"], training_of(state), state["data"]
        else:
            metadata, weights = read_file(str(source))
            self.started_from, self.learnt_from = metadata["training"], metadata["training_data"]
        for network in (self.network, self.average):
            missing, unexpected = network.load_state_dict(weights, strict=False)
            if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
                raise InputError("weights of this network", f"others in {source}", "mend --init")

    def save(self, folder: Path, sources: tuple[dict[str, Any], ...]) -> Path:
        state = {"step": self.step, "phase": "detector", "config": asdict(self.config), "means": asdict(self.means)}
        state |= {"started_from": self.started_from} if self.started_from else {}
        networks = {"network": self.network, "average": self.average}
        state |= {"sources": list(sources), "data": each_once([*self.learnt_from, *sources])}
        return save_checkpoint(folder, networks, [self.optimiser], state)

    def resume(self, checkpoint: Path, sources: tuple[dict[str, Any], ...]) -> None:
        """InputError for a mean of detectors, settings (but steps) or sets that aren't those of the run."""
        state, tensors = read_detector(checkpoint)
        fix = "give the options of that run (--steps may differ), or another --out and --init"
        if "mean_of" in state:
            raise InputError(f"a run to go on with in {checkpoint.parent}", "a mean of detectors", fix)
        others = {**state["config"], "steps": 0} != {**asdict(self.config), "steps": 0}
        if others or state.get("sources", list(sources)) != list(sources):
            raise InputError(f"the settings and sets of the run in {checkpoint.parent}", "others", fix)
        self.learnt_from = state["data"]
        self.network.load_state_dict(tensors["network"])
        self.average.load_state_dict(tensors["average"])
        restore_optimiser(self.optimiser, tensors["optimiser-0"])
        self.step, self.means = state["step"], Means(**state["means"])
        self.started_from = state.get("started_from")


def learning_rate(config: DetectorConfig, step: int) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    rise = min(1.0, (step + 1) / config.warmup_steps)
    done = min(1.0, step / config.steps)
    return config.lr * rise * 0.5 * (1 + math.cos(math.pi * done))


def read_detector(checkpoint: Path) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """State and tensors of a checkpoint of this module. InputError for another's."""
    state, tensors = read_checkpoint(checkpoint)
    if state.get("phase") != "detector":
        raise InputError(f"a detector's checkpoint at {checkpoint}", f"one of {state.get('phase')}", "name another")
    return state, tensors


def load_network(checkpoint: Path) -> tuple[PeopleNet, dict[str, Any]]:
    """The averaged network of a checkpoint, in evaluation mode, and the checkpoint's state."""
    state, tensors = read_detector(checkpoint)
    network = PeopleNet()
    network.load_state_dict(tensors["average"])
    return network.eval().requires_grad_(False), state


def training_of(state: dict[str, Any]) -> dict[str, Any]:
    """What a state says of the training, that of the weights it started from or is the mean of included."""
    if "mean_of" in state:
        return {"mean_of": state["mean_of"]}
    before = {"started_from": state["started_from"]} if "started_from" in state else {}
    return {**state["config"], "steps": state["step"], **before}


def read_file(detector: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """A detector file's metadata, and its weights by their names in the network. InputError for what isn't one."""
    import onnx

    metadata = Detector.load(detector).metadata  # checks format and digest
    path = PACKAGED if detector == "default" else Path(detector)
    arrays = weights_of(onnx.load_from_string(path.read_bytes()).graph)
    prefix = "network."
    names = {name: name.removeprefix(prefix) for name in arrays if name.startswith(prefix)}
    return metadata, {short: torch.from_numpy(arrays[name].copy()) for name, short in names.items()}


def train_detector(
    config: DetectorConfig, data: PeopleData, out: Path, stop_at: int | None = None, init: Path | None = None
) -> Path:
    """Train to the last step, or to step `stop_at`, or go on with what is in `out`; returns the last checkpoint.

    init: a checkpoint or an exported file to begin from, in place of random weights.

    Raises Interrupted after SIGTERM or Ctrl-C, InputError for damaged checkpoints, those of other settings or sets, a
    folder that another run writes, a full disk.
    """
    out.mkdir(parents=True, exist_ok=True)
    end = min(config.steps, stop_at or config.steps)
    with full_disk_told(out), only_writer(out, _tell):
        tidy(out, _tell)
        training = DetectorTraining(config)
        found = latest_checkpoint(out)
        if found:
            training.resume(found, data.sources)
            _tell(f"goes on from {found}")
        elif init:
            training.start_from(init)
        log = Log(out / "log.jsonl", training.step)
        saved, pace, checkpoint = time.monotonic(), Pace(), found
        bar = tqdm(total=config.steps, initial=training.step, disable=None)
        scenes = SceneBatches(data, config.batch, config.side_px, config.seed)
        with bar, StopRequest() as stop, closing(load(scenes, range(training.step, end))) as batches:
            for images_rgb, wanted in pace.timed(batches):
                training.means.add(training.advance(images_rgb, wanted))
                bar.update()
                last = training.step == end
                if training.step % config.log_every == 0 or last:
                    log.write("train", training.step, training.means.take() | pace.take(config.batch))
                if training.step % config.validate_every == 0 or last:
                    figures = validate(training.average, data, config.side_px)
                    log.write("validation", training.step, figures)
                    _tell(f"step {training.step} " + " ".join(f"{k} {v:.3f}" for k, v in figures.items()))
                    draw_curves(out)
                    pace.restart()
                if time.monotonic() - saved > config.checkpoint_every_s or last or stop.number:
                    checkpoint, saved = training.save(out, data.sources), time.monotonic()
                if stop.number:
                    raise Interrupted(stop.number, checkpoint)
    return checkpoint


def validate(network: PeopleNet, data: PeopleData, side_px: int) -> dict[str, float]:
    """Recall on every second held-out photo, boxes a photo, false alarms a people-free view, all at score 0.3."""

    def run(images_rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            scores, boxes = maps(network(torch.from_numpy(images_rgb)))
        return scores.numpy(), boxes.numpy()

    def find(image_rgb: np.ndarray) -> Detections:
        return look(run, ImagePyramid(image_rgb), side_px, LEAST_SCORE)

    figures: dict[str, float] = {}
    for name, samples in data.photos_val:
        outcome = judge(find, photos(samples, every=2))
        figures |= {f"{name}_recall": outcome.recall(0.3), f"{name}_boxes": outcome.per_picture(0.3)}
    figures["false_alarms"] = judge(find, empty(data.views_val)).per_picture(0.3)
    return figures


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
