"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon) for convolutions, AdamW for everything else.

The update of a kernel, seen as a matrix (out, in x height x width), is its momentum with all singular values brought to
about one: directions in which the gradient is always small, as in the deep levels of an hourglass, learn as fast as
those in which it bursts. Scaled to the size of an AdamW update (Liu et al., 2025, arXiv 2502.16982, section 2.2), so
that one learning rate serves both. torch.optim.Muon takes matrices only, one at a time.
"""

from collections import defaultdict

import torch
from jaxtyping import Float
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz polynomial, from Jordan et al.: steepest at zero."""
ROUNDS = 5
RMS = 0.2
"""Root mean square of an update for a learning rate of one: what AdamW's come to."""


class Muon(torch.optim.Optimizer):
    """momentum: of the convolutions' gradients (Nesterov); betas: AdamW's, of biases, norms and linear layers.

    dtype: in which an update is made orthogonal (Jordan et al.: bfloat16).
    """

    def __init__(
        self,
        network: nn.Module,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ):
        self.dtype = dtype
        kernels = [p for p in network.parameters() if p.ndim == 4]
        others = [p for p in network.parameters() if p.ndim != 4]
        groups = [{"params": kernels, "kernels": True}, {"params": others, "kernels": False}]
        groups = [group for group in groups if group["params"]]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            learning = [p for p in group["params"] if p.grad is not None]
            if not learning:
                continue
            torch._foreach_mul_(learning, 1 - group["lr"] * group["weight_decay"])
            (self._step_kernels if group["kernels"] else self._step_others)(group, learning)

    def _step_kernels(self, group: dict, kernels: list[nn.Parameter]) -> None:
        alike = defaultdict(list)
        for kernel in kernels:
            alike[tuple(kernel.shape)].append(kernel)
        for same in alike.values():
            grads = [kernel.grad for kernel in same]
            averages = [self._kept(kernel, "momentum") for kernel in same]
            torch._foreach_lerp_(averages, grads, 1 - group["momentum"])
            ahead = torch._foreach_lerp(grads, averages, group["momentum"])
            matrices = torch.stack([a.reshape(len(a), -1) for a in ahead])
            rows, columns = matrices.shape[1:]
            updates = orthogonal(matrices, self.dtype) * (-group["lr"] * RMS * max(rows, columns) ** 0.5)
            torch._foreach_add_(same, [update.view(kernel.shape) for update, kernel in zip(updates, same, strict=True)])

    def _step_others(self, group: dict, others: list[nn.Parameter]) -> None:
        beta1, beta2 = group["betas"]
        grads = [p.grad for p in others]
        first, second = ([self._kept(p, name) for p in others] for name in ("first", "second"))
        counts = [self._kept(p, "count", scalar=True) for p in others]
        torch._foreach_add_(counts, 1)
        torch._foreach_lerp_(first, grads, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, grads, grads, 1 - beta2)
        steps = [float(count) for count in counts]
        sizes = torch._foreach_div(second, [1 - beta2**n for n in steps])
        torch._foreach_sqrt_(sizes)
        torch._foreach_add_(sizes, 1e-8)
        torch._foreach_addcdiv_(others, first, sizes, [-group["lr"] / (1 - beta1**n) for n in steps])

    def load_state_dict(self, state_dict: dict) -> None:
        """As it was; counts stay with the processor, wherever the weights are: a GPU would be waited for at each."""
        super().load_state_dict(state_dict)  # which takes everything to where its weight is
        parameters = [p for group in self.param_groups for p in group["params"]]
        for i, kept in state_dict["state"].items():
            if "count" in kept:
                self.state[parameters[i]]["count"] = kept["count"].cpu().clone()

    def _kept(self, p: nn.Parameter, name: str, scalar: bool = False) -> Tensor:
        state = self.state[p]
        if name not in state:
            state[name] = torch.zeros(()) if scalar else torch.zeros_like(p)
        return state[name]


def orthogonal(matrices: Float[Tensor, "N R C"], dtype: torch.dtype = torch.float32) -> Float[Tensor, "N R C"]:
    """Each with its singular vectors as they are and its singular values between about 0.7 and 1.2; multiplied in
    `dtype`, returned as it came."""
    wide = matrices.shape[1] <= matrices.shape[2]
    x = matrices if wide else matrices.mT
    x = (x / x.flatten(1).norm(dim=1)[:, None, None].clamp_min(1e-12)).to(dtype)
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x if wide else x.mT).to(matrices.dtype)
