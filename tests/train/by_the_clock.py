"""Train for so many seconds on a machine that is lent for minutes: the learning rate falls along a cosine of the clock,
for nobody knows beforehand how many steps there will be. So ran the fourth training (docs/training.md).

    python tests/data/small_photos.py DATA SMALL      # before: the photos in half the bytes, for they have to travel
    python tests/train/by_the_clock.py pretrain-3d 490 --init default --out runs/fourth \\
        --lsp SMALL/lsp --lspet SMALL/lspet --studio studio-train --outdoor outdoor-train \\
        --set model.stacks=3 pretrain_3d.lr=1e-3

Ends by SIGTERM to itself, with a checkpoint. Not reproducible to the bit, as `wildpose train` is.
"""

import argparse
import math
import os
import signal
import time
from pathlib import Path

import torch

from wildpose.config import PRESETS, PhaseConfig, override
from wildpose.data.mix import Source, build_data
from wildpose.train import steps
from wildpose.train.guard import Interrupted
from wildpose.train.loop import run_phase
from wildpose.train.workers import join

BATCH = ("batch=128", "pretrain_3d.batch_3d=64", "pretrain_3d.head_only_steps=0", "pretrain_3d.warmup_steps=100")
AUGMENT = ("scale=0.25", "rotation_deg=40", "colour=0.3", "occlude_share=0.2", "off_target_share=0.04")
ENDLESS = ("pretrain_2d.steps=1000000", "pretrain_3d.steps=1000000", "checkpoint_every_s=90", "validate_every=1500")


class Clock:
    """In place of train.state.learning_rate."""

    def __init__(self, seconds: float):
        self.seconds, self.began = seconds, math.nan

    def __call__(self, settings: PhaseConfig, _schedule: str, step: int) -> float:
        if math.isnan(self.began):
            self.began = time.monotonic()
        done = (time.monotonic() - self.began) / self.seconds
        if done >= 1:
            os.kill(os.getpid(), signal.SIGTERM)
        warm = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
        return settings.lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phase", choices=("pretrain-2d", "pretrain-3d"))
    parser.add_argument("seconds", type=float)
    for name in ("out", "lsp", "lspet"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("init", "studio", "outdoor"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--set", nargs="*", default=[])
    given = parser.parse_args()
    photos = [Source("lsp", given.lsp, 0.2), Source("lspet", given.lspet, 0.8)]
    rendered = [Source("studio", given.studio, 0.35), Source("outdoor", given.outdoor, 0.65)]
    augment = (f"augment.{setting}" for setting in AUGMENT)
    config = override(PRESETS["small"], (*BATCH, *augment, *ENDLESS, *given.set))
    steps.learning_rate = Clock(given.seconds)
    torch.set_num_threads(1)
    with join() as workers:
        data = build_data(more_2d=photos, more_3d=rendered if given.studio else [])
        try:
            run_phase(config, given.phase, data, given.out, given.init, workers=workers)
        except Interrupted as stop:
            print(stop)


if __name__ == "__main__":
    main()
