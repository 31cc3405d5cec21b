"""Checkpoint to a weights file that describes itself: ONNX with one metadata entry, checked against the original.

Input `crops_rgb` uint8 (N, H, W, 3), normalisation inside; outputs `heatmaps` (N, 16, h, w) of the last stack,
`depth` (N, 16) and, of a network with a refiner, `pose` (N, 16, 3). The entry `wildpose` is JSON: architecture,
skeleton, units, data with terms, metrics, sha256. The digest is that of the file's bytes with its own 64 hex digits
replaced by zeros. How weights lie in the file: `wildpose.stored`.
"""

import copy
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wildpose.config import TrainConfig, from_dict
from wildpose.data.batches import CROP_SCALE
from wildpose.data.mix import each_once
from wildpose.errors import InputError
from wildpose.models.generator import MEAN_RGB, STD_RGB, Generator
from wildpose.skeleton import MPII16
from wildpose.stored import Kind, rounded, store
from wildpose.train.checkpoint import read_checkpoint

FORMAT = "wildpose-weights/1"
PARITY = 1e-3
"""Largest difference allowed between the checkpoint and the exported file, in the outputs' units, or as a share of the
largest output: on noise, which no network has learnt, depth may be 40, and float32 rounds accordingly."""
UNDECIDED = 0.25
"""Share of the crops of noise whose pose may differ by more."""


class Deployed(nn.Module):
    """What runs at prediction, as plain tensors: `outputs` names them."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator
        self.outputs = ("heatmaps", "depth", "pose") if generator.refiner else ("heatmaps", "depth")

    def forward(self, crops_rgb):
        maps = self.generator(crops_rgb)
        return (maps.heatmaps[:, -1], maps.depth, maps.pose)[: len(self.outputs)]


class Mean(nn.Module):
    """Several networks as one: the mean of what they say, whose errors partly cancel out."""

    def __init__(self, generators: Sequence[Generator]):
        super().__init__()
        self.members = nn.ModuleList(Deployed(generator) for generator in generators)
        self.outputs = self.members[0].outputs

    def forward(self, crops_rgb):
        answers = [member(crops_rgb) for member in self.members]
        return tuple(torch.stack(same).mean(0) for same in zip(*answers, strict=True))


def load_generator(checkpoint: Path) -> tuple[Generator, dict[str, Any]]:
    """The averaged generator of a checkpoint, in evaluation mode, and the checkpoint's state."""
    state, tensors = read_checkpoint(checkpoint)
    generator = Generator(from_dict(TrainConfig, state["config"]).model)
    generator.load_state_dict(tensors["average"])
    return generator.eval().requires_grad_(False), state


def describe(generator: Generator, state: dict[str, Any], name: str, metrics: list[dict]) -> dict[str, Any]:
    """The metadata of a weights file; InputError if the checkpoint never learnt depth."""
    if "bone_sum_mm" not in state:
        raise InputError("a checkpoint of pretrain-3d or adversarial", state["phase"], "train those phases first")
    config = generator.config
    return {
        "format": FORMAT,
        "name": name,
        "architecture": {"kind": "stacked hourglass + depth regressor (Yang et al., CVPR 2018)", **asdict(config)},
        "parameters": sum(weight.numel() for weight in generator.parameters()),
        "skeleton": MPII16.name,
        "joints": list(MPII16.joints),
        "input_px": config.input_px,
        "heatmap_px": config.heatmap_px,
        "sigma_px": config.sigma_px,
        "normalisation": f"inside the graph: (RGB / 255 - {MEAN_RGB}) / {STD_RGB}",
        "units": {
            "heatmaps": "peak 1",
            "depth": "half crop sides, relative to the pelvis, + = away from the camera",
            "pose": "likewise, x to the right and y down in the picture; only if refiner_width isn't 0",
        },
        "bone_sum_mm": round(state["bone_sum_mm"], 1),
        "crop_scale": CROP_SCALE,
        "history": state["history"],
        "training_data": state["data"],
        "metrics": metrics,
        "license": "Apache-2.0",
    }


