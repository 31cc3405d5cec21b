"""Muon written plainly, a kernel at a time, after Jordan et al., 2024, and section 2.2 of Liu et al., 2025; what isn't
a kernel is left to torch's AdamW. The reference of wildpose.train.muon, none of whose code it shares."""

from typing import Any


class PlainMuon:
    """Of a network's parameters; `zero_grad` and `step` as torch's optimisers have them. Needs torch."""

    def __init__(self, parameters: list[Any], lr: float, weight_decay: float):
        import torch

        self.kernels = [p for p in parameters if p.ndim == 4]
        others = [p for p in parameters if p.ndim != 4]
        self.others = torch.optim.AdamW(others, lr, betas=(0.9, 0.99), weight_decay=weight_decay, foreach=False)
        self.momenta = [torch.zeros_like(p) for p in self.kernels]
        self.lr, self.decay = lr, weight_decay

    def zero_grad(self) -> None:
        for kernel in self.kernels:
            kernel.grad = None
        self.others.zero_grad()

    def step(self) -> None:
        import torch

        with torch.no_grad():
            for kernel, momentum in zip(self.kernels, self.momenta, strict=True):
                if kernel.grad is None:
                    continue
                momentum.copy_(0.95 * momentum + 0.05 * kernel.grad)
                matrix = (0.05 * kernel.grad + 0.95 * momentum).flatten(1)
                x = matrix / (matrix.norm() + 1e-12)
                if x.shape[0] > x.shape[1]:
                    x = x.T
                for _ in range(5):
                    gram = x @ x.T
                    x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
                if matrix.shape[0] > matrix.shape[1]:
                    x = x.T
                kernel.mul_(1 - self.lr * self.decay)
                kernel.sub_(0.2 * max(matrix.shape) ** 0.5 * self.lr * x.reshape(kernel.shape))
        self.others.step()
