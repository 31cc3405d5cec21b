"""Freed memory kept for the next step."""

import ctypes
import os
import sys

# malloc.h of glibc
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD = 256 * 2**20


def keep_freed_memory() -> bool:
    """Have glibc keep the memory of freed tensors instead of handing it back to the system, which a step then gets back
    page by page, each zeroed in a fault of its own. True if done: on Linux with glibc, unless the user's own MALLOC_...
    variables already say what they want."""
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):  # musl has neither
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_TOP_PAD, TOP_PAD))
    return all([mallopt(name, value) == 1 for name, value in settings])
