"""Beyond the paper: heatmaps and depth of all joints to one 3D pose that a body can have.

The generator says of each joint where it is by itself: both ankles on the leg that is seen best, a depth for each. What
people's poses are like, seen in all of them at once, is learnt here by a small network of fully connected layers, the
kind that lifts 2D poses to 3D (Martinez et al., ICCV 2017). It corrects the lifted pose; joints in the image stay where
the heatmaps say. Trained last, by `wildpose.train.refine`, on what `places` makes of the highest places as well.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from wildpose.models.places import PELVIS, Block, Marked, PlaceLifter, layer
from wildpose.skeleton import MPII16

WINDOW = 2
"""Heatmap px around a peak over which its place is averaged."""
ELSEWHERE = 4
"""Heatmap px from the peak at which a second one may be: the slopes of the first have ended."""
LEAST = 0.02
"""Height under which a second peak is none."""
FOUND = 0.15
"""Height from which a first peak counts as a place that is known."""


@dataclass(frozen=True)
class Evidence:
    """What the refiner sees of B people; places normalised to [-1, 1] of the crop."""

    first: Float[Tensor, "B P 2"]
    height: Float[Tensor, "B P"]
    second: Float[Tensor, "B P 2"]
    """The highest place away from the first, or the first again."""
    second_height: Float[Tensor, "B P"]
    depth: Float[Tensor, "B P"]

    def lifted(self) -> Float[Tensor, "B P 3"]:
        """The pose without a correction: relative to the pelvis, half crop sides."""
        pose = torch.cat([self.first, self.depth[..., None]], -1)
        return pose - pose[:, PELVIS : PELVIS + 1]

    def mirrored(self, joints: Tensor) -> "Evidence":
        """Of the mirrored crop. joints: the joint that each becomes."""
        other = torch.tensor([-1.0, 1.0], device=self.depth.device)
        return Evidence(
            self.first[:, joints] * other,
            self.height[:, joints],
            self.second[:, joints] * other,
            self.second_height[:, joints],
            self.depth[:, joints],
        )

    def features(self) -> Float[Tensor, "B F"]:
        middle = self.first.mean(1, keepdim=True)
        places = torch.cat([self.first - middle, self.second - self.first], -1)
        heights = torch.stack([self.height.clamp_min(1e-3).log() / 3, self.second_height, self.depth], -1)
        return torch.cat([places, heights], -1).flatten(1)


def see(heatmaps: Float[Tensor, "B P h w"], depth: Float[Tensor, "B P"]) -> Evidence:
    """The two highest places of each map; the middle of the crop for one that is empty. Only operations that are cheap
    in ONNX Runtime: a second one for whole numbers or masks as large as the maps took longer than the layers."""
    maps = heatmaps.clamp_min(0)
    first, height, near = _peak(maps)
    second, second_height, _ = _peak(maps * (1 - near))
    second = torch.where((second_height > LEAST)[..., None], second, first)
    return Evidence(first, height, second, second_height, depth)


def _peak(maps: Float[Tensor, "B P h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """Place and height of the highest place of each map, and what is near it (1, elsewhere 0)."""
    h, w = maps.shape[-2:]
    height, index = maps.flatten(2).max(-1)
    rows, columns = (torch.arange(n, device=maps.device, dtype=maps.dtype) for n in (h, w))
    row = torch.div(index, w, rounding_mode="floor")
    from_row = (rows - row.to(maps.dtype)[..., None]).abs()
    from_column = (columns - (index - row * w).to(maps.dtype)[..., None]).abs()
    squared = maps**2
    in_rows, in_columns = ((off <= WINDOW).to(maps.dtype) for off in (from_row, from_column))
    by_column = (in_rows[..., None, :] @ squared)[..., 0, :] * in_columns
    by_row = (squared @ in_columns[..., None])[..., 0] * in_rows
    mass = by_column.sum(-1) + 1e-12
    x = (by_column * ((2 * columns + 1) / w - 1)).sum(-1) / mass
    y = (by_row * ((2 * rows + 1) / h - 1)).sum(-1) / mass
    near = (from_row < ELSEWHERE).to(maps.dtype)[..., None] * (from_column < ELSEWHERE).to(maps.dtype)[..., None, :]
    return torch.stack([x, y], -1), height, near


class PoseRefiner(nn.Module):
    """Heatmaps (B, P, h, w) and depth (B, P) to poses (B, P, 3) relative to the pelvis in half crop sides.

    Starts as the plain lifted pose. Left and right are treated alike: the mirrored picture gives the mirrored pose.
    """

    def __init__(self, width: int, places_width: int = 0):
        super().__init__()
        joints = MPII16.n
        self.places = PlaceLifter(places_width) if places_width else None
        inputs = (8 if places_width else 7) * joints
        self.net = nn.Sequential(*layer(inputs, width), Block(width), Block(width), nn.Linear(width, 3 * joints))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)
        self.register_buffer("mirror", torch.tensor(MPII16.mirror), persistent=False)

    def forward(self, heatmaps: Float[Tensor, "B P h w"], depth: Float[Tensor, "B P"]) -> Float[Tensor, "B P 3"]:
        return self.correct(see(heatmaps.float(), depth.float()))

    def correct(self, seen: Evidence) -> Float[Tensor, "B P 3"]:
        by_places = self.places(Marked(seen.first, seen.height > FOUND)) if self.places else None
        there = self._correction(seen, by_places)
        mirrored = None if by_places is None else by_places[:, self.mirror]
        back = self._correction(seen.mirrored(self.mirror), mirrored)[:, self.mirror]
        both = (there + back * torch.tensor([-1.0, 1.0, 1.0], device=there.device)) / 2
        return seen.lifted() + both - both[:, PELVIS : PELVIS + 1]

    def _correction(self, seen: Evidence, by_places: Float[Tensor, "B P"] | None) -> Float[Tensor, "B P 3"]:
        known = seen.features() if by_places is None else torch.cat([seen.features(), by_places], -1)
        moved = self.net(known).unflatten(1, (MPII16.n, 3))
        doubt = 1 - seen.height.clamp(0, 1)[..., None]  # a joint that is plain to see needs no second opinion
        return torch.cat([moved[..., :2] * doubt, moved[..., 2:]], -1)
