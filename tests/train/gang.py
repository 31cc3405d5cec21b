"""What the processes of the distributed tests do; imported by their fork server."""

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rendered_batch import Dots, tiny_config, tiny_data

from wildpose.config import AdversarialConfig, PhaseConfig
from wildpose.data.mix import TrainData
from wildpose.data.sample import Sample


class Patchy(Dots):
    """Every sample lacks other labels, and another number of them: means of shares aren't shares of the mean."""

    def load(self, i: int) -> Sample:
        whole = super().load(i)
        mask = np.random.default_rng(i).random(16) < 0.2 + 0.7 * (i % 2)
        return dataclasses.replace(whole, mask=mask, joints_px=np.where(mask[:, None], whole.joints_px, np.nan))


def patchy_data() -> TrainData:
    wild_val, studio_val = Patchy(5, with_3d=False, seed=2), Dots(7, with_3d=True, seed=3)
    return dataclasses.replace(tiny_data(), wild=Patchy(12, with_3d=False), wild_val=wild_val, studio_val=studio_val)


def sgd_config(true_side: str = "truth"):
    """Plain descent in steps of a set length: Adam would turn the rounding of zero gradients into whole steps."""
    phase = PhaseConfig(steps=4, lr=0.5, depth_weight=0.05, batch_3d=4, warmup_steps=0)
    adversary = AdversarialConfig(weight=0.01, lr_discriminator=0.01, true_side=true_side)
    return tiny_config(pretrain_3d=phase, adversarial=phase, adversarial_loss=adversary, clip_norm=0.05)


@contextmanager
def smooth_network() -> Iterator[None]:
    """No kinks: a rounding error that takes one unit across a kink would change the gradient by a per cent."""
    from torch.nn import functional as F

    from wildpose.models import fused

    before = F.relu, F.leaky_relu, F.max_pool2d, fused._fits
    fused._fits = lambda *_: False  # it rectifies by itself
    F.relu = F.leaky_relu = lambda x, *_args, **_kwargs: F.softplus(x)
    F.max_pool2d = lambda x, size, *_args, **_kwargs: F.avg_pool2d(x, size)
    try:
        yield
    finally:
        F.relu, F.leaky_relu, F.max_pool2d, fused._fits = before


def take_steps(target: Path, phase: str, steps: int = 3, accumulate: int = 1, true_side: str = "truth") -> None:
    """Some steps on shares of the same batches; the leader writes a checkpoint and the validation's figures."""
    import torch

    from wildpose.data.batches import Batches
    from wildpose.train.loop import validate
    from wildpose.train.state import Training
    from wildpose.train.steps import advance
    from wildpose.train.workers import join

    data, config = patchy_data(), sgd_config(true_side)
    with smooth_network(), join() as workers:
        training = Training(config, phase, workers, accumulate)
        torch.nn.init.normal_(training.generator.depth.fc.weight, 0, 0.1, torch.Generator().manual_seed(0))
        training.optimisers = [torch.optim.SGD(n.parameters(), 0.01) for n in trained(training)]
        batches = Batches(data.wild, data.studio, config.batch, 4, config.model, config.augment, (0, 1), workers.share)
        values = [advance(training, batches[k]) for k in range(steps)]
        figures = validate(training, data)
        if workers.leads:
            training.save(target)
            (target / "values.json").write_text(json.dumps([*values, figures]))


def trained(training) -> list:
    return [network for name, network in training.networks.items() if name != "average"]


def run(out: Path, rank_to_hit: int, number: int, at_step: int) -> None:
    """A whole phase, in which one process sends itself a signal; exit codes as those of the command."""
    from wildpose.errors import InputError
    from wildpose.train import loop
    from wildpose.train.guard import Interrupted
    from wildpose.train.workers import join

    original = loop.advance

    def advance(training, batch):
        if training.workers.rank == rank_to_hit and training.step == at_step:
            os.kill(os.getpid(), number)
        return original(training, batch)

    loop.advance = advance
    with join() as workers:
        try:
            config = tiny_config(checkpoint_every_s=1000.0 if number == signal.SIGTERM else 0.0)
            loop.run_phase(config, "pretrain-2d", tiny_data(), out, notify=lambda _line: None, workers=workers)
        except InputError as error:
            (out / f"error-{workers.rank}.txt").write_text(str(error))
            sys.exit(2)
        except Interrupted as stop:
            (out / f"stopped-{workers.rank}.txt").write_text(stop.checkpoint.name)
            sys.exit(128 + stop.number)


def wait_for_a_slow_leader(out: Path, meet: bool) -> None:
    """The leader is busy for longer than a process may be silent."""
    from datetime import timedelta
    from time import sleep

    from wildpose.train import workers as module

    module.SILENCE = timedelta(seconds=8)
    with module.join() as workers:
        if workers.leads:
            sleep(12)
        try:
            workers.meet() if meet else workers.largest(0)
        except module.WorkerLost:
            sys.exit(2)
