"""What an adversarial step may touch, and what it must not."""

import copy
import dataclasses
import math

import pytest
import torch
from rendered_batch import tiny_config, tiny_data

from wildpose.config import AdversarialConfig
from wildpose.data.batches import Batches
from wildpose.errors import InputError
from wildpose.losses import pose_losses
from wildpose.train import steps
from wildpose.train.state import Training
from wildpose.train.steps import NonFiniteLoss, adversarial_step, clip_gradient, evidence_of, supervised_step


def training(**changes) -> Training:
    return Training(tiny_config(**changes), "adversarial")


def batch_of(run: Training, k: int = 0):
    data, config = tiny_data(), run.config
    return Batches(data.wild, data.studio, 8, 4, config.model, config.augment, (0, 2))[k]


def snapshot(network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(before: dict[str, torch.Tensor], network) -> bool:
    return all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def step(run: Training, batch) -> dict[str, float]:
    return adversarial_step(run, batch)


def test_a_step_trains_both_and_leaves_both_at_rest():
    run = training()
    g, d = snapshot(run.generator), snapshot(run.discriminator)
    step(run, batch_of(run))
    assert not same(g, run.generator)
    assert not same(d, run.discriminator)
    for network in (run.generator, run.discriminator):
        assert not any(p.requires_grad for p in network.parameters())


def test_training_d_leaves_g_bit_identical_and_without_gradients(monkeypatch):
    """The D half alone: stop before G's terms."""
    run = training()
    batch = batch_of(run)
    run.generator.train()
    run.generator(batch.crops_rgb)  # the forward pass of the step moves batch statistics; D's half must move nothing

    class Stop(Exception): ...

    def stop(*_):
        raise Stop

    monkeypatch.setattr(steps, "pose_losses", stop)
    d = snapshot(run.discriminator)
    statistics = copy.deepcopy(run.generator).requires_grad_(True)  # as in the step: awake, by the same arithmetic
    statistics(batch.crops_rgb)
    with pytest.raises(Stop):
        step(run, batch)
    assert not same(d, run.discriminator)
    assert same(snapshot(statistics), run.generator)
    assert all(p.grad is None for p in run.generator.parameters())


def test_training_g_leaves_d_bit_identical_and_without_new_gradients(monkeypatch):
    run = training()
    d_grads = {}
    original = steps.pose_losses

    def remember(*args):
        d_grads["before"] = {n: p.grad.clone() for n, p in run.discriminator.named_parameters()}
        d_grads["state"] = snapshot(run.discriminator)
        return original(*args)

    monkeypatch.setattr(steps, "pose_losses", remember)
    step(run, batch_of(run))
    assert same(d_grads["state"], run.discriminator)
    for name, parameter in run.discriminator.named_parameters():
        assert torch.equal(parameter.grad, d_grads["before"][name])


def test_weight_zero_is_the_supervised_step():
    config = AdversarialConfig(weight=0.0)
    adversarial, supervised = training(adversarial_loss=config), training(adversarial_loss=config)
    batch = batch_of(adversarial)
    step(adversarial, batch)
    supervised_step(supervised, batch, supervised.config.adversarial.depth_weight, False)
    assert same(snapshot(supervised.generator), adversarial.generator)


def test_2d_only_samples_get_depth_gradients_from_the_adversary_alone():
    run = training()
    batch = batch_of(run)
    wild = slice(4, 8)
    assert not batch.depth_mask[wild].any() and batch.depth_mask[:4].all()
    run.generator.requires_grad_(True).train()
    torch.nn.init.normal_(run.generator.depth.fc.weight)
    maps = run.generator(batch.crops_rgb)
    supervised = pose_losses(maps, batch, "squared")["depth"]
    by_label = torch.autograd.grad(supervised, maps.depth, retain_graph=True)[0]
    assert torch.equal(by_label[wild], torch.zeros(4, 16))
    assert by_label[:4].abs().sum() > 0
    logits = run.discriminator(batch.crops_rgb, evidence_of(maps, run.codec))
    by_adversary = torch.autograd.grad(steps.generator_adversarial_loss(logits), maps.depth)[0]
    assert (by_adversary[wild].abs().sum(1) > 0).all()


def test_fix_2d_trains_the_depth_module_only():
    run = training(adversarial_loss=AdversarialConfig(fix_2d=True))
    torch.nn.init.normal_(run.generator.depth.fc.weight)  # from zero, one step would move the last layer only
    before = snapshot(run.generator)
    step(run, batch_of(run))
    for name, value in run.generator.state_dict().items():
        assert torch.equal(before[name], value) == name.startswith("pose_2d."), name


@pytest.mark.parametrize("learn", [adversarial_step, lambda run, batch: supervised_step(run, batch, 0.1, False)])
def test_frozen_norms_keep_their_statistics_while_everything_else_learns(learn):
    run = training(frozen_norms=True)
    torch.nn.init.normal_(run.generator.depth.fc.weight)
    before = snapshot(run.generator)
    learn(run, batch_of(run))
    for name, value in run.generator.state_dict().items():
        kept = name.rsplit(".", 1)[-1] in ("running_mean", "running_var", "num_batches_tracked", "mean", "std")
        assert torch.equal(before[name], value) == kept, name


def test_d_learns_to_tell_truth_from_noise():
    run = training()
    run.config = dataclasses.replace(run.config, adversarial_loss=AdversarialConfig(weight=0.0))
    for group in run.optimisers[0].param_groups:
        group["lr"] = 0.0  # an untrained generator that stays as it is
    for group in run.optimisers[1].param_groups:
        group["lr"] = 2e-3
    scores = [step(run, batch_of(run, k)) for k in range(40)]
    assert scores[-1]["sign_real"] == 1.0
    assert scores[-1]["sign_fake"] == 0.0


def test_where_predictions_are_the_true_side_d_sees_those_for_either_half(monkeypatch):
    run = training(adversarial_loss=AdversarialConfig(true_side="predictions", weight=1e-3))
    batch = batch_of(run)
    predicted = evidence_of(run.generator(batch.crops_rgb), run.codec)
    shown = steps.sides(run, steps.portions(run, batch)[0], predicted)
    assert torch.equal(shown.real.maps, predicted.maps[:4]) and torch.equal(shown.fake.maps, predicted.maps[4:])
    assert torch.equal(shown.real_crops, batch.crops_rgb[:4]) and torch.equal(shown.fake_crops, batch.crops_rgb[4:])
    assert shown.counts == (4, 4)

    asked = []
    monkeypatch.setattr(
        steps, "generator_adversarial_loss", lambda logits, count: asked.append(len(logits)) or logits.sum()
    )
    step(run, batch)
    assert asked == [4], "photos' predictions should pass for studio ones, not the other way round"


def test_predictions_as_the_true_side_pull_on_photos_without_any_label():
    """Without labels for the second half, and D at rest, only that half's predictions change what D says."""
    run = training(adversarial_loss=AdversarialConfig(true_side="predictions", weight=1.0))
    batch = batch_of(run)
    batch = dataclasses.replace(batch, heatmap_mask=batch.heatmap_mask & (torch.arange(8) < 4)[:, None])
    run.generator.requires_grad_(True).eval()
    torch.nn.init.normal_(run.generator.depth.fc.weight)
    maps = run.generator(batch.crops_rgb)
    terms = pose_losses(maps, batch, "squared")
    by_label = torch.autograd.grad(terms["heatmap"] + terms["depth"], (maps.heatmaps, maps.depth), retain_graph=True)
    assert not any(gradient[4:].any() for gradient in by_label)
    fake = evidence_of(maps, run.codec).part(slice(4, None))
    loss = steps.generator_adversarial_loss(run.discriminator(batch.crops_rgb[4:], fake), 8)
    by_adversary = torch.autograd.grad(loss, (maps.heatmaps, maps.depth))
    for gradient in by_adversary:
        assert not gradient[:4].any() and (gradient[4:].flatten(1).abs().sum(1) > 0).all()


def test_both_sides_are_needed_where_predictions_are_the_true_one():
    for batch_3d in (0, 8):
        phase = dataclasses.replace(tiny_config().adversarial, batch_3d=batch_3d)
        with pytest.raises(InputError, match="from 1 to 7 samples with 3D labels"):
            training(adversarial_loss=AdversarialConfig(true_side="predictions"), adversarial=phase)


def test_half_of_ds_batch_is_real(monkeypatch):
    run = training()
    seen = {}

    def watch(real, fake, _count):
        seen["counts"] = (len(real), len(fake))
        return {"d_real": real.sum(), "d_fake": fake.sum()}

    monkeypatch.setattr(steps, "discriminator_loss", watch)
    step(run, batch_of(run))
    assert seen["counts"] == (4, 4)


def test_a_non_finite_loss_stops_and_names_the_term():
    run = training()
    with torch.no_grad():
        run.generator.depth.fc.bias.fill_(math.nan)
    with pytest.raises(NonFiniteLoss, match=r"depth = nan.*lower --set adversarial\.lr"):
        step(run, batch_of(run))


@pytest.mark.parametrize("phase", ["pretrain-3d", "adversarial"])
def test_a_gradient_that_is_not_finite_stops_before_it_is_in_the_weights(phase):
    """The loss is finite: the square root of a norm at nought has no gradient there, or a sum overflows on the way."""
    run = Training(tiny_config(), phase)
    before = snapshot(run.generator)
    weight = run.generator.depth.fc.weight
    weight.requires_grad_(True).register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(NonFiniteLoss, match=r"gradient_norm = (nan|inf)"):
        steps.advance(run, batch_of(run))
    assert all(torch.equal(before[name], value) for name, value in run.generator.named_parameters())


def test_a_non_finite_gradient_of_d_stops_the_step_it_falls_in():
    run = training()
    before = snapshot(run.generator)
    weight = next(run.discriminator.parameters())
    weight.requires_grad_(True).register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(NonFiniteLoss, match="g_adversarial = nan"):
        step(run, batch_of(run))
    assert all(torch.equal(before[name], value) for name, value in run.generator.named_parameters())


def test_the_gradient_is_clipped_to_its_largest_norm_and_no_further():
    """By hand: the norm of all gradients together, before and after."""
    run = training()
    network = run.generator.requires_grad_(True)
    for clip in (0.0, 1e9, 1e-3):
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, 0.5)
        count = sum(p.numel() for p in network.parameters())
        assert clip_gradient(network, clip) == pytest.approx(0.5 * count**0.5, rel=1e-4)
        norm = sum(float((p.grad.double() ** 2).sum()) for p in network.parameters()) ** 0.5
        assert norm == pytest.approx(1e-3 if clip == 1e-3 else 0.5 * count**0.5, rel=1e-3)


def test_r1_keeps_the_gradient_of_d_by_true_poses_small():
    def squared_gradient(r1: float) -> float:
        run = training(adversarial_loss=AdversarialConfig(r1=r1, weight=1e-3))
        batch = batch_of(run)
        return [step(run, batch)["d_r1"] for _ in range(30)][-1] * 2 / r1

    assert squared_gradient(100.0) < 0.5 * squared_gradient(1e-6)
