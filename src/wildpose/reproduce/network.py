"""A checkpoint as a model that `wildpose.evaluate` can judge, without the way over an ONNX file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from wildpose.data.batches import CROP_SCALE
from wildpose.errors import InputError
from wildpose.export import load_generator
from wildpose.models.generator import Generator
from wildpose.predict.answer import Answer
from wildpose.train.validate import answer_of


@dataclass(frozen=True)
class NetworkInfo:
    """What an evaluation has to know of it."""

    name: str
    sha256: str
    input_px: int
    heatmap_px: int
    sigma_px: float
    crop_scale: float
    bone_sum_mm: float


@dataclass(frozen=True)
class Network:
    """The averaged generator of a checkpoint, float32, on one device."""

    generator: Generator
    info: NetworkInfo
    device: torch.device

    @torch.no_grad()
    def run(self, crops_rgb: UInt8[np.ndarray, "N Hi Wi 3"]) -> Answer:
        """Heatmaps of the last stack, depth, and poses if it has a refiner."""
        return answer_of(self.generator(torch.from_numpy(crops_rgb).to(self.device)))


def load_network(checkpoint: Path, device: torch.device) -> Network:
    """Raises InputError for what isn't a sound checkpoint of a phase with 3D labels."""
    generator, state = load_generator(checkpoint)
    if "bone_sum_mm" not in state:
        raise InputError("a checkpoint of pretrain-3d or adversarial", f"{state['phase']} at {checkpoint}", "train on")
    config = generator.config
    info = NetworkInfo(
        name=f"{checkpoint.parent.parent.parent.name}/{checkpoint.parent.parent.name}/{checkpoint.name}",
        sha256=state["sha256"]["average.safetensors"],
        input_px=config.input_px,
        heatmap_px=config.heatmap_px,
        sigma_px=config.sigma_px,
        crop_scale=CROP_SCALE,
        bone_sum_mm=state["bone_sum_mm"],
    )
    return Network(generator.to(device), info, device)
