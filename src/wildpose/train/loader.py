"""Batches by number, made in other processes while the network learns."""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import torch

from wildpose.errors import InputError
from wildpose.train.guard import leave_signals_to_parent

AHEAD = 8
"""Batches that each process makes ahead."""


class _Told(torch.utils.data.Dataset):
    """Bad input as a value: raised in a loader, torch would make another exception of it, and a traceback."""

    def __init__(self, batches: torch.utils.data.Dataset):
        self.batches = batches

    def __getitem__(self, k: int) -> Any:
        try:
            return self.batches[k]
        except InputError as error:
            return error


def load(
    batches: torch.utils.data.Dataset, numbers: Sequence[int], processes: int = 1, pinned: bool = False
) -> Iterator[Any]:
    """Batches of those numbers in their order, from `processes` others. pinned: in page-locked memory, for a GPU.

    InputError as it was raised, for instance by a damaged photo. To be closed, or read to its end.
    """
    cv2.setNumThreads(1)  # a loader forked from a process with OpenCV's threads running waits for them for ever
    loader = iter(
        torch.utils.data.DataLoader(
            _Told(batches),
            batch_size=None,
            sampler=numbers,
            num_workers=processes,
            prefetch_factor=AHEAD,
            pin_memory=pinned,
            worker_init_fn=leave_signals_to_parent,
        )
    )
    try:
        for batch in loader:
            if isinstance(batch, InputError):
                raise batch
            yield batch
    finally:
        # An exception's traceback would keep it until the interpreter exits, which waits for the loader's processes:
        # they ignore signals, so that would never end.
        del loader
