"""The detector's network: a picture to a map of people's middles and, at each place, to the box of the person there.

One scale of output with boxes regressed from a whole neighbourhood of the middle, after TTFNet (Liu et al., AAAI 2020),
which learns in fewer steps than CenterNet (Zhou et al., 2019): with the processor hours at hand that decides.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
"""Input px from one place of the output maps to the next."""
COARSEST = 32
"""The input's sides must be multiples of this many px."""
MEAN_RGB, STD_RGB = 0.44, 0.25
WIDTHS = (16, 24, 48, 96, 96)
"""Channels at strides 2, 4, 8, 16, 32."""
UNIT_PX = 16.0
"""Distance to a box's side for which the network says 0: it learns their logarithms."""
FOCUS = 0.54
"""Share of a box that the target around its middle spans (TTFNet's beta)."""
BOX_WEIGHT = 5.0
"""Of the box term beside the one of the middles (TTFNet)."""


@dataclass(frozen=True)
class Found:
    """What the network says of a batch, at every place (pixel centres at integers)."""

    logits: Float[Tensor, "B h w"]
    """Of a person's middle being here."""
    reach_px: Float[Tensor, "B 4 h w"]
    """Distance to the box's left, top, right and bottom side, input px; negative never."""


@dataclass(frozen=True)
class Wanted:
    """What it should say."""

    heat: Float[Tensor, "B h w"]
    """1 at each person's middle, falling off as a Gaussian."""
    boxes_ltrb: Float[Tensor, "B 4 h w"]
    """Sides of the person's box that counts at a place, input px."""
    box_weight: Float[Tensor, "B h w"]
    """How much a place's box counts; adds up to about 1 for each person."""
    certainty: Float[Tensor, "B h w"]
    """How sure it is that a place without a label has nobody: 0 to 1."""


class PeopleNet(nn.Module):
    """A small residual network with its coarse features brought back to stride 8; some 0.9 million parameters."""

    def __init__(self):
        super().__init__()
        two, four, eight, sixteen, thirty_two = WIDTHS
        self.stem = nn.Sequential(_conv(3, two, stride=2), _conv(two, four, stride=2), Residual(four))
        self.at_8 = nn.Sequential(_conv(four, eight, stride=2), Residual(eight), Residual(eight))
        self.at_16 = nn.Sequential(_conv(eight, sixteen, stride=2), Residual(sixteen), Residual(sixteen))
        self.at_32 = nn.Sequential(_conv(sixteen, thirty_two, stride=2), Residual(thirty_two), Residual(thirty_two))
        self.back_to_16 = _conv(thirty_two, sixteen, size=1)
        self.back_to_8 = _conv(sixteen, eight)
        self.joined = _conv(eight, eight)
        self.middle = nn.Sequential(_conv(eight, eight), nn.Conv2d(eight, 1, 1))
        self.reach = nn.Sequential(_conv(eight, eight), nn.Conv2d(eight, 4, 1))
        nn.init.constant_(self.middle[1].bias, -4.0)  # middles are rare: begin with that belief
        nn.init.zeros_(self.reach[1].bias)

    def forward(self, images_rgb: UInt8[Tensor, "B H W 3"]) -> Found:
        x = (images_rgb.permute(0, 3, 1, 2).float() / 255 - MEAN_RGB) / STD_RGB
        at_8 = self.at_8(self.stem(x))
        at_16 = self.at_16(at_8)
        at_16 = at_16 + _twice(self.back_to_16(self.at_32(at_16)))
        features = self.joined(at_8 + _twice(self.back_to_8(at_16)))
        reach = self.reach(features).float().clamp(-4, 4)
        return Found(self.middle(features)[:, 0].float(), UNIT_PX * reach.exp())


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def places_px(height: int, width: int) -> Float[Tensor, "2 h w"]:
    """x and y in the input of each place of maps of this size: the middle of its STRIDE x STRIDE px."""
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    return (torch.stack([x, y]) + 0.5) * STRIDE - 0.5


def maps(found: Found) -> tuple[Float[Tensor, "B h w"], Float[Tensor, "B 4 h w"]]:
    """Scores, and left, top, right, bottom of the boxes in input px: what the exported network says."""
    place = places_px(*found.logits.shape[1:])
    return found.logits.sigmoid(), torch.cat([place - found.reach_px[:, :2], place + found.reach_px[:, 2:]], 1)


