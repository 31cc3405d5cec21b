"""A step is the same step compiled, and on a GPU (where there is one): values and weights after three, in float32."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

TRIAL = Path(__file__).parent / "device_trial.py"
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def steps(*arguments: str) -> dict:
    done = subprocess.run([sys.executable, TRIAL, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "other",
    [
        ("cpu", "muon", "compiled"),
        pytest.param(("cuda", "muon"), marks=needs_cuda),
        pytest.param(("cuda", "rmsprop"), marks=needs_cuda),
        pytest.param(("cuda", "muon", "compiled"), marks=needs_cuda),
    ],
)
def test_a_step_is_the_same_step(other):
    plain, found = steps("cpu", other[1]), steps(*other)
    assert (found["compiled"] > 0) == ("compiled" in other) and found["breaks"] == 0
    for a, b in zip(plain["values"], found["values"], strict=True):
        assert b == pytest.approx(a, rel=0.01, abs=1e-4)
    for name, value in plain["weights"].items():
        assert np.allclose(value, found["weights"][name], rtol=0.02, atol=2e-3), name
