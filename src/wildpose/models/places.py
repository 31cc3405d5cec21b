"""What depth goes with which places in the picture: a network that knows poses and no pictures.

A limb that looks short points at the camera or away from it, and poses that fit all sixteen places are few. Fully
connected layers that lift 2D poses to 3D (Martinez et al., ICCV 2017). The pose refiner asks it about the places that
heatmaps give, the lifter about those that people marked. Trained by `wildpose.train.places`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wildpose.skeleton import MPII16

PELVIS = MPII16.index("pelvis")


@dataclass(frozen=True)
class Marked:
    """B people in the picture, in half crop sides from any origin; places that aren't known may be NaN."""

    places: Float[Tensor, "B P 2"]
    known: Bool[Tensor, "B P"]

    def mirrored(self) -> "Marked":
        joints = list(MPII16.mirror)
        across = torch.tensor([-1.0, 1.0], device=self.places.device)
        return Marked(self.places[:, joints] * across, self.known[:, joints])

    def centred(self) -> Float[Tensor, "B P 2"]:
        """About the mean of the known places; 0 for the others."""
        there = self.known[..., None]
        places = torch.where(there, self.places, 0.0)
        middle = places.sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp_min(1)
        return torch.where(there, places - middle, 0.0)


def from_pelvis(depth: Float[Tensor, "B P"]) -> Float[Tensor, "B P"]:
    return depth - depth[:, PELVIS : PELVIS + 1]


class PlaceLifter(nn.Module):
    """Places in the picture to depth relative to the pelvis, in their unit. The mirrored pose gives the mirrored depth,
    a pose twice as large twice the depth."""

    def __init__(self, width: int):
        super().__init__()
        joints = MPII16.n
        self.net = nn.Sequential(*layer(3 * joints, width), Block(width), Block(width), nn.Linear(width, joints))

    def forward(self, marked: Marked) -> Float[Tensor, "B P"]:
        return from_pelvis((self._lift(marked) + self._lift(marked.mirrored())[:, list(MPII16.mirror)]) / 2)

    def _lift(self, marked: Marked) -> Float[Tensor, "B P"]:
        places = marked.centred()
        size = (places.square().sum((1, 2)) / marked.known.sum(1).clamp_min(1)).sqrt().clamp_min(1e-3)[:, None]
        seen = torch.cat([places / size[..., None], marked.known[..., None].float()], -1)
        return self.net(seen.flatten(1)).float() * size


class Block(nn.Module):
    """Two layers and a skip."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(*layer(width, width), *layer(width, width))

    def forward(self, x: Float[Tensor, "B W"]) -> Float[Tensor, "B W"]:
        return x + self.layers(x)


def layer(inputs: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU()
