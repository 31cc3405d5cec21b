"""Validation asks the network where it is, and of however few people there are."""

import numpy as np
import torch
from rendered_batch import MODEL, Dots, tiny_data

from wildpose.models.generator import Generator, PoseMaps
from wildpose.train.loop import watched
from wildpose.train.validate import predict_crops, validate_2d


class Elsewhere(Generator):
    """On a device that isn't the processor's: it refuses crops that are anywhere else, as CUDA would."""

    def forward(self, crops_rgb: torch.Tensor) -> PoseMaps:
        assert crops_rgb.device.type == "meta"
        n = len(crops_rgb)
        return PoseMaps(torch.zeros(n, 1, 16, 8, 8), torch.zeros(n, 16))


def test_crops_go_to_the_device_of_the_network():
    network, people = Elsewhere(MODEL).to("meta"), tiny_data()
    assert {name: len(poses) for name, poses in watched(network, people).items()} == {"studio": 4, "photos": 4}
    assert np.isfinite(validate_2d(network, people.wild_val)["pck"])


def test_of_nobody_there_are_no_poses():
    """As a process has it that is one of more than there are people."""
    found = predict_crops(Generator(MODEL), Dots(0, with_3d=True))
    assert found.pose.shape == (0, 16, 3) and found.joints_crop_px.shape == (0, 16, 2) and found.mask.dtype == bool
