"""The steps of the three phases; each reads as the algorithm.

Networks at rest have requires_grad False: a step wakes the network it trains and puts it to rest again, so that no step
can leave gradients in the other network. A batch may be this process's share of a larger one, and may go through the
networks in several portions: terms are shares of the joined batch's means, so that their gradients add up to its own.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from wildpose.codec import HeatmapCodec
from wildpose.data.batches import Batch, Share
from wildpose.errors import InputError
from wildpose.losses import (
    discriminator_loss,
    generator_adversarial_loss,
    gradient_penalty,
    label_counts,
    pose_losses,
)
from wildpose.models.discriminator import Evidence, concatenate, encode_evidence
from wildpose.models.generator import Generator, PoseMaps
from wildpose.train.state import Training, learning_rate, update_average


class NonFiniteLoss(InputError):
    """A term or a gradient became NaN or infinite: training on would only hide it, and write it into checkpoints."""


def advance(training: Training, batch: Batch) -> dict[str, float]:
    """One optimiser step (in the adversarial phase one of D and one of G), and the average; values of the joined batch.

    batch: this process's share.
    """
    config, settings = training.config, training.settings
    for group in training.optimisers[0].param_groups:
        group["lr"] = learning_rate(settings, config.schedule, training.step)
    if training.phase == "adversarial":
        values = adversarial_step(training, batch)
    else:
        frozen = training.step < settings.head_only_steps
        values = supervised_step(training, batch, settings.depth_weight, frozen)
    training.step += 1
    update_average(training.average, training.generator, config.ema, training.step)
    return values


@dataclass(frozen=True)
class Portion:
    """What goes through the networks at once, and the rows that it has in the joined batch."""

    batch: Batch
    rows: Int64[Tensor, " B"]


def portions(training: Training, batch: Batch) -> list[Portion]:
    size, size_3d, workers = training.config.batch, training.settings.batch_3d, training.workers
    rows = workers.share.rows_of_batch(size, size_3d)
    if training.accumulate == 1:
        return [Portion(batch, rows)]
    parts = [Share(i, training.accumulate) for i in range(training.accumulate)]
    mine = [part.rows_of_batch(size // workers.count, size_3d // workers.count) for part in parts]
    return [Portion(batch.part(each), rows[each]) for each in mine]


def add_terms(total: dict[str, Tensor], terms: dict[str, Tensor]) -> None:
    for name, value in terms.items():
        total[name] = total[name] + value.detach() if name in total else value.detach()


def check_finite(values: dict[str, float], training: Training) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            setting = training.phase.replace("-", "_")
            raise NonFiniteLoss(
                f"finite losses and gradients at step {training.step}",
                f"{name} = {value} ({values})",
                # a run of other settings may not go on in the same folder
                f"start another --out with --init and the last checkpoint, and a lower --set {setting}.lr"
                " or --set precision=float32",
            )


def wake_generator(generator: Generator, freeze_2d: bool, frozen_norms: bool) -> None:
    """Only what learns takes part: with `freeze_2d` the 2D module's weights and batch statistics stay as they are, with
    `frozen_norms` the batch statistics of all."""
    generator.train().requires_grad_(True)
    if freeze_2d:
        generator.pose_2d.eval().requires_grad_(False)
    if frozen_norms:
        for norm in norms_of(generator):
            norm.eval()


def norms_of(generator: Generator) -> list[nn.modules.batchnorm._BatchNorm]:
    return [m for m in generator.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def clip_gradient(network: nn.Module, largest: float) -> Float[Tensor, ""]:
    """Scale the gradient down to the norm `largest`, if that is above 0; returns the norm it had."""
    return nn.utils.clip_grad_norm_(network.parameters(), largest or math.inf)


def predict(training: Training, portion: Portion) -> PoseMaps:
    with training.autocast():
        return training.generator(portion.batch.crops_rgb)


def step_generator(training: Training, total: dict[str, Tensor]) -> dict[str, float]:
    """Its gradients are there: join, clip, check, step, rest. Values of the joined batch; every process raises
    NonFiniteLoss if one has reason to."""
    generator, config = training.generator, training.config
    summed = training.workers.sum(torch.stack([value.float() for value in total.values()]))
    training.workers.sum_gradients(generator)
    norm = clip_gradient(generator, config.clip_norm)
    numbers = torch.cat([summed, norm.float()[None]]).tolist()  # the one time that a GPU is waited for
    values = dict(zip((*total, "gradient_norm"), numbers, strict=True))
    check_finite(values, training)  # finite losses can have gradients that aren't: the next checkpoint would hold them
    training.optimisers[0].step()
    generator.requires_grad_(False)
    return values


def supervised_step(training: Training, batch: Batch, depth_weight: float, freeze_2d: bool) -> dict[str, float]:
    """Phases 1 and 2: L_pose of eq. (2). Phase 1 is the same with a depth weight of 0."""
    wake_generator(training.generator, freeze_2d, training.config.frozen_norms)
    counts = training.workers.sum(label_counts(batch))
    total: dict[str, Tensor] = {}
    training.optimisers[0].zero_grad(set_to_none=True)
    for portion in portions(training, batch):
        maps = predict(training, portion)
        terms = pose_losses(maps, portion.batch, training.config.depth_loss, counts)
        (terms["heatmap"] + depth_weight * terms["depth"]).backward()
        add_terms(total, terms)
    return step_generator(training, total)


def evidence_of(maps: PoseMaps, codec: HeatmapCodec) -> Evidence:
    return encode_evidence(maps.heatmaps[:, -1], maps.depth, codec)


def adversarial_step(training: Training, batch: Batch) -> dict[str, float]:
    """Phase 3, section 4.2. D: eq. (3) on both `sides`; then G: eq. (5). One forward pass of G serves both, unless
    there are several portions: to keep the graph of each until D has learnt would take the memory that portions are to
    save."""
    config, discriminator = training.config, training.discriminator
    parts, counts = portions(training, batch), training.workers.sum(label_counts(batch))
    total: dict[str, Tensor] = {}
    d_total: dict[str, Tensor] = {}
    wake_generator(training.generator, config.adversarial_loss.fix_2d, config.frozen_norms)
    discriminator.train().requires_grad_(True)
    training.optimisers[1].zero_grad(set_to_none=True)
    for portion in parts:
        with rehearsal(training.generator, len(parts) > 1):
            maps = predict(training, portion)
        fake = evidence_of(maps, training.codec)
        d_terms, scores = discriminator_terms(training, portion, fake.detach())
        sum(d_terms.values()).backward()
        add_terms(d_total, d_terms | scores)
    training.workers.sum_gradients(discriminator)
    training.optimisers[1].step()
    discriminator.requires_grad_(False)

    training.optimisers[0].zero_grad(set_to_none=True)
    for portion in parts:
        if len(parts) > 1:
            maps = predict(training, portion)
            fake = evidence_of(maps, training.codec)
        terms = pose_losses(maps, portion.batch, config.depth_loss, counts)
        # predictions that D takes for true needn't be made any truer
        first = with_3d(training, portion) if config.adversarial_loss.true_side == "predictions" else 0
        with training.autocast():
            logits = discriminator(portion.batch.crops_rgb[first:], fake.part(slice(first, None)))
        terms["g_adversarial"] = generator_adversarial_loss(logits, config.batch)
        loss = (
            terms["heatmap"]
            + config.adversarial.depth_weight * terms["depth"]
            + config.adversarial_loss.weight * terms["g_adversarial"]
        )
        loss.backward()
        add_terms(total, terms)
    return step_generator(training, total | d_total)


@contextmanager
def rehearsal(generator: Generator, only: bool) -> Iterator[None]:
    """If `only`: a pass that is made again later; no graph, and batch statistics are used but not remembered."""
    norms = norms_of(generator) if only else []
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        with torch.set_grad_enabled(not only):
            yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@dataclass(frozen=True)
class Sides:
    """What D is to tell apart; this portion's share of it."""

    real_crops: UInt8[Tensor, "N Hi Wi 3"]
    real: Evidence
    fake_crops: UInt8[Tensor, "M Hi Wi 3"]
    fake: Evidence
    counts: tuple[int, int]
    """Real and fake ones in the joined batch."""


