"""A trained discriminator taken apart: what it says of true, predicted and falsified poses, and what it asks of G."""

from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wildpose.codec import HeatmapCodec
from wildpose.config import Source, TrainConfig, from_dict
from wildpose.data.batches import Batch, plain_batches
from wildpose.data.sample import SampleSet
from wildpose.errors import InputError
from wildpose.losses import generator_adversarial_loss, pose_losses
from wildpose.models.discriminator import Discriminator, Evidence, concatenate, encode_evidence
from wildpose.models.generator import Generator, PoseMaps
from wildpose.skeleton import MPII16
from wildpose.train.checkpoint import read_checkpoint

CHUNK = 32
Pose = tuple[Float[Tensor, "N P H W"], Float[Tensor, "N P"]]
"""Heatmaps and depth."""


@dataclass(frozen=True)
class Adversary:
    """Both networks of a checkpoint of the adversarial phase, in evaluation mode: G as D faced it, not its average."""

    config: TrainConfig
    generator: Generator
    discriminator: Discriminator
    codec: HeatmapCodec


@dataclass(frozen=True)
class Seen:
    """N people: their crops and labels, and what G says of them."""

    batch: Batch
    maps: PoseMaps

    def __len__(self) -> int:
        return len(self.batch.depth)


def load_adversary(checkpoint: Path) -> Adversary:
    """Raises InputError for what isn't a sound checkpoint of the adversarial phase."""
    state, tensors = read_checkpoint(checkpoint)
    if "discriminator" not in tensors:
        raise InputError("a checkpoint of the adversarial phase", f"{state['phase']} at {checkpoint}", "train on")
    config = from_dict(TrainConfig, state["config"])
    generator, discriminator = Generator(config.model), Discriminator(config.discriminator, config.model)
    generator.load_state_dict(tensors["generator"])
    discriminator.load_state_dict(tensors["discriminator"])
    for network in (generator, discriminator):
        network.eval().requires_grad_(False)
    codec = HeatmapCodec(config.model.input_px, config.model.heatmap_px, config.model.sigma_px)
    return Adversary(config, generator, discriminator, codec)


