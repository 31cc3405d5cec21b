"""The generator of section 3.1: image to heatmaps of every stack and depth, and nothing else. This is what ships."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from wildpose.config import ModelConfig
from wildpose.models.depth import DepthRegressor, JointDepthRegressor
from wildpose.models.hourglass import StackedHourglass
from wildpose.models.refiner import PoseRefiner
from wildpose.skeleton import MPII16

MEAN_RGB, STD_RGB = (0.44, 0.44, 0.43), (0.25, 0.24, 0.25)
"""Of MPII's photos, in [0, 1] (anibali/pytorch-stacked-hourglass, rounded)."""


@dataclass(frozen=True)
class PoseMaps:
    """What G says of a batch; float32."""

    heatmaps: Float[Tensor, "B S P H W"]
    depth: Float[Tensor, "B P"]
    """Relative to the pelvis in half crop sides, + = away."""
    pose: Float[Tensor, "B P 3"] | None = None
    """Relative to the pelvis in half crop sides; None: without a refiner, or while the maps are learnt."""


class Generator(nn.Module):
    """3D pose estimator: `pose_2d` (stacked hourglass), then `depth` (regression module); then, if it has one,
    `refiner`."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        joints = MPII16.n
        self.pose_2d = StackedHourglass(config.stacks, config.features, config.blocks, config.levels, joints)
        readout = {"average": DepthRegressor, "joint": JointDepthRegressor}[config.depth_readout]
        self.depth = readout(config.features, joints, config.depth_stages)
        self.refiner = None
        if config.refiner_width:
            self.refiner = PoseRefiner(config.refiner_width, config.refiner_places_width)
        self.register_buffer("mean", torch.tensor(MEAN_RGB).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD_RGB).view(1, 3, 1, 1) * 255, persistent=False)

    def normalise(self, crops_rgb: UInt8[Tensor, "B Hi Wi 3"]) -> Float[Tensor, "B 3 Hi Wi"]:
        return (crops_rgb.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def compile_parts(self) -> None:
        """Have torch.compile fuse the passes of both modules at their first use, which takes a minute; for GPUs."""
        self.pose_2d.compile()
        self.depth.compile()

    def forward(self, crops_rgb: UInt8[Tensor, "B Hi Wi 3"]) -> PoseMaps:
        heatmaps, features = self.pose_2d(self.normalise(crops_rgb))
        depth = self.depth(features, heatmaps[:, -1])
        heatmaps, depth = heatmaps.float(), depth.float()
        refined = self.refiner is not None and not self.training
        return PoseMaps(heatmaps, depth, self.refiner(heatmaps[:, -1], depth) if refined else None)
