"""The number format in which this machine's convolutions are fast."""

import torch


def working_dtype(precision: str, device_type: str) -> torch.dtype:
    """Of TrainConfig.precision; `auto` is bfloat16 where that is faster than float32."""
    if precision == "auto":
        return torch.bfloat16 if bfloat16_is_fast(device_type) else torch.float32
    return getattr(torch, precision)


def bfloat16_is_fast(device_type: str) -> bool:
    """Whether the device multiplies bfloat16 itself. A processor that doesn't (most laptops') converts every number
    there and back, in torch without AVX-512 one by one: a step took nine times as long as in float32, with AVX-512
    alone one and a half times (docs/performance.md). Processors other than x86 count as slow: none was tried."""
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
