"""PoseMaps and a Batch to named, unweighted terms. One masked mean; float32. Weights are applied in train/steps.py.

Eq. (2) is written with sums. Every term here is a mean over what is labelled: with sums over 64 x 64 maps, the
lambda = 1e-4 of eq. (5) would vanish (../docs/architecture.md).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from wildpose.data.batches import Batch
from wildpose.models.generator import PoseMaps

DEPTH_CLIP = 0.5
"""Half crop sides beyond which an error of clipped-l1 has no gradient: a pose turned the wrong way round."""


def masked_mean(
    values: Float[Tensor, "*shape"], mask: Bool[Tensor, "*shape"], count: Float[Tensor, ""] | None = None
) -> Float[Tensor, ""]:
    """Mean over the mask, 0 where nothing is labelled. Masked values may be NaN: neither value nor gradient passes.

    count: what to divide by, where the batch is one part of a larger one: the labels of all its parts.
    """
    return torch.where(mask, values, 0).sum() / (mask.sum() if count is None else count).clamp_min(1)


def heatmap_loss(
    predicted: Float[Tensor, "B S P H W"],
    truth: Float[Tensor, "B P H W"],
    mask: Bool[Tensor, "B P"],
    count: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """First term of eq. (2), with intermediate supervision: squared error of each stack, summed over the stacks."""
    per_map = ((predicted - truth[:, None]) ** 2).mean((3, 4))
    return sum(masked_mean(per_map[:, s], mask, count) for s in range(per_map.shape[1]))


def depth_loss(
    predicted: Float[Tensor, "B P"],
    truth: Float[Tensor, "B P"],
    mask: Bool[Tensor, "B P"],
    kind: Literal["squared", "clipped-l1"] = "squared",
    count: Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Second term of eq. (2), over the labelled depths. `squared` is the paper's."""
    error = predicted - torch.where(mask, truth, 0)
    return masked_mean(error**2 if kind == "squared" else error.abs().clamp_max(DEPTH_CLIP), mask, count)


def label_counts(batch: Batch) -> Float[Tensor, "2"]:
    """Labelled joints and labelled depths of a batch; the sum over its parts is what pose_losses divides by."""
    return torch.stack([batch.heatmap_mask.sum(), batch.depth_mask.sum()]).float()


def pose_losses(
    maps: PoseMaps,
    batch: Batch,
    depth_kind: Literal["squared", "clipped-l1"],
    counts: Float[Tensor, "2"] | None = None,
) -> dict[str, Tensor]:
    """The terms of L_pose, eq. (2): of a batch, or (with `counts` of the whole) the share of a part in them."""
    joints, depths = label_counts(batch) if counts is None else counts
    return {
        "heatmap": heatmap_loss(maps.heatmaps, batch.heatmaps, batch.heatmap_mask, joints),
        "depth": depth_loss(maps.depth, batch.depth, batch.depth_mask, depth_kind, depths),
    }


def cross_entropy(logits: Float[Tensor, " N"], is_real: bool, count: int | None = None) -> Float[Tensor, ""]:
    """L_cls: mean binary cross-entropy; of a part of a batch with `count` rows, the part's share in the mean."""
    target = torch.full_like(logits, float(is_real))
    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / (count or len(logits))


def discriminator_loss(
    real_logits: Float[Tensor, " N"], fake_logits: Float[Tensor, " M"], counts: tuple[int, int] | None = None
) -> dict[str, Tensor]:
    """Eq. (3): binary cross-entropy, ground truth as 1, predictions as 0. counts: of each in the whole batch."""
    reals, fakes = counts or (len(real_logits), len(fake_logits))
    return {"d_real": cross_entropy(real_logits, True, reals), "d_fake": cross_entropy(fake_logits, False, fakes)}


def gradient_penalty(
    real_logits: Float[Tensor, " N"], shown: Sequence[Tensor], count: int | None = None
) -> Float[Tensor, ""]:
    """R1 without its weight (Mescheder et al., ICML 2018, eq. 9): mean squared norm of D's gradient by what it was
    shown of true poses. count: true poses in the whole batch."""
    gradients = torch.autograd.grad(real_logits.sum(), shown, create_graph=True, allow_unused=True)
    squared = [gradient.float().pow(2).sum() for gradient in gradients if gradient is not None]
    return torch.stack(squared).sum() / (count or len(real_logits))


def generator_adversarial_loss(fake_logits: Float[Tensor, " B"], count: int | None = None) -> Float[Tensor, ""]:
    """First term of eq. (5), before lambda: predictions should pass for 1."""
    return cross_entropy(fake_logits, True, count)
