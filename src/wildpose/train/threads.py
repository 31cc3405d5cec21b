"""How many threads of the processor a run may take."""

import os
import sys

import torch


def use_threads(count: int) -> None:
    """Of torch, and of the kernels in models/passes.py; 0 leaves both as they are. To be called before those are
    imported: numba starts all the threads that it was imported with, and those beyond `count` would spin while they
    wait, a core's whole time: 24 images per second of processor time in place of 48, one thread asked for of two."""
    if count:
        torch.set_num_threads(count)
        if "numba" not in sys.modules:
            os.environ.setdefault("NUMBA_NUM_THREADS", str(count))
