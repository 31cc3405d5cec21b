"""Three adversarial steps of a tiny run, in a process of its own: python device_trial.py DEVICE OPTIMISER [compiled]
prints their values and the averaged weights as JSON. torch.compile can't see through the suite's run-time checks."""

import functools
import json
import sys

import torch
import torch._dynamo
from rendered_batch import Dots, tiny_config

from wildpose.data.batches import Batches
from wildpose.train.state import Training
from wildpose.train.steps import advance
from wildpose.train.workers import Workers


def trial(device: torch.device, optimiser: str, compiled: bool) -> dict:
    torch.backends.cudnn.allow_tf32 = False
    if device.type == "cpu":  # captured and differentiated as on a GPU, but not turned into C++, which takes a minute
        torch.nn.Module.compile = functools.partialmethod(torch.nn.Module.compile, backend="aot_eager")
    config = tiny_config(optimiser=optimiser)
    training = Training(config, "adversarial", Workers(device=device), compiled=compiled)
    sets = Dots(8, with_3d=False), Dots(8, with_3d=True)
    batches = Batches(*sets, config.batch, config.adversarial.batch_3d, config.model, config.augment, (0, 0))
    values = [advance(training, batches[step].to(device)) for step in range(3)]
    weights = training.average.state_dict()
    counted = torch._dynamo.utils.counters
    return {
        "values": values,
        "weights": {name: value.flatten().tolist() for name, value in weights.items()},
        "compiled": counted["frames"]["ok"],
        "breaks": sum(counted["graph_break"].values()),
    }


if __name__ == "__main__":
    print(json.dumps(trial(torch.device(sys.argv[1]), sys.argv[2], "compiled" in sys.argv[3:])))
