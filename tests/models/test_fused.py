"""Fused batch norm and ReLU against torch's own two modules in float64."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from wildpose.config import ModelConfig
from wildpose.models import fused
from wildpose.models.generator import Generator

TOLERANCE = {torch.float32: 3e-5, torch.bfloat16: 6e-3}
"""Of the largest value: rounding of the results to their own type; bfloat16 keeps eight bits."""


def channels_last(*shape: int, dtype: torch.dtype, seed: int) -> torch.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values.to(dtype).to(memory_format=torch.channels_last)


def made_up_norm(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    for i, values in enumerate((norm.weight.data, norm.bias.data, norm.running_mean)):
        values.copy_(torch.randn(channels, generator=torch.Generator().manual_seed(i)))
    return norm.train()


def everything(function, norm, x, grad_y, grad_skip):
    """Output, gradients and running statistics of relu(norm(x)) and of a skip beside it."""
    x = x.clone().requires_grad_()
    y, skip = function(norm, x)
    loss = (y * grad_y).sum() + (0 if grad_skip is None else (skip * grad_skip).sum())
    gradients = torch.autograd.grad(loss, [x, norm.weight, norm.bias])
    names = ("y", "by x", "by weight", "by bias", "running mean", "running variance")
    return dict(zip(names, (y.detach(), *gradients, norm.running_mean, norm.running_var), strict=True))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(4, 24, 9, 7), (3, 5, 1, 2), (3, 130, 2, 2), (1, 1, 40, 33)])
@pytest.mark.parametrize("with_skip", [True, False])
def test_is_torchs_batch_norm_and_relu(dtype, shape, with_skip):
    x = channels_last(*shape, dtype=dtype, seed=1) * 3 + 20  # a mean far from 0: squares alone would lose the variance
    grads = [
        channels_last(*shape, dtype=dtype, seed=2),
        channels_last(*shape, dtype=dtype, seed=3) if with_skip else None,
    ]
    norm = made_up_norm(shape[1])
    at_the_kink = copy.deepcopy(norm).double()(x.double()).abs() < 1e-3  # rounding decides whether these pass
    grads[0] = grads[0].masked_fill(at_the_kink, 0)
    exact = everything(
        lambda n, v: (F.relu(n(v)), v),
        copy.deepcopy(norm).double(),
        x.double(),
        *(g if g is None else g.double() for g in grads),
    )
    assert fused._fits(norm, x)
    got = everything(fused.norm_relu_skip, norm, x, *grads)
    assert int(norm.num_batches_tracked) == 1
    for name, want in exact.items():
        off = float((got[name].double() - want).abs().max()) / max(float(want.abs().max()), 1e-3)
        assert off < TOLERANCE[dtype], f"{name}: {off:.2g}"


def test_without_the_skip_it_is_the_same():
    x, norm = channels_last(2, 8, 5, 5, dtype=torch.float32, seed=4), made_up_norm(8)
    with torch.no_grad():
        alone, beside = fused.norm_relu(copy.deepcopy(norm), x), fused.norm_relu_skip(copy.deepcopy(norm), x)[0]
    assert torch.equal(alone, beside)


def test_the_same_to_the_bit_whatever_the_threads():
    x, grad = (channels_last(4, 24, 16, 16, dtype=torch.bfloat16, seed=i) for i in (5, 6))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(everything(fused.norm_relu_skip, made_up_norm(24), x, grad, grad))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_nan_is_not_hidden():
    x, norm = channels_last(2, 4, 6, 6, dtype=torch.bfloat16, seed=7), made_up_norm(4)
    x[1, 2, 3, 3] = float("nan")
    y = fused.norm_relu(norm, x)
    assert torch.isnan(y[:, 2]).all() and torch.isfinite(y[:, [0, 1, 3]]).all()


def test_is_used_for_training_only():
    x, norm = channels_last(2, 8, 5, 5, dtype=torch.float32, seed=8), made_up_norm(8)
    assert fused._fits(norm, x)
    assert not fused._fits(norm, x.contiguous()), "the plain layout is torch's"
    assert not fused._fits(norm, x.double())
    assert not fused._fits(copy.deepcopy(norm).requires_grad_(False), x), "a frozen module's way back is torch's"
    assert not fused._fits(copy.deepcopy(norm).eval(), x)


def test_a_generator_learns_the_same_from_it():
    torch.manual_seed(0)
    config = ModelConfig(stacks=2, features=32, input_px=64, levels=2, depth_readout="joint")
    plain = Generator(config).train()
    plain.load_state_dict({k: torch.randn_like(v) * 0.1 if "maps" in k else v for k, v in plain.state_dict().items()})
    quick = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    plain = plain.double()
    plain.normalise = lambda crops, usual=plain.normalise: usual(crops).double()
    crops = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8)
    for network in (plain, quick):
        maps = network(crops)
        (maps.heatmaps.double().square().mean() + maps.depth.double().square().mean()).backward()
    kinds = {module for module in quick.modules() if isinstance(module, nn.BatchNorm2d)}
    assert all(int(norm.num_batches_tracked) == 1 for norm in kinds)
    for (name, exact), got in zip(plain.named_parameters(), quick.parameters(), strict=True):
        scale = float(exact.grad.abs().max())
        if scale > 1e-9:  # a bias before a norm has no effect: its gradient is rounding
            assert float((got.grad.double() - exact.grad).abs().max()) / scale < 2e-2, name
    gradients = [torch.cat([p.grad.double().flatten() for p in n.parameters()]) for n in (plain, quick)]
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 1e-3
