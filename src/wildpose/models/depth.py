"""The depth regression module of section 3.1: merged features and heatmaps to one depth per joint."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from wildpose.models.fused import norm_relu
from wildpose.models.hourglass import Residual


class DepthRegressor(nn.Module):
    """Three times [residual, downsample], global average pooling, one fully connected layer (section 5).

    The last layer starts at zero: features inherited from 2D pre-training aren't normalised for this module, and a
    random layer would start with depths of thousands (xingyizhou/pytorch-pose-hg-3d, issue 44).
    """

    def __init__(self, channels: int, joints: int, stages: int = 3):
        super().__init__()
        self.stages = nn.ModuleList(Residual(channels, channels) for _ in range(stages))
        self.fc = nn.Linear(channels, joints)
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, features: Float[Tensor, "B C H W"], heatmaps: Float[Tensor, "B P H W"]) -> Float[Tensor, "B P"]:
        """Depth relative to the pelvis in half sides of the crop, + = away. The features hold the heatmaps already."""
        x = features
        for stage in self.stages:
            x = F.max_pool2d(stage(x), 2)
        return self.fc(x.mean((2, 3)))


class JointDepthRegressor(nn.Module):
    """Beyond the paper: one depth map a joint, read as its mean under that joint's own (rectified) heatmap.

    The residuals see the whole body through the hourglass; reading at the joint keeps what pooling averages away.
    """

    def __init__(self, channels: int, joints: int, stages: int = 3):
        super().__init__()
        self.stages = nn.Sequential(*(Residual(channels, channels) for _ in range(stages)))
        self.norm = nn.BatchNorm2d(channels)
        self.maps = nn.Conv2d(channels, joints, 1)
        nn.init.zeros_(self.maps.weight)
        nn.init.zeros_(self.maps.bias)

    def forward(self, features: Float[Tensor, "B C H W"], heatmaps: Float[Tensor, "B P H W"]) -> Float[Tensor, "B P"]:
        maps = self.maps(norm_relu(self.norm, self.stages(features))).float()
        # The heatmap only says where to look: the depth term must not move it, and a flat map still has a mean.
        weight = heatmaps.detach().float().clamp_min(0) ** 2 + 1e-4
        return (maps * weight).sum((2, 3)) / weight.sum((2, 3))
