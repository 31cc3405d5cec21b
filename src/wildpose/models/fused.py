"""Batch norm and ReLU of a training step in one pass over memory each way, for CPUs.

Half of a training step on a CPU is not convolutions but the way to memory and back between them: batch norm reads its
input twice and writes, ReLU reads and writes, and their gradients twice as much again. Here the normalised value is
rectified before it is written, and the backward pass computes it again instead of reading it; the gradient of a
residual block's skip is added on the way. Sums are float32 within a few rows and float64 beyond; they don't depend on
the number of threads. The kernels are in models/passes.py.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def norm_relu(norm: nn.Module, x: Tensor) -> Tensor:
    """relu(norm(x)), of any layout and type; x (B, C, H, W)."""
    return _Fused.apply(x, norm.weight, norm.bias, norm)[0] if _fits(norm, x) else F.relu(norm(x))


def norm_relu_skip(norm: nn.BatchNorm2d, x: Tensor) -> tuple[Tensor, Tensor]:
    """(relu(norm(x)), x): where a block begins, so that the gradients of its two ways meet in one pass."""
    return _Fused.apply(x, norm.weight, norm.bias, norm) if _fits(norm, x) else (F.relu(norm(x)), x)


def _fits(norm: nn.Module, x: Tensor) -> bool:
    return (
        type(norm) is nn.BatchNorm2d  # statistics over several processes are JoinedNorm's business
        and norm.training
        and norm.weight.requires_grad
        and x.device.type == "cpu"
        and x.dtype in (torch.bfloat16, torch.float32)
        and x.is_contiguous(memory_format=torch.channels_last)
        and not torch.compiler.is_compiling()  # which fuses them itself
    )


class _Fused(torch.autograd.Function):
    """(x, weight, bias, norm) -> (relu(norm(x)), x)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
        from wildpose.models import passes

        rows, y = _rows(x), torch.empty_like(x)
        learnt = weight.detach().numpy(), bias.detach().numpy()
        running = norm.running_mean.numpy(), norm.running_var.numpy()
        norm.num_batches_tracked += 1
        passes.use_threads(torch.get_num_threads())
        ctx.variance, ctx.line = passes.forward(rows, *learnt, norm.eps, norm.momentum, *running, _rows(y))
        ctx.eps = norm.eps
        ctx.save_for_backward(x)
        ctx.set_materialize_grads(False)
        return y, x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor | None, grad_x: Tensor | None) -> tuple[Tensor | None, ...]:
        from wildpose.models import passes

        if grad_y is None:
            return grad_x, None, None, None
        (x,) = ctx.saved_tensors
        rows, found = _rows(x), torch.empty_like(x)
        skip = rows[:0] if grad_x is None else _rows(_laid_out(grad_x))
        by = passes.backward(rows, _rows(_laid_out(grad_y)), ctx.line, ctx.variance, ctx.eps, skip, _rows(found))
        return found, *map(torch.from_numpy, by), None


def _rows(x: Tensor) -> np.ndarray:
    """The memory of a channels_last tensor as (pixels, channels); bfloat16 as uint16, which NumPy knows."""
    rows = x.detach().permute(0, 2, 3, 1).flatten(0, 2)
    return (rows.view(torch.uint16) if x.dtype == torch.bfloat16 else rows).numpy()


def _laid_out(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
