"""The state of one phase: networks, optimisers, step counter; where they come from and how they are kept."""

import copy
import dataclasses
import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wildpose.codec import HeatmapCodec
from wildpose.config import PHASES, Phase, PhaseConfig, TrainConfig, from_dict
from wildpose.data.mix import TrainData, each_once
from wildpose.errors import InputError
from wildpose.models.discriminator import Discriminator
from wildpose.models.generator import Generator
from wildpose.train.checkpoint import checkpoint_path, read_checkpoint, restore_optimiser, save_checkpoint
from wildpose.train.grow import with_more_stacks
from wildpose.train.log import Means
from wildpose.train.muon import Muon
from wildpose.train.precision import working_dtype
from wildpose.train.start import read_start
from wildpose.train.workers import ALONE, Workers, join_norms


class Training:
    """Networks, optimisers and step counter of one phase, on the device of this process.

    How many processes there are, in how many passes each takes its share (`accumulate`), and whether G's passes are
    `compiled` (torch.compile) is no setting of the run: a checkpoint may be resumed with others. Raises InputError if
    a batch can't be shared out evenly.
    """

    def __init__(
        self,
        config: TrainConfig,
        phase: Phase,
        workers: Workers = ALONE,
        accumulate: int = 1,
        compiled: bool = False,
    ):
        self.config, self.phase, self.settings = config, phase, config.phase(phase)
        self.workers, self.accumulate = workers, accumulate
        self.dtype = working_dtype(config.precision, workers.device.type)
        check_shares(config.batch, self.settings.batch_3d, workers.count, accumulate)
        torch.manual_seed(config.seed)
        self.step = 0
        self.origin: dict[str, Any] = {"history": [], "data": []}
        self._begun_from = f"seed {config.seed}"  # or a digest of the weights that it starts from
        self.means = Means()
        self.generator = self._placed(Generator(config.model))
        self.average = copy.deepcopy(self.generator).eval()
        join_norms(self.generator, workers)
        if compiled:
            self.generator.compile_parts()
        self.networks: dict[str, nn.Module] = {"generator": self.generator, "average": self.average}
        self.optimisers = [_optimiser(config, self.generator, self.settings.lr, self.dtype)]
        if phase == "adversarial":
            check_sides(config)
            self.discriminator = self._placed(Discriminator(config.discriminator, config.model), channels_last=False)
            self.networks["discriminator"] = self.discriminator
            lr = config.adversarial_loss.lr_discriminator
            self.optimisers.append(torch.optim.Adam(self.discriminator.parameters(), lr, betas=(0.5, 0.999)))
        self.codec = HeatmapCodec(config.model.input_px, config.model.heatmap_px, config.model.sigma_px)

    def _placed(self, network: nn.Module, channels_last: bool = True) -> nn.Module:
        layout = torch.channels_last if channels_last else torch.preserve_format
        return network.to(self.workers.device, memory_format=layout).requires_grad_(False)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.workers.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def start_from(self, source: Path) -> None:
        """Weights of an earlier phase: the average that its checkpoint kept, or a weights file.

        It may have been trained at another input size, as the network is convolutions all through, or with fewer
        stacks: it says the same at first, then (train/grow.py).
        """
        start = read_start(source)
        ours = self.config.model
        left_free = ("depth_readout", "depth_stages", "input_px", "sigma_px", "refiner_width", "refiner_places_width")
        free = {name: getattr(ours, name) for name in left_free}
        fitting = dataclasses.replace(start.model, **free, stacks=max(start.model.stacks, ours.stacks))
        if fitting != ours:
            needed = {k: v for k, v in asdict(fitting).items() if v != getattr(ours, k)}
            fix = "use the preset that they are of, or --set " + " ".join(f"model.{k}={v}" for k, v in needed.items())
            got = ", ".join(f"{k} {v}" for k, v in needed.items())
            expected = ", ".join(f"{k} {getattr(ours, k)}" for k in needed)
            raise InputError(f"weights of a network of {expected}", f"{got} in {source}", fix)
        weights = with_more_stacks(start.weights, start.model.stacks, ours.stacks)
        if start.phase == PHASES[0]:  # its depth module never learnt anything: any will do
            weights = {k: v for k, v in weights.items() if k.startswith("pose_2d.")}
        sizes = ("refiner_width", "refiner_places_width")
        if any(getattr(ours, size) != getattr(start.model, size) for size in sizes):
            # it corrected the errors of the network that it was made for; or one of another size is to be learnt
            weights = {k: v for k, v in weights.items() if not k.startswith("refiner.")}
        for network in (self.generator, self.average):
            missing, unexpected = network.load_state_dict(weights, strict=False)
            missing = [name for name in missing if not name.endswith("num_batches_tracked")]  # counts, used by nothing
            if unexpected or any(not name.startswith(("depth.", "refiner.")) for name in missing):
                raise InputError(f"weights of {ours}", f"others in {source}", "use the preset that they are of")
        self.origin, self._begun_from = dict(start.origin), digest_of(start.weights)

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
        self.means = Means(**state.get("log", {}))
        self.origin = {name: state[name] for name in ("history", "data", "digest", "bone_sum_mm") if name in state}

    def describe(self, data: TrainData) -> None:
        """Note this phase and its data, for the checkpoint and in the end for the weights file. InputError if a resumed
        run has other data."""
        if self.origin.get("digest", data.digest) != data.digest:
            fix = "give the sets of that run as they were, or --init and another --out"
            expected = f"the data of the run that stopped at step {self.step}"
            raise InputError(expected, "other sets, labels or shares", fix)
        if self.step == 0:  # a resumed run has noted it already
            entry = {"phase": self.phase, "steps": 0, "batch": self.config.batch, "run": self._name(data)}
            learnt_from = each_once([*self.origin["data"], *data.sources])
            self.origin = {"history": [*self.origin["history"], entry], "data": learnt_from, "digest": data.digest}
        if data.bone_sum_mm is not None and self.phase != PHASES[0]:
            self.origin["bone_sum_mm"] = data.bone_sum_mm

    def _name(self, data: TrainData) -> str:
        """Of this run: the same settings, data and start give the same, so that `merge` knows what branches share."""
        told = json.dumps([self.phase, asdict(self.config), data.digest, self._begun_from])
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    def save(self, folder: Path) -> Path:
        """Write a checkpoint, if this is the process that writes; returns its place."""
        if self.origin["history"]:
            self.origin["history"][-1]["steps"] = self.step
        state = {"step": self.step, "phase": self.phase, "config": asdict(self.config), "log": asdict(self.means)}
        state |= self.origin
        if not self.workers.leads:
            return checkpoint_path(folder, self.step)
        return save_checkpoint(folder, self.networks, self.optimisers, state)


