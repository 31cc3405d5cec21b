"""What keeps a run safe from its surroundings: one writer to a folder, a checkpoint before a stop, a word for a full
disk."""

import errno
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wildpose.errors import InputError
from wildpose.train.checkpoint import latest_checkpoint

try:
    import fcntl
except ImportError:  # Windows: a folder is then not guarded
    fcntl = None

SIGNALS = (signal.SIGTERM, signal.SIGINT)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Interrupted(Exception):
    """A signal asked the run to stop; everything up to then is in `checkpoint`."""

    def __init__(self, number: int, checkpoint: Path):
        name = signal.Signals(number).name
        super().__init__(f"{name}: stopped after a checkpoint, {checkpoint}; the same command goes on from there")
        self.number, self.checkpoint = number, checkpoint


class StopRequest:
    """SIGTERM (clusters preempt with it) and Ctrl-C become a note that the loop reads between two steps.

    Further signals change nothing: srun and torchrun pass one on that the process has had already. Who can't wait may
    kill -9: nothing is lost by it but the steps since the last checkpoint.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the first signal; 0 where there was none."""
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():  # Python allows it nowhere else
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, number: int, _frame: object) -> None:
        self.number = self.number or number

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def leave_signals_to_parent(_worker: int = 0) -> None:
    """For loader processes: a signal to the whole group must not end them while the last step still needs a batch."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def only_writer(folder: Path, notify: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a run's folder; InputError if another process has it.

    A POSIX record lock: it dies with this process, however that ends, and its loader processes, which may outlive it by
    seconds, don't inherit it (they would a flock). It works over NFS, between the nodes of a cluster.
    """
    with (folder / ".lock").open("a+") as file:
        try:
            if fcntl:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                notify(f"warning: {folder} can't be locked ({error}): make sure that no other run writes there")
            else:
                file.seek(0)
                who = file.read().strip() or "another process"
                fix = "wait for it to end, or give another --out"
                raise InputError(f"no other run that writes {folder}", who, fix) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn "no space left" into what is lost (nothing before the last checkpoint) and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        last = latest_checkpoint(folder)
        fix = f"free some; the same command goes on from {last.name if last else 'the start'}"
        raise InputError(f"room on the disk for {folder}", str(error), fix) from error