def sides(training: Training, portion: Portion, predicted: Evidence) -> Sides:
    """True poses against predictions drawn from the whole joined batch, studio and wild alike: half and half, and this
    portion has those that fall on its rows. Or predictions for pictures with 3D labels against those for photos."""
    config, half, batch = training.config, training.settings.batch_3d, portion.batch
    labelled = with_3d(training, portion)
    if config.adversarial_loss.true_side == "predictions":
        known, photos = slice(0, labelled), slice(labelled, None)
        counts = half, config.batch - half
        return Sides(
            batch.crops_rgb[known], predicted.part(known), batch.crops_rgb[photos], predicted.part(photos), counts
        )
    truth = batch.part(slice(0, labelled))
    real = encode_evidence(truth.heatmaps, truth.depth, training.codec)
    drawn = torch.randperm(config.batch, generator=torch.Generator().manual_seed(training.step))[:half]
    place = {row: i for i, row in enumerate(portion.rows.tolist())}
    mine = torch.tensor([place[row] for row in drawn.tolist() if row in place], dtype=torch.int64)
    mine = mine.to(batch.depth.device)
    return Sides(truth.crops_rgb, real, batch.crops_rgb[mine], predicted.part(mine), (half, half))


def with_3d(training: Training, portion: Portion) -> int:
    """Samples with 3D labels, which come first."""
    return int((portion.rows < training.settings.batch_3d).sum())


def discriminator_terms(
    training: Training, portion: Portion, predicted: Evidence
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Terms of D's loss, and its scores; both sides are scored in one pass."""
    weight, shown = training.config.adversarial_loss.r1, sides(training, portion, predicted)
    reals, (of_real, of_fake) = len(shown.real_crops), shown.counts
    real = shown.real.map(lambda part: part.requires_grad_(weight > 0))
    crops = torch.cat([shown.real_crops, shown.fake_crops])
    with training.autocast():
        logits = training.discriminator(crops, concatenate(real, shown.fake))
    real_logits, fake_logits = logits[:reals], logits[reals:]
    scores = {
        "score_real": real_logits.detach().sum() / of_real,
        "score_fake": fake_logits.detach().sum() / of_fake,
        "sign_real": (real_logits.detach() > 0).sum() / of_real,
        "sign_fake": (fake_logits.detach() > 0).sum() / of_fake,
    }
    terms = discriminator_loss(real_logits, fake_logits, shown.counts)
    if weight > 0 and reals:
        asked = [part for part in (real.descriptor, real.maps) if part.requires_grad]
        terms["d_r1"] = weight / 2 * gradient_penalty(real_logits, asked, of_real)
    return terms, scores
