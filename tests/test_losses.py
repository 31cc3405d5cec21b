"""Equations (2), (3) and the first term of (5), by hand; masks; derivatives."""

import math

import pytest
import torch

from wildpose.losses import (
    depth_loss,
    discriminator_loss,
    generator_adversarial_loss,
    gradient_penalty,
    heatmap_loss,
    masked_mean,
)


def test_heatmap_loss_by_hand_sums_stacks_and_leaves_out_unlabelled_joints():
    truth = torch.zeros(1, 2, 2, 2)
    truth[0, 1] = math.nan
    predicted = torch.zeros(1, 2, 2, 2, 2)  # 2 stacks, 2 joints
    predicted[0, 0, 0, 0, 0] = 2.0  # first stack, labelled joint: 4 / 4 pixels = 1
    predicted[0, 1, 0] = 0.5  # second stack: 0.25
    predicted[0, :, 1] = 100.0  # the unlabelled joint
    assert heatmap_loss(predicted, truth, torch.tensor([[True, False]])).item() == pytest.approx(1.25)


def test_depth_losses_by_hand():
    predicted, truth = torch.tensor([[0.1, 3.0, 7.0]]), torch.tensor([[0.3, 1.0, math.nan]])
    mask = torch.tensor([[True, True, False]])
    assert depth_loss(predicted, truth, mask).item() == pytest.approx((0.04 + 4.0) / 2)
    assert depth_loss(predicted, truth, mask, "clipped-l1").item() == pytest.approx((0.2 + 0.5) / 2)


def test_no_label_at_all_is_zero_with_zero_gradient():
    predicted = torch.ones(2, 3, requires_grad=True)
    loss = depth_loss(predicted, torch.full((2, 3), math.nan), torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(predicted.grad, torch.zeros(2, 3))


def test_unlabelled_truth_reaches_neither_value_nor_gradient():
    predicted = torch.randn(2, 3, requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, True, True]])
    grads = []
    for hidden in (math.nan, 5.0):
        truth = torch.where(mask, torch.zeros(2, 3), hidden)
        grads.append(torch.autograd.grad(depth_loss(predicted, truth, mask), predicted)[0])
    assert torch.equal(*grads)
    assert torch.equal(grads[0][~mask], torch.zeros(2))


def test_gradients():
    torch.manual_seed(0)
    truth, mask = torch.rand(2, 3, 4, 4, dtype=torch.float64), torch.tensor([[True, False, True], [True, True, False]])
    maps = torch.rand(2, 2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: heatmap_loss(m, truth, mask), maps)
    depth = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    for kind in ("squared", "clipped-l1"):
        assert torch.autograd.gradcheck(lambda d, k=kind: depth_loss(d, truth[..., 0, 0], mask, k), depth)


def test_masked_mean_is_the_mean_of_what_is_labelled():
    values = torch.tensor([1.0, 2.0, math.nan, 6.0])
    assert masked_mean(values, torch.tensor([True, True, False, True])).item() == 3.0


def test_cross_entropies_by_hand():
    """L_cls(y_hat, y) = -(y log y_hat + (1 - y) log(1 - y_hat)), y_hat = sigmoid(logit)."""
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([-1.0])

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    terms = discriminator_loss(real, fake)
    assert terms["d_real"].item() == pytest.approx(-(math.log(0.5) + math.log(sigmoid(2))) / 2)
    assert terms["d_fake"].item() == pytest.approx(-math.log(1 - sigmoid(-1)))
    assert generator_adversarial_loss(fake).item() == pytest.approx(-math.log(sigmoid(-1)))


def test_r1_of_a_known_discriminator():
    """D(x) = |x|^2 has the gradient 2 x: the mean of 4 |x|^2 over the poses."""
    x = torch.tensor([[1.0, 2.0], [0.0, 3.0]], requires_grad=True)
    penalty = gradient_penalty((x**2).sum(1), [x])
    assert penalty.item() == pytest.approx(4 * (5 + 9) / 2)
    penalty.backward()
    assert torch.allclose(x.grad, 8 * x.detach() / 2), "D learns from it"
