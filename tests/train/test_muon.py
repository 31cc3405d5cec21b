"""Muon against the singular value decomposition, torch's own Muon and AdamW, and itself cut in two."""

import copy

import pytest
import torch
from torch import nn

from wildpose.bench.plain_muon import PlainMuon
from wildpose.train.checkpoint import optimiser_tensors, restore_optimiser
from wildpose.train.muon import Muon, orthogonal


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.Conv2d(8, 4, 1),
        nn.Flatten(),
        nn.Linear(64, 2),
    ).to(memory_format=torch.channels_last)


def set_gradients(of: nn.Module, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    for p in of.parameters():
        p.grad = torch.empty_like(p).copy_(torch.randn(p.shape, generator=g))


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("shape", [(5, 16, 40), (3, 40, 16), (2, 8, 8)])
def test_singular_vectors_stay_and_singular_values_go_to_about_one(shape, dtype, rounding):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * torch.tensor([1e-3])
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    update = orthogonal(matrices, dtype)
    assert update.dtype == torch.float32
    inside = u.mT @ update @ vh.mT
    values = torch.diagonal(inside, dim1=1, dim2=2)
    assert values.min() > 0.3 and values.max() < 1.3
    assert (inside - torch.diag_embed(values)).abs().max() < rounding, "between others there is nothing"


def test_a_convolution_steps_as_torchs_muon_does_on_its_matrix():
    ours = network()
    steps = Muon(ours, lr=0.01, weight_decay=0.1)
    kernel = ours[3].weight
    matrix = nn.Parameter(kernel.detach().reshape(8, -1).clone())
    theirs = torch.optim.Muon([matrix], lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        set_gradients(ours, seed)
        matrix.grad = kernel.grad.reshape(8, -1).clone()
        before = matrix.detach().clone()
        steps.step()
        theirs.step()
        moved = (matrix.detach() - before).norm()
        assert (kernel.detach().reshape(8, -1) - matrix.detach()).norm() < 0.02 * moved * (
            seed + 1
        )  # theirs is bfloat16


def test_everything_else_steps_as_adamw():
    ours = network()
    theirs = copy.deepcopy(ours)
    steps = Muon(ours, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    adamw = torch.optim.AdamW(theirs.parameters(), 0.01, betas=(0.9, 0.99), weight_decay=0.1)
    for seed in range(4):
        set_gradients(ours, seed)
        set_gradients(theirs, seed)
        steps.step()
        adamw.step()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-7) == (a.ndim != 4), name


def test_one_update_has_the_size_of_adamws():
    ours = network()
    before = ours[3].weight.detach().clone()
    set_gradients(ours, 0)
    Muon(ours, lr=0.5).step()
    assert (ours[3].weight.detach() - before).pow(2).mean().sqrt().item() == pytest.approx(0.2 * 0.5, rel=0.2)


def test_what_has_no_gradient_stays():
    ours = network()
    set_gradients(ours, 0)
    for p in ours[0].parameters():
        p.grad = None
    before = [p.detach().clone() for p in ours[0].parameters()]
    Muon(ours, lr=0.1, weight_decay=0.1).step()
    assert all(torch.equal(a, b) for a, b in zip(before, ours[0].parameters(), strict=True))


def test_two_and_two_steps_are_four():
    whole, first = network(), network()
    steps = Muon(whole, lr=0.01)
    for seed in range(4):
        set_gradients(whole, seed)
        steps.step()
    half = Muon(first, lr=0.01)
    for seed in range(2):
        set_gradients(first, seed)
        half.step()
    second = copy.deepcopy(first)
    resumed = Muon(second, lr=0.01)
    restore_optimiser(resumed, optimiser_tensors(half))
    for seed in range(2, 4):
        set_gradients(second, seed)
        resumed.step()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


def test_counts_stay_with_the_processor_wherever_the_weights_are():
    """A GPU would be waited for at each of hundreds, in every step after a resume. `meta` stands for one."""
    ours = network()
    set_gradients(ours, 0)
    steps = Muon(ours, lr=0.01)
    steps.step()
    kept = optimiser_tensors(steps)
    elsewhere = Muon(copy.deepcopy(ours).to("meta"), lr=0.01)
    restore_optimiser(elsewhere, {name: value for name, value in kept.items() if name.endswith("count")})
    counts = [entry["count"] for entry in elsewhere.state.values()]
    assert counts and {str(count.device) for count in counts} == {"cpu"} and all(count == 1 for count in counts)


def test_steps_as_the_benchmarks_plain_version():
    """Written independently, a kernel at a time: the same parameters after several steps, kernels tall and wide."""
    ours = network()
    theirs = copy.deepcopy(ours)
    steps = Muon(ours, lr=0.01, weight_decay=0.1)
    plain = PlainMuon(list(theirs.parameters()), lr=0.01, weight_decay=0.1)
    before = [p.detach().clone() for p in ours.parameters()]
    for seed in range(4):
        set_gradients(ours, seed)
        set_gradients(theirs, seed)
        steps.step()
        plain.step()
    for start, a, b in zip(before, ours.parameters(), theirs.parameters(), strict=True):
        assert (a - b).norm() < 1e-4 * (a - start).norm()
