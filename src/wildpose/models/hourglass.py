"""The 2D pose module: stacked hourglass (Newell et al., ECCV 2016) as section 3.1 of the paper uses it.

Layer constants follow the backbone of the paper, Zhou et al. (ICCV 2017): pre-activation bottlenecks whose
convolutions all have a bias, a stem that goes from the input to a quarter of its size, nearest-neighbour upsampling.
Letters: B batch, S stacks, C features, P joints, H W rows and columns of a heatmap.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wildpose.models.fused import norm_relu, norm_relu_skip


class Residual(nn.Module):
    """Pre-activation bottleneck: three times [batch-norm, ReLU, convolution], 1x1, 3x3, 1x1, around a skip."""

    def __init__(self, c_in: int, c_out: int):
        super().__init__()
        half = c_out // 2
        self.bn1, self.conv1 = nn.BatchNorm2d(c_in), nn.Conv2d(c_in, half, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(half), nn.Conv2d(half, half, 3, padding=1)
        self.bn3, self.conv3 = nn.BatchNorm2d(half), nn.Conv2d(half, c_out, 1)
        self.skip = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        y, x = norm_relu_skip(self.bn1, x)
        y = self.conv2(norm_relu(self.bn2, self.conv1(y)))
        y = self.conv3(norm_relu(self.bn3, y))
        return y + self.skip(x)


def residuals(count: int, channels: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels, channels) for _ in range(count)))


class Hourglass(nn.Module):
    """Encoder and decoder over `levels` halvings, with a residual branch kept at each resolution."""

    def __init__(self, levels: int, channels: int, blocks: int):
        super().__init__()
        self.keep = residuals(blocks, channels)
        self.down = residuals(blocks, channels)
        self.inner = Hourglass(levels - 1, channels, blocks) if levels > 1 else residuals(blocks, channels)
        self.up = residuals(blocks, channels)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        return self.keep(x) + F.interpolate(low, scale_factor=2, mode="nearest")


class Stack(nn.Module):
    """One hourglass with its heatmaps, and the merge of both back into the features that the next stage takes."""

    def __init__(self, levels: int, channels: int, blocks: int, joints: int):
        super().__init__()
        self.hourglass = Hourglass(levels, channels, blocks)
        self.after = residuals(blocks, channels)
        self.linear = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU())
        self.heatmaps = nn.Conv2d(channels, joints, 1)
        self.merge_features = nn.Conv2d(channels, channels, 1)
        self.merge_heatmaps = nn.Conv2d(joints, channels, 1)

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B P H W"], Float[Tensor, "B C H W"]]:
        convolution, norm, _relu = self.linear
        y = norm_relu(norm, convolution(self.after(self.hourglass(x))))
        heatmaps = self.heatmaps(y)
        return heatmaps, x + self.merge_features(y) + self.merge_heatmaps(heatmaps)


class StackedHourglass(nn.Module):
    """Image to the heatmaps of every stack, and to the merged features that the depth module continues from.

    Unlike the plain 2D network, the last stack merges too: the depth module reads features and heatmaps (Zhou'17).
    """

    def __init__(self, stacks: int, channels: int, blocks: int, levels: int, joints: int):
        super().__init__()
        quarter, half = channels // 4, channels // 2
        self.stem = nn.Sequential(
            nn.Conv2d(3, quarter, 7, stride=2, padding=3),
            nn.BatchNorm2d(quarter),
            nn.ReLU(),
            Residual(quarter, half),
            nn.MaxPool2d(2),
            Residual(half, half),
            Residual(half, channels),
        )
        self.stacks = nn.ModuleList(Stack(levels, channels, blocks, joints) for _ in range(stacks))

    def forward(self, image: Float[Tensor, "B 3 Hi Wi"]) -> tuple[Float[Tensor, "B S P H W"], Float[Tensor, "B C H W"]]:
        convolution, norm, _relu, *blocks = self.stem
        x = norm_relu(norm, convolution(image))
        for block in blocks:
            x = block(x)
        heatmaps = []
        for stack in self.stacks:
            maps, x = stack(x)
            heatmaps.append(maps)
        return torch.stack(heatmaps, 1), x
