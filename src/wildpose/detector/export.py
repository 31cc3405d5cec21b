"""A detector's checkpoint to one ONNX file that describes itself, checked against the checkpoint.

Input `images_rgb` uint8 (N, S, S, 3), normalisation inside; outputs `scores` (N, s, s) and `boxes_ltrb` (N, 4, s, s) in
input px. Metadata and digest as in `wildpose.export`.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from wildpose.detector.model import STRIDE, PeopleNet, maps
from wildpose.detector.train import training_of
from wildpose.export import write_onnx
from wildpose.predict.detect import FORMAT


class DeployedDetector(nn.Module):
    """What runs at prediction, as plain tensors."""

    def __init__(self, network: PeopleNet):
        super().__init__()
        self.network = network

    def forward(self, images_rgb):
        return maps(self.network(images_rgb))


def describe_detector(
    state: dict[str, Any], name: str, input_px: int, threshold: float, metrics: list[dict[str, Any]]
) -> dict[str, Any]:
    """The metadata of a detector file. input_px: side of the square it will look at, which may be larger than the one
    of training; threshold: score from which a box counts as a person."""
    return {
        "format": FORMAT,
        "name": name,
        "architecture": {"kind": "residual network, middles and boxes at one stride (after TTFNet, AAAI 2020)"},
        "input_px": input_px,
        "stride_px": STRIDE,
        "threshold": threshold,
        "box": "tight around the 14 to 16 joints of a person, the unseen ones too",
        "training": training_of(state),
        "training_data": state["data"],
        "metrics": metrics,
        "license": "Apache-2.0",
    }


def export_detector(network: PeopleNet, description: dict[str, Any], target: Path) -> None:
    """Write the file whole or not at all; RuntimeError if it doesn't compute what the network computes."""
    side = description["input_px"]
    images = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    description = description | {"parameters": sum(weight.numel() for weight in network.parameters())}
    write_onnx(DeployedDetector(network), {"images_rgb": images}, ("scores", "boxes_ltrb"), description, target)
