"""Teaches a network what depth goes with which places, from 3D poses alone, seen anew at every step (views.py)."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wildpose.data.mix import TrainData
from wildpose.models.places import PlaceLifter
from wildpose.train.precision import bfloat16_is_fast
from wildpose.train.views import as_labelled, random_views

BATCH = 512
LR, WEIGHT_DECAY = 1e-3, 0.01


def poses_of(data: TrainData) -> Float[Tensor, "N P 3"]:
    """All poses of the sets with 3D labels, mm, each in the axes of its camera."""
    poses_mm = [part.samples.joints_cam_mm for part in data.parts_3d]
    return torch.from_numpy(np.concatenate(poses_mm).astype(np.float32))


def depth_error(depth: Float[Tensor, "B P"], truth: Float[Tensor, "B P"]) -> Float[Tensor, ""]:
    """Mean distance to the true depth, where that is known (not NaN)."""
    known = truth.isfinite()
    return (depth - torch.where(known, truth, 0)).abs().mul(known).sum() / known.sum().clamp_min(1)


def learn_places(
    lifter: PlaceLifter,
    poses_mm: Float[Tensor, "N P 3"],
    steps: int,
    seed: int,
    notify: Callable[[str], None],
    lr: float = LR,
) -> None:
    """`steps` batches of 512 random views of these poses; the network stays as it is then."""
    lifter.requires_grad_(True)
    random = torch.Generator().manual_seed(seed)
    fast = bfloat16_is_fast("cpu")

    def loss(_step: int) -> Float[Tensor, ""]:
        rows = torch.randint(len(poses_mm), (BATCH,), generator=random)
        views = random_views(poses_mm[rows], random)
        marked = as_labelled(views, random)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            depth = lifter(marked)
        return depth_error(depth, views.depth)

    fit(lifter, loss, steps, max(1, steps // 6), "depth by places", lr, notify)


def fit(
    network: nn.Module,
    loss: Callable[[int], Float[Tensor, ""]],
    steps: int,
    told_every: int,
    what: str,
    lr: float,
    notify: Callable[[str], None],
) -> None:
    """AdamW along a cosine to zero, over what learns in a network; it is left as for prediction."""
    network.train()
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    total = 0.0
    for step in range(steps):
        value = loss(step)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        total += value.item()
        if (step + 1) % told_every == 0:
            mean = total / told_every
            notify(f"{what}, step {step + 1}/{steps}: mean error {mean:.4f} half crop sides")
            total = 0.0
    network.eval().requires_grad_(False)
