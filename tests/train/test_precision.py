"""A processor that is slow in bfloat16 gets float32, unless it is told otherwise."""

from pathlib import Path

import pytest
import torch
from rendered_batch import tiny_config

from wildpose.config import PRESETS
from wildpose.train.precision import bfloat16_is_fast, working_dtype
from wildpose.train.state import Training


@pytest.fixture
def processor(monkeypatch):
    def able(avx512_bf16: bool, amx: bool) -> None:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)

    return able


@pytest.mark.parametrize(
    ("avx512_bf16", "amx", "fast"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_auto_asks_the_processor(processor, avx512_bf16, amx, fast):
    processor(avx512_bf16, amx)
    assert bfloat16_is_fast("cpu") == fast
    assert working_dtype("auto", "cpu") == (torch.bfloat16 if fast else torch.float32)
    assert working_dtype("float32", "cpu") == torch.float32 and working_dtype("bfloat16", "cpu") == torch.bfloat16


def test_it_answers_on_this_machine_and_says_what_the_kernel_says():
    told = Path("/proc/cpuinfo")
    flags = (
        next((line for line in told.read_text().splitlines() if line.startswith("flags")), "") if told.exists() else ""
    )
    if not flags:
        pytest.skip("no x86 flags in /proc/cpuinfo")
    assert bfloat16_is_fast("cpu") == ("avx512_bf16" in flags or "amx_tile" in flags)


@pytest.mark.parametrize("fast", [False, True])
def test_the_step_works_in_it(processor, fast):
    processor(fast, False)
    training = Training(tiny_config(precision=PRESETS["small"].precision), "pretrain-2d")
    with training.autocast():
        made = torch.nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 2, 2))
    assert made.dtype == training.dtype == (torch.bfloat16 if fast else torch.float32)
