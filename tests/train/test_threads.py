"""`use_threads` in a process of its own: how many threads numba has is settled when it is imported."""

import os
import subprocess
import sys

import pytest

ASKED = """
import sys
from wildpose.train.threads import use_threads
if "late" in sys.argv:
    import numba
use_threads(int(sys.argv[1]))
import numba, torch
print(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS)
"""


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("late", [False, True])
def test_torch_and_numba_have_as_many_threads_as_asked_for(count, late):
    clean = {name: value for name, value in os.environ.items() if name not in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    arguments = [str(count), *(["late"] if late else [])]
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *arguments], env=clean, capture_output=True, text=True, check=True
    )
    torch_has, numba_has = map(int, done.stdout.split())
    assert torch_has == count
    assert numba_has == (len(os.sched_getaffinity(0)) if late else count)


@pytest.mark.parametrize(
    "args",
    [
        ["adapt", ".", "--out", "mine.onnx", "--threads", "1"],
        ["train", "pretrain-2d", "--out", "run", "--threads", "1"],
        ["refine", "default", "--out", "run", "--threads", "1"],
        ["lift", "default", "--out", "run", "--threads", "1"],
        ["detector", "train", "--out", "run", "--threads", "1"],
        ["bench", "train", "--preset", "smoke", "--threads", "1"],
    ],
)
def test_every_command_says_so_before_anything_imports_numba(args, tmp_path):
    spy = """
import sys
from wildpose.train import threads
def spied(count):
    print(count, "numba" in sys.modules)
    raise SystemExit(0)
threads.use_threads = spied
from wildpose.cli import main
main(sys.argv[1:])
"""
    done = subprocess.run([sys.executable, "-c", spy, *args], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


def test_without_a_number_both_stay_as_they_are(monkeypatch):
    import torch

    from wildpose.train.threads import use_threads

    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    use_threads(0)
    assert torch.get_num_threads() == before and "NUMBA_NUM_THREADS" not in os.environ
