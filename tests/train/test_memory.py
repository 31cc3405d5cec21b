"""Freed memory stays with the process: counted in page faults, by the system."""

import os
import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, numpy
from wildpose.train.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        numpy.empty(2**26, numpy.uint8)[::4096] = 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
given_back = faults()
kept = keep_freed_memory()
faults()
print(kept, given_back, faults())
"""


def count(**environment: str) -> tuple[bool, int, int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, env=clean | environment)
    kept, given_back, after = done.stdout.split()
    return kept == "True", int(given_back), int(after)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_is_faulted_in_once_only():
    kept, given_back, after = count()
    assert kept and after < given_back / 10


def test_a_users_own_setting_is_left_alone():
    kept, *_ = count(MALLOC_TOP_PAD_="65536")
    assert not kept
