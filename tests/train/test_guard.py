"""One writer to a folder; a signal ends a run with a checkpoint; a full disk is told in one line."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
import torch
from rendered_batch import tiny_config, tiny_data

from wildpose.errors import InputError
from wildpose.train import loop
from wildpose.train.checkpoint import latest_checkpoint, read_checkpoint
from wildpose.train.guard import Interrupted, only_writer
from wildpose.train.loop import run_phase

HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "a+")
fcntl.lockf(file, fcntl.LOCK_EX)
file.write("process 7 on elsewhere"); file.flush()
print("held", flush=True)
time.sleep(60)
"""


def quiet(_line: str) -> None: ...


def test_a_second_run_is_refused_until_the_first_dies(tmp_path):
    """The other process holds the lock by the system's own call, and dies by kill -9."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / ".lock")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match=r"no other run that writes .* process 7 on elsewhere"):
            only_writer(tmp_path, quiet).__enter__()
    finally:
        holder.kill()
        holder.wait()
    with only_writer(tmp_path, quiet):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def signal_at(step: int, number: int, monkeypatch) -> None:
    """The process gets the signal in the middle of a step, twice, as from srun and torchrun."""
    original = loop.advance

    def advance(training, batch):
        if training.step == step:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
        return original(training, batch)

    monkeypatch.setattr(loop, "advance", advance)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_a_checkpoint_and_the_run_goes_on_from_it(number, tmp_path, monkeypatch):
    whole = run_phase(tiny_config(), "pretrain-2d", tiny_data(), tmp_path / "whole", notify=quiet)
    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        signal_at(1, number, patch)
        with pytest.raises(Interrupted, match="the same command goes on") as stopped:
            run_phase(tiny_config(), "pretrain-2d", tiny_data(), tmp_path / "cut", notify=quiet)
    assert stopped.value.checkpoint.name == "step-000002" and stopped.value.number == number
    assert signal.getsignal(number) == handler
    assert multiprocessing.active_children() == [], "the loader ends with the loop, though the error holds its frame"
    rest = run_phase(tiny_config(), "pretrain-2d", tiny_data(), tmp_path / "cut", notify=quiet)
    expected, got = read_checkpoint(whole)[1], read_checkpoint(rest)[1]
    for file, tensors in expected.items():
        assert all(torch.equal(value, got[file][name]) for name, value in tensors.items()), file


def test_a_full_disk_ends_the_run_with_its_last_checkpoint_named(tmp_path, monkeypatch):
    run_phase(tiny_config(), "pretrain-2d", tiny_data(), tmp_path, steps=2, notify=quiet)

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(loop.Log, "write", full)
    with pytest.raises(InputError, match=r"No space left.*goes on from step-000002"):
        run_phase(tiny_config(), "pretrain-2d", tiny_data(), tmp_path, notify=quiet)
    assert latest_checkpoint(tmp_path / "pretrain-2d").name == "step-000002"