@torch.no_grad()
def see(adversary: Adversary, samples: SampleSet, people: int) -> Seen:
    """The first `people` of a set, upright crops as in validation."""
    batches, maps = [], []
    for batch, _ in islice(plain_batches(samples, adversary.config.model, CHUNK), -(-people // CHUNK)):
        batches.append(batch)
        maps.append(adversary.generator(batch.crops_rgb))
    joined = Batch(*(torch.cat([getattr(b, f.name) for b in batches])[:people] for f in fields(Batch)))
    heatmaps, depth = (torch.cat([getattr(m, name) for m in maps])[:people] for name in ("heatmaps", "depth"))
    return Seen(joined, PoseMaps(heatmaps, depth))


@torch.no_grad()
def score(adversary: Adversary, crops_rgb: Tensor, evidence: Evidence) -> Float[np.ndarray, " N"]:
    """D's logits."""
    parts = [slice(i, i + CHUNK) for i in range(0, len(crops_rgb), CHUNK)]
    return torch.cat([adversary.discriminator(crops_rgb[p], evidence.part(p)) for p in parts]).numpy()


def evidence_of(adversary: Adversary, pose: Pose) -> Evidence:
    """As this D is shown poses."""
    return encode_evidence(*pose, adversary.codec)


def evidence_of_truth(adversary: Adversary, seen: Seen) -> Evidence:
    """What D is shown as real; for people with 3D labels."""
    return evidence_of(adversary, (seen.batch.heatmaps, seen.batch.depth))


def evidence_of_fake(adversary: Adversary, seen: Seen) -> Evidence:
    """What D is shown as fake."""
    return evidence_of(adversary, (seen.maps.heatmaps[:, -1], seen.maps.depth))


def above(higher: Float[np.ndarray, " N"], lower: Float[np.ndarray, " M"]) -> float:
    """Percent of the pairs in which the first is above the second, ties as half: 50 if D can't tell (area under the
    ROC curve)."""
    difference = higher[:, None] - lower[None]
    return float(100.0 * ((difference > 0) + 0.5 * (difference == 0)).mean())


def noticed(true: Float[np.ndarray, " N"], false: Float[np.ndarray, " N"]) -> float:
    """Percent of the people of whom the false pose scores below their own true one, ties as half."""
    return float(100.0 * ((true > false) + 0.5 * (true == false)).mean())


def false_poses(truth: Pose) -> dict[str, Pose]:
    """True poses turned into others that the picture doesn't show."""
    heatmaps, depth = truth
    mirror = torch.as_tensor(np.asarray(MPII16.mirror))
    return {
        "another's pose": (heatmaps.roll(1, 0), depth.roll(1, 0)),
        "left and right swapped": (heatmaps[:, mirror], depth[:, mirror]),
        "turned inside out in depth": (heatmaps, -depth),
        "flat": (heatmaps, torch.zeros_like(depth)),
    }


def hide(source: Source, crops_rgb: Tensor, evidence: Evidence) -> tuple[Tensor, Evidence]:
    """The same with one source replaced by its mean over all N: it says nothing of anybody any more."""
    if source == "image":
        return crops_rgb.float().mean(0, keepdim=True).round().to(torch.uint8).expand_as(crops_rgb), evidence
    if source == "geometry":
        return crops_rgb, Evidence(_mean(evidence.descriptor), evidence.maps)
    return crops_rgb, Evidence(evidence.descriptor, _mean(evidence.maps))


def separation(adversary: Adversary, real: Seen, fake: Seen, hidden: Source | None = None) -> float:
    """`above` of true poses against predictions, with a source hidden from D."""
    crops = torch.cat([real.batch.crops_rgb, fake.batch.crops_rgb])
    evidence = concatenate(evidence_of_truth(adversary, real), evidence_of_fake(adversary, fake))
    if hidden is not None:
        crops, evidence = hide(hidden, crops, evidence)
    scores = score(adversary, crops, evidence)
    return above(scores[: len(real)], scores[len(real) :])


def asked_by_discriminator(
    adversary: Adversary, seen: Seen, through: tuple[Source, ...] = ("geometry", "maps")
) -> Pose:
    """Gradient of the adversarial term, before lambda, into each person's heatmaps and depth by way of some sources.

    By each way alone they add up to that by both.
    """
    heatmaps, depth = _leaves(seen)
    whole = evidence_of(adversary, (heatmaps[:, -1], depth))
    cut = whole.detach()
    evidence = Evidence(
        whole.descriptor if "geometry" in through else cut.descriptor, whole.maps if "maps" in through else cut.maps
    )
    logits = adversary.discriminator(seen.batch.crops_rgb, evidence)
    return _gradient(generator_adversarial_loss(logits), heatmaps, depth)


def asked_by_labels(adversary: Adversary, seen: Seen) -> Pose:
    """Gradient of L_pose, its depth term weighted as in training, into each person's heatmaps and depth."""
    heatmaps, depth = _leaves(seen)
    terms = pose_losses(PoseMaps(heatmaps, depth), seen.batch, adversary.config.depth_loss)
    return _gradient(terms["heatmap"] + adversary.config.adversarial.depth_weight * terms["depth"], heatmaps, depth)


def norms(gradient: Pose) -> tuple[float, float]:
    """Mean over the people of the Euclidean norms of their gradients, into heatmaps and into depth."""
    heatmaps, depth = (float(part.flatten(1).norm(dim=1).mean()) for part in gradient)
    return heatmaps, depth


def first(seen: Seen, people: int) -> Seen:
    """The first of them."""
    maps = PoseMaps(seen.maps.heatmaps[:people], seen.maps.depth[:people])
    return Seen(seen.batch.part(slice(0, people)), maps)


def _leaves(seen: Seen) -> tuple[Tensor, Tensor]:
    return seen.maps.heatmaps.detach().clone().requires_grad_(), seen.maps.depth.detach().clone().requires_grad_()


def _gradient(loss: Tensor, heatmaps: Tensor, depth: Tensor) -> Pose:
    """Of the sum over the people: losses are means, so that it would depend on how many there are."""
    if not loss.requires_grad:  # D doesn't look that way
        return torch.zeros_like(heatmaps[:, -1]), torch.zeros_like(depth)
    found = torch.autograd.grad(len(depth) * loss, (heatmaps, depth), allow_unused=True, materialize_grads=True)
    return found[0][:, -1], found[1]


def _mean(values: Tensor) -> Tensor:
    return values.mean(0, keepdim=True).expand_as(values)
