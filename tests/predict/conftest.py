"""Fixtures shared by the tests of prediction."""

from pathlib import Path

import pytest
from fake_weights import write_fake_weights


@pytest.fixture(scope="session")
def weights_path(tmp_path_factory) -> Path:
    """Weights that find coloured dots."""
    return write_fake_weights(tmp_path_factory.mktemp("weights") / "dots.onnx")
