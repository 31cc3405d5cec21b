"""What the machine can do at most, measured: matrix products, and copies through memory."""

import time
from collections.abc import Callable
from typing import Any

from wildpose.bench.clock import quartiles

REPEATS = 7
COPY_BYTES = 256 * 2**20


def measure_peak(device: Any, repeats: int = REPEATS, side: int = 0) -> dict[str, dict[str, float]]:
    """Rate of square matrix products in float32 and bfloat16 (GFLOP/s, a multiply-add counts as two) and of a copy
    (GB/s, bytes read and bytes written); medians with quartiles. device: a torch.device."""
    import torch

    side = side or (8192 if device.type == "cuda" else 2048)
    peak = {}
    for name, kind in (("float32_gflop_s", torch.float32), ("bfloat16_gflop_s", torch.bfloat16)):
        a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
        product = torch.empty_like(a)
        seconds = _timed(lambda a=a, b=b, product=product: torch.mm(a, b, out=product), device, repeats)
        peak[name] = quartiles([2 * side**3 / s / 1e9 for s in seconds])
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)
    seconds = _timed(lambda: target.copy_(source), device, repeats)
    return peak | {"copy_gb_s": quartiles([2 * COPY_BYTES / s / 1e9 for s in seconds])}


def settle(device: Any) -> None:
    """Wait for what was handed to a GPU; nothing to wait for on a CPU."""
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def _timed(call: Callable[[], Any], device: Any, repeats: int) -> list[float]:
    """Seconds of each call, after two that don't count."""
    seconds = []
    for _ in range(2 + repeats):
        settle(device)
        began = time.perf_counter()
        call()
        settle(device)
        seconds.append(time.perf_counter() - began)
    return seconds[2:]
