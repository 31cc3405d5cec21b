"""Beyond the paper: depth for people whose joints somebody has marked in a photo.

A photo with 2D labels says more of the third dimension than the photo alone (places.py). `Lifter` weighs that against
what a generator saw in the picture. Trained by `wildpose.train.lift`, which writes the labels; nothing of this is
needed for prediction.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wildpose.models.places import Block, Marked, PlaceLifter, from_pelvis, layer
from wildpose.skeleton import MPII16


@dataclass(frozen=True)
class Hint:
    """What a generator says of the same people: depth in half crop sides, and how high each heatmap is."""

    depth: Float[Tensor, "B P"]
    height: Float[Tensor, "B P"]

    def mirrored(self) -> "Hint":
        joints = list(MPII16.mirror)
        return Hint(self.depth[:, joints], self.height[:, joints])


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
