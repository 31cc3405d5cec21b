"""The processes of one run: one a GPU or a few cores each, as torchrun starts them; a single one without it.

    torchrun --nproc-per-node 8 --no-python wildpose train adversarial --preset full-4s ...

Each holds the whole networks and an equal share of every batch. Whatever a mean, a gradient or batch statistics need of
the others is summed over all, so that N processes take the step that one would take with the joined batch. Gradients
travel as one flat tensor after the backward pass, not through DistributedDataParallel: D and G wake and rest in turn,
and its hooks want the same parameters in every pass.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import torch
from torch import Tensor, distributed, nn

from wildpose.data.batches import Share
from wildpose.errors import InputError

SILENCE = timedelta(minutes=10)
"""A process that doesn't answer for so long, while all train, counts as lost."""
PATIENCE = timedelta(days=7)
"""How long the others wait where the leader works alone: it renders pictures, or judges a row on a whole test set. One
that dies in the meantime is noticed at once all the same."""


class WorkerLost(InputError):
    """Another process of the run ended or went silent: this one can't go on alone."""


@dataclass(frozen=True)
class Workers:
    """This process among those of the run."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    patient: distributed.ProcessGroup | None = None
    """All of them, with other patience."""

    @property
    def leads(self) -> bool:
        """The one that writes, prints and holds the folder's lock."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        return Share(self.rank, self.count)

    def sum(self, tensor: Tensor) -> Tensor:
        """Over all processes, in place, bit-identical in each; of a dense tensor on this process's device."""
        return self._reduce(tensor, distributed.ReduceOp.SUM)

    def largest(self, number: int) -> int:
        """Over all processes."""
        return int(self._reduce(torch.tensor([number], device=self.device), distributed.ReduceOp.MAX))

    def meet(self) -> None:
        """None goes on before all have come, however long the leader worked alone before."""
        self._reduce(torch.zeros(1), distributed.ReduceOp.SUM, self.patient)

    def _reduce(
        self,
        tensor: Tensor,
        operation: distributed.ReduceOp.RedOpType,
        group: distributed.ProcessGroup | None = None,
    ) -> Tensor:
        if self.count > 1:
            try:
                distributed.all_reduce(tensor, operation, group)
            except RuntimeError as error:
                got = f"process {self.rank} cut off from another ({str(error).splitlines()[0][:100]})"
                fix = "see that one's own error; the same command goes on from the last checkpoint"
                raise WorkerLost(f"all {self.count} processes of the run to answer", got, fix) from error
        return tensor

    def sum_gradients(self, network: nn.Module) -> None:
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        if self.count > 1 and gradients:
            flat = self.sum(torch.cat([g.reshape(-1) for g in gradients]))
            for gradient, piece in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(piece.view(gradient.shape))

    def gather(self, mine: np.ndarray, total: int) -> np.ndarray:
        """Rows of all processes in order, of which `mine` are those of this one's share of `total`."""
        if self.count == 1:
            return mine
        rows = self.share.rows(total)
        whole = torch.zeros((total, *mine.shape[1:]), dtype=torch.float64)
        whole[rows.start : rows.stop] = torch.from_numpy(mine.astype(np.float64))
        return self.sum(whole.to(self.device)).cpu().numpy().astype(mine.dtype)


ALONE = Workers()


@contextmanager
def join() -> Iterator[Workers]:
    """Meet the other processes that torchrun started (its variables in the environment tell), on a GPU each if there
    are GPUs. Raises InputError if a node has fewer GPUs than processes."""
    local, count = int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            got = f"process {local + 1} on a node with {torch.cuda.device_count()}"
            raise InputError("one GPU for each process", got, "mend torchrun --nproc-per-node")
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
    if count == 1:
        yield Workers(device=device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=SILENCE)
    patient = distributed.new_group(backend="gloo", timeout=PATIENCE)  # beside nccl, too: its watchdog has one timeout
    yield Workers(int(os.environ["RANK"]), count, device, patient)
    distributed.destroy_process_group()  # not after an error: it would wait for those that are gone


class _SumOverWorkers(torch.autograd.Function):
    """A sum that every process uses: the gradient is the sum of what each wants of it."""

    @staticmethod
    def forward(ctx, tensor: Tensor, workers: Workers) -> Tensor:
        ctx.workers = workers
        return workers.sum(tensor.clone())

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.workers.sum(gradient.clone()), None


class JoinedNorm(nn.BatchNorm2d):
    """Batch normalisation with the statistics of the joined batch, in float32. torch has one for CUDA only."""

    def __init__(self, norm: nn.BatchNorm2d, workers: Workers):
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.load_state_dict(norm.state_dict())
        self.weight, self.bias, self.workers = norm.weight, norm.bias, workers  # an optimiser may hold them already

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        count = self.workers.count * x.numel() // x.shape[1]  # shares are equal
        mean = _SumOverWorkers.apply(x.float().sum((0, 2, 3)), self.workers) / count
        centred = x.float() - mean[:, None, None]
        variance = _SumOverWorkers.apply((centred**2).sum((0, 2, 3)), self.workers) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def join_norms(network: nn.Module, workers: Workers) -> None:
    """Replace every BatchNorm2d so that it normalises with the statistics of all processes; parameters stay theirs."""
    if workers.count == 1:
        return
    if workers.device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.BatchNorm2d:
                setattr(module, name, JoinedNorm(child, workers))
