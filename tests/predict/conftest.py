"""Fixtures shared by the tests of prediction."""

from pathlib import Path

import pytest
from fake_detector import write_fake_detector
from fake_weights import write_fake_weights


@pytest.fixture(scope="session")
def weights_path(tmp_path_factory) -> Path:
    """Weights that find coloured dots."""
    return write_fake_weights(tmp_path_factory.mktemp("weights") / "dots.onnx")


@pytest.fixture(scope="session")
def detector_path(tmp_path_factory) -> Path:
    """A detector that finds groups of dots."""
    return write_fake_detector(tmp_path_factory.mktemp("detector") / "dots.onnx")


@pytest.fixture(autouse=True, scope="module")
def dots_are_people(detector_path):
    """Here, the detector inside the package is one that finds dots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wildpose.predict.detect.PACKAGED", detector_path)
        yield
