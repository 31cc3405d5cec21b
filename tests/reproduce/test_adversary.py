"""The discriminator taken apart: identities that hold whatever it has learnt, and Ds whose answers are known."""

import dataclasses

import numpy as np
import pytest
import torch

from wildpose.codec import HeatmapCodec
from wildpose.config import PRESETS, DiscriminatorConfig, ModelConfig
from wildpose.data.batches import Batch
from wildpose.models.discriminator import Discriminator
from wildpose.models.generator import Generator, PoseMaps
from wildpose.reproduce.adversary import (
    Adversary,
    Seen,
    above,
    asked_by_discriminator,
    asked_by_labels,
    evidence_of_fake,
    evidence_of_truth,
    false_poses,
    hide,
    norms,
    noticed,
    score,
    separation,
)

MODEL = ModelConfig(stacks=2, features=16, input_px=32, levels=2, depth_stages=2)
N, SIDE = 6, 8


def people(with_3d: bool = True, seed: int = 0) -> Seen:
    rng = torch.Generator().manual_seed(seed)
    depth = torch.randn(N, 16, generator=rng)
    batch = Batch(
        crops_rgb=torch.randint(0, 256, (N, 32, 32, 3), generator=rng).to(torch.uint8),
        joints_crop_px=torch.rand(N, 16, 2, generator=rng) * 32,
        heatmaps=torch.rand(N, 16, SIDE, SIDE, generator=rng),
        heatmap_mask=torch.ones(N, 16, dtype=torch.bool),
        depth=depth if with_3d else torch.full_like(depth, torch.nan),
        depth_mask=torch.full((N, 16), with_3d),
    )
    return Seen(batch, PoseMaps(torch.rand(N, 2, 16, SIDE, SIDE, generator=rng), torch.randn(N, 16, generator=rng)))


def adversary(sources=("image", "geometry", "maps")) -> Adversary:
    torch.manual_seed(0)
    looks = DiscriminatorConfig(sources=sources, embedding=8, hidden=16)
    config = dataclasses.replace(PRESETS["smoke"], model=MODEL, discriminator=looks)
    discriminator = Discriminator(looks, MODEL).requires_grad_(False)
    return Adversary(config, Generator(MODEL), discriminator, HeatmapCodec(32, SIDE, 1.0))


def test_pairs_by_hand():
    assert above(np.array([3.0, 1.0]), np.array([0.0, 1.0, 2.0])) == pytest.approx(100 * (3 + 1.5) / 6)
    assert noticed(np.array([3.0, 1.0, 0.0]), np.array([2.0, 1.0, 5.0])) == pytest.approx(50.0)


def test_gradients_by_each_way_add_up_to_the_whole():
    found = [asked_by_discriminator(adversary(), people(), way) for way in (("geometry",), ("maps",))]
    whole = asked_by_discriminator(adversary(), people())
    for one, other, both in zip(*found, whole, strict=True):
        assert one.abs().max() > 0 and other.abs().max() > 0
        torch.testing.assert_close(one + other, both)


def test_a_way_that_d_does_not_look_asks_for_nothing():
    only_maps = adversary(("image", "maps"))
    assert norms(asked_by_discriminator(only_maps, people(), ("geometry",))) == (0.0, 0.0)
    assert min(norms(asked_by_discriminator(only_maps, people()))) > 0
    assert norms(asked_by_discriminator(adversary(("image",)), people())) == (0.0, 0.0)


def test_labels_ask_for_what_the_formula_says():
    """Squared errors as means over 16 N joints and 8 x 8 cells, times N: 2 (h - t) / (16 64), w 2 (d - t) / 16."""
    of, seen = adversary(), people()
    heatmaps, depth = asked_by_labels(of, seen)
    torch.testing.assert_close(heatmaps, 2 * (seen.maps.heatmaps[:, -1] - seen.batch.heatmaps) / (16 * SIDE**2))
    weight = of.config.adversarial.depth_weight
    torch.testing.assert_close(depth, weight * 2 * (seen.maps.depth - seen.batch.depth) / 16)
    assert norms(asked_by_labels(of, people(with_3d=False)))[1] == 0.0


def test_norms_by_hand():
    depth = torch.zeros(2, 16)
    depth[0, :2] = torch.tensor([3.0, 4.0])
    assert norms((torch.ones(2, 16, 2, 2), depth)) == (8.0, 2.5)


def test_false_poses_differ_from_the_truth_in_what_they_are_named_for():
    truth = (people().batch.heatmaps, people().batch.depth)
    changed = false_poses(truth)
    for name in ("left and right swapped", "turned inside out in depth"):
        twice = false_poses(changed[name])[name]
        assert not torch.equal(changed[name][1], truth[1])
        assert torch.equal(twice[0], truth[0]) and torch.equal(twice[1], truth[1])
    others = changed["another's pose"]
    assert all(not torch.equal(a, b) for a, b in zip(others[0], truth[0], strict=True))
    assert torch.equal(others[0].sort(0).values, truth[0].sort(0).values)
    assert torch.equal(changed["flat"][0], truth[0]) and not changed["flat"][1].any()


def test_a_hidden_source_says_nothing_of_anybody():
    """Hide the only source of a D, and it says the same of everybody; hide one that it hasn't, and nothing changes."""
    seen = people()
    for source in ("image", "geometry", "maps"):
        of = adversary((source,))
        evidence = evidence_of_truth(of, seen)
        plain = score(of, seen.batch.crops_rgb, evidence)
        assert np.ptp(score(of, *hide(source, seen.batch.crops_rgb, evidence))) < 1e-5 < np.ptp(plain)
        for other in {"image", "geometry", "maps"} - {source}:
            assert np.array_equal(score(of, *hide(other, seen.batch.crops_rgb, evidence)), plain)


def test_a_d_that_knows_flat_poses_separates_them_until_it_loses_that_source():
    """A D whose logit is the spread of the depth maps: above every flat prediction, below none."""
    of, real = adversary(("maps",)), people()

    class Spread(Discriminator):
        def forward(self, crops_rgb, evidence):
            return evidence.maps[:, 16:].abs().mean((1, 2, 3))

    of = dataclasses.replace(of, discriminator=Spread(of.config.discriminator, MODEL))
    flat = Seen(real.batch, PoseMaps(real.maps.heatmaps, torch.zeros_like(real.maps.depth)))
    assert separation(of, real, flat) == 100.0
    assert separation(of, real, flat, "image") == 100.0
    assert separation(of, real, flat, "maps") == 50.0
    fake = score(of, flat.batch.crops_rgb, evidence_of_fake(of, flat))
    assert not fake.any()