def aims(boxes_ltrb: Float[Tensor, "N 4"], certainty: Float[Tensor, "h w"]) -> dict[str, Float[Tensor, "..."]]:
    """The target of one picture by the names of Wanted's fields; of boxes that overlap, the smaller one counts.

    boxes_ltrb: sides of the people's boxes, input px, which may reach over the edge. certainty: see Wanted.
    """
    height, width = certainty.shape
    x, y = places_px(height, width)
    heat, weight = torch.zeros(height, width), torch.zeros(height, width)
    target = torch.zeros(4, height, width)
    sizes = (boxes_ltrb[:, 2:] - boxes_ltrb[:, :2]).clamp(min=1.0)
    for i in torch.argsort(sizes.prod(1), descending=True).tolist():
        middle = (boxes_ltrb[i, :2] + boxes_ltrb[i, 2:]) / 2
        # the place nearest to the middle is the peak, so that every person has one; inside, for the middle may not be
        peak = ((middle + 0.5) / STRIDE).floor() * STRIDE + (STRIDE - 1) / 2
        peak = torch.minimum(peak.clamp(min=(STRIDE - 1) / 2), torch.stack([x.max(), y.max()]))
        sigma = (FOCUS * sizes[i] / 6).clamp(min=STRIDE / 3)
        near = torch.exp(-((x - peak[0]) ** 2 / (2 * sigma[0] ** 2) + (y - peak[1]) ** 2 / (2 * sigma[1] ** 2)))
        near[near < 0.02] = 0
        heat = torch.maximum(heat, near)
        # only where the box holds the place can distances to its sides say where it is
        left, top, right, bottom = boxes_ltrb[i]
        inside = (near > 0) & (x > left) & (x < right) & (y > top) & (y < bottom)
        weight[inside] = near[inside] / near[inside].sum().clamp(min=1e-6)
        target[:, inside] = boxes_ltrb[i][:, None]
    return {"heat": heat, "boxes_ltrb": target, "box_weight": weight, "certainty": certainty}


def losses(found: Found, wanted: Wanted) -> dict[str, Float[Tensor, ""]]:
    """Named, unweighted terms, each a mean over the people of the batch.

    `middle`: the focal loss of CornerNet (Law and Deng, ECCV 2018) as CenterNet uses it, whose negatives count as much
    as they are certain. `box`: 1 - generalised intersection over union (Rezatofighi et al., CVPR 2019).
    """
    people = (wanted.heat == 1).sum().clamp(min=1)
    likely = functional.logsigmoid(found.logits)
    unlikely = functional.logsigmoid(-found.logits)
    hit = -(unlikely.exp() ** 2) * likely * (wanted.heat == 1)
    false_alarm = -((1 - wanted.heat) ** 4) * likely.exp() ** 2 * unlikely * wanted.certainty
    apart = 1 - generalised_overlap(maps(found)[1], wanted.boxes_ltrb)
    return {
        "middle": (hit + false_alarm).sum() / people,
        "box": (apart * wanted.box_weight).sum() / wanted.box_weight.sum().clamp(min=1e-6),
    }


def generalised_overlap(a_ltrb: Float[Tensor, "B 4 h w"], b_ltrb: Float[Tensor, "B 4 h w"]) -> Float[Tensor, "B h w"]:
    """Intersection over union, less the share of the smallest box around both that neither covers; -1 to 1."""
    low, high = torch.maximum(a_ltrb[:, :2], b_ltrb[:, :2]), torch.minimum(a_ltrb[:, 2:], b_ltrb[:, 2:])
    shared = _area(torch.cat([low, high], 1))
    least, most = torch.minimum(a_ltrb[:, :2], b_ltrb[:, :2]), torch.maximum(a_ltrb[:, 2:], b_ltrb[:, 2:])
    around = _area(torch.cat([least, most], 1))
    union = _area(a_ltrb) + _area(b_ltrb) - shared
    return shared / union.clamp(min=1e-6) - (around - union) / around.clamp(min=1e-6)


def _area(boxes_ltrb: Tensor) -> Tensor:
    size = (boxes_ltrb[:, 2:] - boxes_ltrb[:, :2]).clamp(min=0)
    return size[:, 0] * size[:, 1]
