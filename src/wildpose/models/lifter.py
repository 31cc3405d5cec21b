"""Beyond the paper: depth for people whose joints somebody has marked in a photo.

A photo with 2D labels says more of the third dimension than the photo alone: a limb that looks short points at the
camera or away from it, and poses that fit all sixteen places are few. Two small networks of fully connected layers
(Martinez et al., ICCV 2017): `by_places` knows poses and no pictures; `Lifter` weighs it against what a generator saw
in the picture. Trained by `wildpose.train.lift`, which writes the labels; nothing of this is needed for prediction.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from wildpose.models.refiner import PELVIS, Block, layer
from wildpose.skeleton import MPII16

ACROSS = (-1.0, 1.0)


@dataclass(frozen=True)
class Marked:
    """Labels of B people in the picture, in half crop sides from any origin; places that aren't known may be NaN."""

    places: Float[Tensor, "B P 2"]
    known: Bool[Tensor, "B P"]

    def mirrored(self) -> "Marked":
        joints = list(MPII16.mirror)
        return Marked(self.places[:, joints] * torch.tensor(ACROSS), self.known[:, joints])

    def centred(self) -> Float[Tensor, "B P 2"]:
        """About the mean of the known places; 0 for the others."""
        there = self.known[..., None]
        places = torch.where(there, self.places, 0)
        middle = places.sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp_min(1)
        return torch.where(there, places - middle, 0)


@dataclass(frozen=True)
class Hint:
    """What a generator says of the same people: depth in half crop sides, and how high each heatmap is."""

    depth: Float[Tensor, "B P"]
    height: Float[Tensor, "B P"]

    def mirrored(self) -> "Hint":
        joints = list(MPII16.mirror)
        return Hint(self.depth[:, joints], self.height[:, joints])


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


class Lifter(nn.Module):
    """Places and a generator's hint to depth relative to the pelvis, half crop sides. It starts halfway between what
    the places say and what the generator does."""

    def __init__(self, width: int):
        super().__init__()
        joints = MPII16.n
        self.by_places = PlaceLifter(width)
        self.net = nn.Sequential(*layer(6 * joints, width), Block(width), Block(width), nn.Linear(width, 2 * joints))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, marked: Marked, hint: Hint) -> Float[Tensor, "B P"]:
        by_places, by_picture = self.by_places(marked), from_pelvis(hint.depth)
        mirror = list(MPII16.mirror)
        share, change = self._weigh(marked, hint, by_places).unbind(1)
        other_share, other_change = self._weigh(marked.mirrored(), hint.mirrored(), by_places[:, mirror]).unbind(1)
        share = torch.sigmoid((share + other_share[:, mirror]) / 2)
        change = (change + other_change[:, mirror]) / 2
        return from_pelvis(share * by_places + (1 - share) * by_picture + change)

    def _weigh(self, marked: Marked, hint: Hint, by_places: Tensor) -> Float[Tensor, "B 2 P"]:
        places, known = marked.centred().flatten(1), marked.known.float()
        said = torch.cat([hint.depth - by_places, hint.height, places, known, by_places], 1)
        return self.net(said).unflatten(1, (2, MPII16.n))
