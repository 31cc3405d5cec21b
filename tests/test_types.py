"""Pose3D holds what it says, and can't be changed behind a caller's back."""

import dataclasses

import numpy as np
import pytest

from wildpose.types import Pose3D


def pose(**changed):
    fields = {
        "joints_px": np.zeros((16, 2), np.float32),
        "joints_mm": np.zeros((16, 3), np.float32),
        "confidence": np.zeros(16, np.float32),
        "box_xywh": np.zeros(4, np.float32),
        "score": 0.5,
    }
    return Pose3D(**(fields | changed))


def test_fields_bear_the_names_of_the_json():
    assert [f.name for f in dataclasses.fields(pose())] == ["joints_px", "joints_mm", "confidence", "box_xywh", "score"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        pose().score = 1.0


@pytest.mark.parametrize("changed", [{"joints_px": np.zeros((17, 2))}, {"joints_mm": np.zeros((16, 2))}])
def test_shapes_are_checked_in_tests(changed):
    """The jaxtyping hook of pyproject.toml is on: without it annotations would be prose."""
    with pytest.raises(TypeError):
        pose(**changed)