def describe_mean(parts: Sequence[dict[str, Any]], name: str, metrics: list[dict]) -> dict[str, Any]:
    """The metadata of the mean of networks, from what `describe` says of each; InputError unless they fit together."""
    same = ("input_px", "heatmap_px", "sigma_px", "joints", "crop_scale")
    refined = {bool(part["architecture"]["refiner_width"]) for part in parts}
    if len(refined) > 1 or any(part[key] != parts[0][key] for part in parts for key in same):
        got = "; ".join(f"{p['input_px']} px, refiner {p['architecture']['refiner_width']}" for p in parts)
        raise InputError("networks of one input size and heatmap, all with a refiner or none", got, "refine the others")
    members = [part["architecture"] for part in parts]
    return {
        **parts[0],
        "name": name,
        "architecture": {"kind": f"mean of {len(parts)} networks: {members[0]['kind']}", "members": members},
        "parameters": sum(part["parameters"] for part in parts),
        "bone_sum_mm": round(float(np.mean([part["bone_sum_mm"] for part in parts])), 1),
        "history": [{**step, "network": i + 1} for i, part in enumerate(parts) for step in part["history"]],
        "training_data": each_once(source for part in reversed(parts) for source in part["training_data"]),
        "metrics": metrics,
    }


def export_onnx(generator: Generator, description: dict[str, Any], target: Path, kind: Kind = "int8") -> None:
    """Write the file whole or not at all; raises RuntimeError if it doesn't compute what the generator computes."""
    _write(Deployed(generator), description, target, kind)


def export_mean(
    generators: Sequence[Generator], description: dict[str, Any], target: Path, kind: Kind = "int8"
) -> None:
    """The same for the mean of several (`describe_mean`)."""
    _write(Mean(generators), description, target, kind)


def _write(deployed: Deployed | Mean, description: dict[str, Any], target: Path, kind: Kind) -> None:
    side = description["input_px"]
    crops = torch.randint(0, 256, (12, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_onnx(deployed, {"crops_rgb": crops}, deployed.outputs, description, target, kind)


def write_onnx(
    deployed: nn.Module,
    example: dict[str, torch.Tensor],
    outputs: tuple[str, ...],
    description: dict[str, Any],
    target: Path,
    kind: Kind = "int8",
) -> None:
    """A module as one ONNX file that describes itself, whole or not at all.

    example: a batch of at least two for each input, by name; any number is allowed in the file. kind: how convolutions
    and matrices are stored. Raises RuntimeError if the file doesn't compute what the module computes with its weights
    so rounded.
    """
    import onnx

    deployed = as_stored(deployed, kind).eval().to(memory_format=torch.contiguous_format)
    program = torch.onnx.export(
        deployed,
        tuple(example.values()),
        input_names=list(example),
        output_names=list(outputs),
        dynamic_shapes=tuple({0: torch.export.Dim("N")} for _ in example),
        dynamo=True,
        verbose=False,
        optimize=False,  # batch norms stay apart, so that training can go on from the file; the runtime folds them
    )
    model = program.model_proto
    for node in model.graph.node:  # the exporter's stack traces name the author's folders and weigh a megabyte
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    store(model.graph, kind)
    entry = model.metadata_props.add()
    entry.key, entry.value = "wildpose", json.dumps({**description, "sha256": "0" * 64})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    data = data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)
    check_parity(deployed, data, example, outputs)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft.write_bytes(data)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def as_stored(deployed: nn.Module, kind: Kind) -> nn.Module:
    """A copy with the weights that the file will have."""
    deployed = copy.deepcopy(deployed)
    for weight in deployed.parameters():
        weight.data = torch.from_numpy(rounded(weight.detach().contiguous().numpy(), kind))
    return deployed


def check_parity(deployed: nn.Module, data: bytes, example: dict[str, torch.Tensor], outputs: tuple[str, ...]) -> float:
    """Largest difference between the exported bytes and the module, by PARITY, on N and on one of the example.

    Where two places of a heatmap are equally high to the last digits, as in noise they may be, rounding chooses which
    of them the refiner sees: of `pose`, the UNDECIDED share of the crops that differ most is left out.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def off(some: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
        with torch.no_grad():
            expected = [x.numpy() for x in deployed(*some.values())]
        got = session.run(list(outputs), {name: tensor.numpy() for name, tensor in some.items()})
        of_output = [np.abs(a - b) / max(1.0, np.abs(a).max()) for a, b in zip(expected, got, strict=True)]
        return {name: each.reshape(len(each), -1).max(1) for name, each in zip(outputs, of_output, strict=True)}

    of_all = off(example)
    decided = np.arange(len(of_all[outputs[0]]))
    if "pose" in of_all:
        decided = np.argsort(of_all["pose"])[: len(decided) - int(UNDECIDED * len(decided))]
        of_all["pose"] = of_all["pose"][decided]
    alone = off({name: tensor[decided[:1]] for name, tensor in example.items()})
    worst = float(max(each.max() for each in (*of_all.values(), *alone.values())))
    if not worst < PARITY:
        raise RuntimeError(f"the exported file differs from the network by {worst:.2g} (allowed {PARITY})")
    return worst
