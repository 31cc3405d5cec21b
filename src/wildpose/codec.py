"""The one place where joints become heatmaps and heatmaps become joints.

Heatmap coordinate of a crop pixel x at stride s = input_px / heatmap_px: u = (x + 0.5) / s - 0.5 (pixel centres at
integers on both grids). Normalised coordinate: n = (2 u + 1) / heatmap_px - 1 = (2 x + 1) / input_px - 1, in [-1, 1].
Depth shares that unit: weak-perspective scale * (z - z_pelvis) / half the crop's side.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

FLOOR = 1e-6
"""Smallest neighbour of a peak, relative to it, that the sub-pixel fit looks at: a logarithm needs positive values."""


@dataclass(frozen=True)
class HeatmapCodec:
    """Gaussian heatmaps of joints, and back."""

    input_px: int = 128
    """Side of the network's square input."""
    heatmap_px: int = 32
    """Side of its heatmaps."""
    sigma_px: float = 1.0
    """Standard deviation of the Gaussian in heatmap px (1: the paper's identity covariance)."""

    @property
    def stride(self) -> float:
        """Input px per heatmap px."""
        return self.input_px / self.heatmap_px

    def encode(
        self, joints_crop_px: Float[np.ndarray, "P 2"], mask: Bool[np.ndarray, " P"]
    ) -> Float[np.ndarray, "P h w"]:
        """One Gaussian a joint, at its exact sub-pixel place with value 1 there.

        All zeros where the mask is False or the joint is NaN. A joint outside keeps what of its Gaussian falls inside.
        """
        known = mask & np.isfinite(joints_crop_px).all(-1)
        center = (np.where(known[:, None], joints_crop_px, 0.0) + 0.5) / self.stride - 0.5
        grid = np.arange(self.heatmap_px)
        profile = np.exp(-((grid - center[..., None]) ** 2) / (2 * self.sigma_px**2)) * known[:, None, None]
        return (profile[:, 1, :, None] * profile[:, 0, None, :]).astype(np.float32)

    def decode(
        self, heatmaps: Float[np.ndarray, "N P h w"]
    ) -> tuple[Float[np.ndarray, "N P 2"], Float[np.ndarray, "N P"]]:
        """Joints in crop px and their confidence: arg-max, refined to sub-pixels.

        The refinement is the top of the parabola through the logarithms of the peak and its two neighbours on each axis
        (exact for a Gaussian of any width; DARK, Zhang et al. CVPR 2020, without its blur), kept within 0.5 px. A peak
        on the map's border has one neighbour only: there the width is taken to be sigma_px, which is exact for encoded
        joints anywhere inside the crop; a joint outside it comes back on the crop's edge. A map without a positive
        value gives its first pixel. Confidence is the height of the fitted top, clipped to [0, 1].
        """
        n, p, h, w = heatmaps.shape
        maps = heatmaps.reshape(n * p, h, w).astype(np.float64)
        row, column = np.divmod(maps.reshape(n * p, h * w).argmax(1), w)
        index = np.arange(n * p)
        peak = maps[index, row, column]
        x, rise_x = self._refine(maps[index, row], column, peak)
        y, rise_y = self._refine(maps[index, :, column], row, peak)
        center = np.stack([column + x, row + y], -1).reshape(n, p, 2)
        joints = ((center + 0.5) * self.stride - 0.5).astype(np.float32)
        confidence = np.clip(peak * np.exp(rise_x + rise_y), 0.0, 1.0)
        return joints, confidence.reshape(n, p).astype(np.float32)

    def _refine(self, profile, at, peak):
        """Offset of the top from the arg-max on one axis, and how far the logarithm rises to it. Profiles: (M, w)."""
        index, last = np.arange(len(profile)), profile.shape[1] - 1
        positive = peak > 0
        level = np.where(positive, peak, 1.0)

        def log_ratio(neighbour):
            return np.log(np.maximum(profile[index, neighbour] / level, FLOOR))

        left, right = log_ratio(np.maximum(at - 1, 0)), log_ratio(np.minimum(at + 1, last))
        curvature = -1.0 / self.sigma_px**2  # of the logarithm of the Gaussian that encode() draws
        left = np.where(at == 0, curvature - right, left)
        right = np.where(at == last, curvature - left, right)
        bend, slope = left + right, (right - left) / 2
        bend = np.where(
            positive, bend, -1.0
        )  # below 0 at a peak, for arg-max is the first: something beside it is lower
        offset = np.where(positive, np.clip(-slope / bend, -0.5, 0.5), 0.0)
        return offset, slope * offset + bend * offset**2 / 2

    def lift(
        self, joints_crop_px: Float[np.ndarray, "N P 2"], depth: Float[np.ndarray, "N P"], root: int
    ) -> Float[np.ndarray, "N P 3"]:
        """Decoded joints and their depth as root-relative 3D poses in half crop sides: camera axes, no mm yet."""
        normalised = (2 * joints_crop_px + 1) / self.input_px - 1
        pose = np.concatenate([normalised, depth[..., None]], -1)
        return pose - pose[:, [root]]

    def soft_argmax(self, heatmaps, beta: float = 4.0):
        """Differentiable joints (N, P, 2) from torch heatmaps (N, P, h, w): (x, y) normalised to [-1, 1] of the crop.

        The expected place under weights max(h, 0)**beta. A power does not change when a map is scaled, so an unsure
        (low) peak is not drawn to the middle as under softmax(beta * h), and the same operator serves predictions and
        encoded truth. beta = 4 narrows the Gaussian to half its sigma: enough to silence a noisy background, wide
        enough for the grid not to show. A map without a positive value gives the middle and no gradient.
        """
        import torch

        maps = heatmaps if heatmaps.dtype == torch.float64 else heatmaps.float()
        peak = maps.amax((-2, -1), keepdim=True).clamp(min=1e-6)
        weights = (maps.clamp(min=0) / peak) ** beta + 1e-8
        weights = weights / weights.sum((-2, -1), keepdim=True)
        h, w = maps.shape[-2:]
        x = (2 * torch.arange(w, dtype=maps.dtype, device=maps.device) + 1) / w - 1
        y = (2 * torch.arange(h, dtype=maps.dtype, device=maps.device) + 1) / h - 1
        return torch.stack([(weights.sum(-2) * x).sum(-1), (weights.sum(-1) * y).sum(-1)], -1)