def digest_of(weights: dict[str, torch.Tensor]) -> str:
    """A short name for weights: the first digits of the SHA-256 of their bytes, by name."""
    told = hashlib.sha256()
    for name in sorted(weights):
        told.update(name.encode() + weights[name].contiguous().cpu().numpy().tobytes())
    return told.hexdigest()[:12]


def check_shares(batch: int, batch_3d: int, workers: int, accumulate: int = 1) -> None:
    """InputError unless a batch falls into equal shares for all processes and passes."""
    parts = workers * accumulate
    if accumulate < 1 or batch % parts or batch_3d % parts:
        of = f"{parts} equal shares ({workers} processes x --accumulate {accumulate})"
        raise InputError(
            f"batch and batch_3d in {of}", f"{batch} and {batch_3d}", "mend --set batch and PHASE.batch_3d"
        )


def check_sides(config: TrainConfig) -> None:
    """Phase 3 needs samples with 3D labels for D, and others as well if D compares predictions for both. InputError."""
    batch_3d, most = config.adversarial.batch_3d, config.batch
    most -= config.adversarial_loss.true_side == "predictions"
    if not 0 < batch_3d <= most:
        expected = f"from 1 to {most} samples with 3D labels in every batch of {config.batch}, for D to tell apart"
        raise InputError(expected, str(batch_3d), "mend --set batch and adversarial.batch_3d")


def _optimiser(config: TrainConfig, network: nn.Module, lr: float, dtype: torch.dtype) -> torch.optim.Optimizer:
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(network.parameters(), lr, alpha=0.99, eps=1e-8)
    if config.optimiser == "muon":
        return Muon(network, lr, weight_decay=config.weight_decay, dtype=dtype)
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
    pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
    learnt, counts = ([pair for pair in pairs if pair[0].is_floating_point() == real] for real in (True, False))
    # all tensors in one launch: one by one, a GPU would wait for the processor that launches them
    torch._foreach_lerp_([a for a, _ in learnt], [b for _, b in learnt], 1 - keep)
    torch._foreach_copy_([a for a, _ in counts], [b for _, b in counts])
