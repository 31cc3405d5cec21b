"""The multi-source discriminator of section 3.2: image; geometric descriptor; heatmaps and depth maps.

Each source is embedded by itself; the embeddings are concatenated and go through three fully connected layers to one
logit. No batch-norm anywhere: its statistics would tell real batches from fake ones. The paper doesn't give the widths.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from wildpose.codec import HeatmapCodec
from wildpose.config import DiscriminatorConfig, ModelConfig
from wildpose.models.descriptor import geometric_descriptor
from wildpose.skeleton import MPII16


@dataclass(frozen=True)
class Evidence:
    """E(S, z) of section 4.2, what D sees of a pose; the same operator makes it from truth and from predictions."""

    descriptor: Float[Tensor, "B 6 P P"]
    maps: Float[Tensor, "B P2 H W"]
    """Heatmaps, then depth maps."""

    def part(self, rows: slice | Tensor) -> "Evidence":
        return Evidence(self.descriptor[rows], self.maps[rows])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Evidence":
        return Evidence(change(self.descriptor), change(self.maps))

    def detach(self) -> "Evidence":
        return self.map(Tensor.detach)


def encode_evidence(heatmaps: Float[Tensor, "B P H W"], depth: Float[Tensor, "B P"], codec: HeatmapCodec) -> Evidence:
    """Joints by soft-arg-max (differentiable), so that real and fake differ in their poses, not in quantisation;
    depth maps as heatmap x depth, the differentiable reading of "the depth of a body joint at the corresponding
    location"."""
    joints = torch.cat([codec.soft_argmax(heatmaps), depth[..., None]], -1)
    maps = torch.cat([heatmaps, heatmaps * depth[..., None, None]], 1)
    return Evidence(geometric_descriptor(joints), maps)


def concatenate(a: Evidence, b: Evidence) -> Evidence:
    return Evidence(torch.cat([a.descriptor, b.descriptor]), torch.cat([a.maps, b.maps]))


def _convolutions(channels: list[int], kernels: list[int]) -> list[nn.Module]:
    layers = []
    for c_in, c_out, kernel in zip(channels[:-1], channels[1:], kernels, strict=True):
        layers += [nn.Conv2d(c_in, c_out, kernel, stride=2, padding=kernel // 2), nn.LeakyReLU(0.2)]
    return layers


class Discriminator(nn.Module):
    def __init__(self, config: DiscriminatorConfig, model: ModelConfig):
        super().__init__()
        joints, width = MPII16.n, config.embedding
        embedders = {
            "image": lambda: nn.Sequential(
                nn.AvgPool2d(2), *_convolutions([3, 32, 64, 64, 64], [5, 3, 3, 3]), *self._head(64, width)
            ),
            "geometry": lambda: nn.Sequential(
                nn.Flatten(), nn.Linear(6 * joints * joints, width), nn.LeakyReLU(0.2), nn.Linear(width, width)
            ),
            "maps": lambda: nn.Sequential(*_convolutions([2 * joints, 64, 64, 64], [3, 3, 3]), *self._head(64, width)),
        }
        self.embed = nn.ModuleDict({source: embedders[source]() for source in config.sources})
        self.classify = nn.Sequential(
            nn.Linear(width * len(config.sources), config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, 1),
        )

    @staticmethod
    def _head(channels: int, width: int) -> list[nn.Module]:
        """4 x 4 cells to one vector, whatever the size of the maps."""
        return [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(channels * 16, width)]

    def forward(self, crops_rgb: UInt8[Tensor, "B Hi Wi 3"], evidence: Evidence) -> Float[Tensor, " B"]:
        """Logit of "this is the true pose of this image"."""
        look = {
            "image": lambda: crops_rgb.permute(0, 3, 1, 2).float() / 127.5 - 1,
            "geometry": lambda: evidence.descriptor,
            "maps": lambda: evidence.maps,
        }
        embedded = [nn.functional.leaky_relu(embed(look[source]()), 0.2) for source, embed in self.embed.items()]
        return self.classify(torch.cat(embedded, 1))[:, 0].float()
