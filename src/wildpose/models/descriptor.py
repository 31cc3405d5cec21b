"""The geometric descriptor, eq. (1)."""

import torch
from jaxtyping import Float
from torch import Tensor


def geometric_descriptor(joints: Float[Tensor, "B P 3"]) -> Float[Tensor, "B 6 P P"]:
    """[dx, dy, dz, dx^2, dy^2, dz^2] for each pair, d = joint i - joint j. Always float32 or wider: squares of small
    differences are what it is about. Invariant to translation; smooth at zero distance, for it takes no root."""
    joints = joints if joints.dtype == torch.float64 else joints.float()
    difference = joints[:, :, None, :] - joints[:, None, :, :]
    return torch.cat([difference, difference**2], -1).permute(0, 3, 1, 2)
