"""The steps of the three phases; each reads as the algorithm.

Networks at rest have requires_grad False: a step wakes the network it trains and puts it to rest again, so that no step
can leave gradients in the other network.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from wildpose.codec import HeatmapCodec
from wildpose.config import TrainConfig
from wildpose.data.batches import Batch
from wildpose.errors import InputError
from wildpose.losses import discriminator_loss, generator_adversarial_loss, pose_losses
from wildpose.models.discriminator import Discriminator, Evidence, concatenate, encode_evidence
from wildpose.models.generator import Generator, PoseMaps

Autocast = Callable[[], torch.autocast]


class NonFiniteLoss(InputError):
    """A term became NaN or infinite: training on would only hide it."""


def check_finite(terms: dict[str, Tensor], step: int) -> dict[str, float]:
    values = {name: float(value.detach()) for name, value in terms.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteLoss(
                f"finite losses at step {step}",
                f"{name} = {value} ({values})",
                "resume from the last checkpoint with a lower --set PHASE.lr, or float32 (--set precision=float32)",
            )
    return values


def wake_generator(generator: Generator, freeze_2d: bool) -> None:
    """Only what learns takes part: with `freeze_2d` the 2D module's weights and batch statistics stay as they are."""
    generator.train().requires_grad_(True)
    if freeze_2d:
        generator.pose_2d.eval().requires_grad_(False)


def clip_gradient(network: nn.Module, largest: float) -> float:
    """Scale the gradient down to the norm `largest`, if that is above 0; returns the norm it had."""
    return float(nn.utils.clip_grad_norm_(network.parameters(), largest or math.inf))


def supervised_step(
    generator: Generator,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    config: TrainConfig,
    depth_weight: float,
    freeze_2d: bool,
    autocast: Autocast,
    step: int,
) -> dict[str, float]:
    """Phases 1 and 2: L_pose of eq. (2). Phase 1 is the same with a depth weight of 0."""
    wake_generator(generator, freeze_2d)
    with autocast():
        maps = generator(batch.crops_rgb)
    terms = pose_losses(maps, batch, config.depth_loss)
    loss = terms["heatmap"] + depth_weight * terms["depth"]
    values = check_finite(terms, step)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    values["gradient_norm"] = clip_gradient(generator, config.clip_norm)
    optimiser.step()
    generator.requires_grad_(False)
    return values


def evidence_of(maps: PoseMaps, codec: HeatmapCodec) -> Evidence:
    return encode_evidence(maps.heatmaps[:, -1], maps.depth, codec)


def adversarial_step(
    generator: Generator,
    discriminator: Discriminator,
    optimisers: list[torch.optim.Optimizer],
    batch: Batch,
    config: TrainConfig,
    codec: HeatmapCodec,
    autocast: Autocast,
    step: int,
) -> dict[str, float]:
    """Phase 3, section 4.2. D: eq. (3) on half a batch of true studio poses and half a batch of predictions from studio
    and wild images; then G: eq. (5). One forward pass of G serves both."""
    optimise_g, optimise_d = optimisers
    wake_generator(generator, config.adversarial_loss.fix_2d)
    with autocast():
        maps = generator(batch.crops_rgb)
    fake = evidence_of(maps, codec)

    discriminator.train().requires_grad_(True)
    d_terms, scores = discriminator_terms(discriminator, batch, fake.detach(), config, codec, autocast, step)
    optimise_d.zero_grad(set_to_none=True)
    (d_terms["d_real"] + d_terms["d_fake"]).backward()
    optimise_d.step()
    discriminator.requires_grad_(False)

    terms = pose_losses(maps, batch, config.depth_loss)
    with autocast():
        logits = discriminator(batch.crops_rgb, fake)
    terms["g_adversarial"] = generator_adversarial_loss(logits)
    loss = (
        terms["heatmap"]
        + config.adversarial.depth_weight * terms["depth"]
        + config.adversarial_loss.weight * terms["g_adversarial"]
    )
    values = check_finite(terms | d_terms, step)
    optimise_g.zero_grad(set_to_none=True)
    loss.backward()
    values["gradient_norm"] = clip_gradient(generator, config.clip_norm)
    optimise_g.step()
    generator.requires_grad_(False)
    return values | scores


def discriminator_terms(
    discriminator: nn.Module,
    batch: Batch,
    fake: Evidence,
    config: TrainConfig,
    codec: HeatmapCodec,
    autocast: Autocast,
    step: int,
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Half real, half fake, scored in one pass; the fakes are drawn from the whole batch, studio and wild alike."""
    half = config.adversarial.batch_3d
    truth = batch.part(slice(0, half))
    real = encode_evidence(truth.heatmaps, truth.depth, codec)
    drawn = torch.randperm(len(batch.depth), generator=torch.Generator().manual_seed(step))[:half]
    crops = torch.cat([truth.crops_rgb, batch.crops_rgb[drawn]])
    with autocast():
        logits = discriminator(crops, concatenate(real, fake.part(drawn)))
    real_logits, fake_logits = logits[:half], logits[half:]
    scores = {
        "score_real": float(real_logits.detach().mean()),
        "score_fake": float(fake_logits.detach().mean()),
        "sign_real": float((real_logits.detach() > 0).float().mean()),
        "sign_fake": float((fake_logits.detach() > 0).float().mean()),
    }
    return discriminator_loss(real_logits, fake_logits), scores
