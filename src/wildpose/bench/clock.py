"""Time, its spread, memory, and the machine they were taken on."""

import os
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np

FORMAT = "wildpose-bench/1"
WARMUP = 20
BUSY = 0.25
"""Load per core beyond which other processes are likely to be in the figures."""


def measure(calls: dict[str, Callable[[], Any]], runs: int, warmup: int = WARMUP) -> dict[str, dict[str, float]]:
    """Median, 10th and 90th percentile in ms of each call; the calls take turns, so that all meet the same weather."""
    times_ms: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(warmup + runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times_ms[name].append(1e3 * (time.perf_counter() - start))
    quantiles = {name: np.percentile(values[warmup:], (50, 10, 90)).tolist() for name, values in times_ms.items()}
    return {name: dict(zip(("median", "p10", "p90"), values, strict=True)) for name, values in quantiles.items()}


def quartiles(values: list[float]) -> dict[str, float]:
    """Median, first and third quartile."""
    return dict(zip(("median", "q1", "q3"), np.percentile(values, (50, 25, 75)).tolist(), strict=True))


class Stopwatch:
    """Seconds by the name of a part; a part inside another counts for itself only."""

    def __init__(self, settle: Callable[[], None] = lambda: None):
        self.settle = settle
        """Waits until work handed to a device is done; nothing to do on a CPU."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    def start(self, part: str) -> None:
        self._book()
        self._open.append(part)

    def stop(self) -> None:
        self._book()
        self._open.pop()

    def _book(self) -> None:
        self.settle()
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.start(name)
        try:
            yield
        finally:
            self.stop()

    def timed(self, name: str, function: Callable) -> Callable:
        """The function, with its time booked on a part."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return wrapped

    def take(self) -> dict[str, float]:
        """Seconds since the last call."""
        taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken


def machine(*distributions: str) -> dict[str, Any]:
    """What the figures were taken on: processor, cores this process may use, system, Python and library versions."""
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in distributions},
    }


def machine_line(on: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in on["libraries"].items())
    return f"{on['cpu']}, {on['cores']} cores, {on['system']}, Python {on['python']}, {libraries}"


def cpu_name() -> str:
    """The processor's own name where Linux tells it, else what Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """CPU cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_per_core() -> float | None:
    """Runnable processes per core over the last minute; None where the system doesn't tell."""
    return round(os.getloadavg()[0] / usable_cores(), 2) if hasattr(os, "getloadavg") else None


def busy_lines(load: float | None) -> list[str]:
    """A warning, if other processes were running before the benchmark began."""
    if load is None or load <= BUSY:
        return []
    return [f"warning: {load:.2f} other processes a core were running: these figures are of a busy machine"]


def peak_memory_mib(children: bool = False) -> float | None:
    """Most memory that this process, or the largest of its children that have ended, ever held; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)
