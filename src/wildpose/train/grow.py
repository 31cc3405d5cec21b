"""A trained network with more stacks than it was trained with, which says exactly what it said before.

Copies of its last stack are put in front of that one. Their merges start at zero, so that what flows on is unchanged
(net2net; Chen et al., ICLR 2016: deeper by an identity), and their heatmaps, whose input is that of the last stack,
are as good as its own from the first step. Training then finds a use for the merges.
"""

import re

import torch

Weights = dict[str, torch.Tensor]


def with_more_stacks(weights: Weights, stacks: int, wanted: int) -> Weights:
    """A generator's weights by name, of `wanted` stacks in place of `stacks`."""
    last = f"pose_2d.stacks.{stacks - 1}."
    grown = {name: value for name, value in weights.items() if not name.startswith(last)}
    for stack in range(stacks - 1, wanted):
        for name in (name for name in weights if name.startswith(last)):
            within = name.removeprefix(last)
            merges = re.match(r"merge_(features|heatmaps)\.", within) and stack < wanted - 1
            grown[f"pose_2d.stacks.{stack}.{within}"] = weights[name] * 0 if merges else weights[name].clone()
    return grown
