"""Photos without labels: no supervised gradient at all, an adversarial one, and D sees what is predicted for them."""

import dataclasses

import numpy as np
import torch
from rendered_batch import Dots, tiny_config

from wildpose.adapt.run import UNLABELLED_SHARE
from wildpose.data.batches import Batches
from wildpose.data.mix import Mixed
from wildpose.data.sample import Sample
from wildpose.losses import generator_adversarial_loss, pose_losses
from wildpose.train.state import Training
from wildpose.train.steps import adversarial_step, evidence_of


class NoLabels(Dots):
    """The dots, unlabelled as adapt's cut-outs of such photos are."""

    def load(self, i: int) -> Sample:
        whole = super().load(i)
        nowhere = np.full((16, 2), np.nan, np.float32)
        return dataclasses.replace(whole, joints_px=nowhere, mask=np.zeros(16, bool))


def a_batch(wild, batch_3d: int, batch: int = 8):
    config = tiny_config()
    studio = Dots(10, with_3d=True, seed=1)
    return Batches(wild, studio, batch, batch_3d, config.model, config.augment, (0, 2))[0]


def gradient_norm(network: torch.nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)


def test_no_supervised_and_some_adversarial_gradient():
    training = Training(tiny_config(), "adversarial")
    batch = a_batch(NoLabels(12, with_3d=False), batch_3d=0)
    assert not batch.heatmap_mask.any() and not batch.depth_mask.any() and batch.depth.isnan().all()
    generator, discriminator = training.generator.train().requires_grad_(True), training.discriminator
    maps = generator(batch.crops_rgb)
    terms = pose_losses(maps, batch, "squared")
    assert terms["heatmap"].item() == 0.0 and terms["depth"].item() == 0.0
    (terms["heatmap"] + terms["depth"]).backward(retain_graph=True)
    assert gradient_norm(generator) == 0.0
    fake = evidence_of(maps, training.codec)
    generator_adversarial_loss(discriminator(batch.crops_rgb, fake)).backward()
    norm = gradient_norm(generator)
    assert norm > 0.0 and np.isfinite(norm)


def test_supervised_terms_are_means_over_the_labelled_ones():
    """Unlabelled rows beside labelled ones change neither term."""
    training = Training(tiny_config(), "adversarial")
    wild, nothing = a_batch(Dots(12, with_3d=False), 4), a_batch(NoLabels(12, with_3d=False), 0, batch=4)
    rows = [torch.cat([getattr(wild, f.name), getattr(nothing, f.name)]) for f in dataclasses.fields(wild)]
    both = type(wild)(*rows)
    generator = training.generator.eval()
    alone, beside = (pose_losses(generator(b.crops_rgb), b, "squared") for b in (wild, both))
    for name, value in alone.items():
        torch.testing.assert_close(value, beside[name], rtol=1e-5, atol=1e-7)


def test_a_step_on_a_mixed_batch_moves_both_networks_and_stays_finite():
    sets = [Dots(12, with_3d=False), NoLabels(5, with_3d=False, seed=9)]
    wild = Mixed(sets, [1 - UNLABELLED_SHARE, UNLABELLED_SHARE])
    training = Training(tiny_config(), "adversarial")
    batch = a_batch(wild, batch_3d=4)
    before = {name: [p.clone() for p in net.parameters()] for name, net in training.networks.items()}
    values = adversarial_step(training, batch)
    assert all(np.isfinite(value) for value in values.values())
    for name in ("generator", "discriminator"):
        after = training.networks[name].parameters()
        assert any(not torch.equal(a, b) for a, b in zip(before[name], after, strict=True)), name


def test_the_fakes_of_the_discriminator_come_from_unlabelled_photos_too(monkeypatch):
    """Half a batch is drawn from all rows; over a few steps every row is among them."""
    from wildpose.train import steps

    training, drawn = Training(tiny_config(), "adversarial"), set()
    batch = a_batch(NoLabels(12, with_3d=False), batch_3d=4)
    plain = steps.discriminator_terms

    def watched(training, portion, fake):
        half = training.settings.batch_3d
        generator = torch.Generator().manual_seed(training.step)
        drawn.update(torch.randperm(training.config.batch, generator=generator)[:half].tolist())
        return plain(training, portion, fake)

    monkeypatch.setattr(steps, "discriminator_terms", watched)
    for training.step in range(8):
        adversarial_step(training, batch)
    assert drawn == set(range(8))
