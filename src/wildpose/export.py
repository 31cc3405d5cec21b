"""Checkpoint to a weights file that describes itself: ONNX with one metadata entry, checked against the original.

Input `crops_rgb` uint8 (N, H, W, 3), normalisation inside; outputs `heatmaps` (N, 16, h, w) of the last stack and
`depth` (N, 16). The entry `wildpose` is JSON: architecture, skeleton, units, data with terms, metrics, sha256. The
digest is that of the file's bytes with its own 64 hex digits replaced by zeros. Weights lie in the file as float16
(half the size; outputs move in the fifth digit) and are float32 again once loaded.
"""

import copy
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wildpose.config import TrainConfig, from_dict
from wildpose.data.batches import CROP_SCALE
from wildpose.errors import InputError
from wildpose.models.generator import MEAN_RGB, STD_RGB, Generator
from wildpose.skeleton import MPII16
from wildpose.train.checkpoint import read_checkpoint

FORMAT = "wildpose-weights/1"
OUTPUTS = ("heatmaps", "depth")
PARITY = 1e-3
"""Largest difference allowed between the checkpoint and the exported file, in the outputs' units."""
HALF_FROM = 512
"""Numbers in a weight from which it is stored as float16."""


class Deployed(nn.Module):
    """What runs at prediction: the last stack's heatmaps and the depth, as plain tensors."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator

    def forward(self, crops_rgb):
        maps = self.generator(crops_rgb)
        return maps.heatmaps[:, -1], maps.depth


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
        "skeleton": MPII16.name,
        "joints": list(MPII16.joints),
        "input_px": config.input_px,
        "heatmap_px": config.heatmap_px,
        "sigma_px": config.sigma_px,
        "normalisation": f"inside the graph: (RGB / 255 - {MEAN_RGB}) / {STD_RGB}",
        "units": {"heatmaps": "peak 1", "depth": "half crop sides, relative to the pelvis, + = away from the camera"},
        "bone_sum_mm": round(state["bone_sum_mm"], 1),
        "crop_scale": CROP_SCALE,
        "history": state["history"],
        "training_data": state["data"],
        "metrics": metrics,
        "license": "Apache-2.0",
    }


def export_onnx(generator: Generator, description: dict[str, Any], target: Path) -> None:
    """Write the file whole or not at all; raises RuntimeError if it doesn't compute what the generator computes."""
    side = generator.config.input_px
    crops = torch.randint(0, 256, (3, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_onnx(Deployed(generator), {"crops_rgb": crops}, OUTPUTS, description, target)


def write_onnx(
    deployed: nn.Module,
    example: dict[str, torch.Tensor],
    outputs: tuple[str, ...],
    description: dict[str, Any],
    target: Path,
) -> None:
    """A module as one ONNX file that describes itself, whole or not at all.

    example: a batch of at least two for each input, by name; any number is allowed in the file. Raises RuntimeError if
    the file doesn't compute what the module computes with its weights rounded to float16.
    """
    import onnx

    deployed = _rounded(deployed).eval().to(memory_format=torch.contiguous_format)
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
    _store_half(model.graph)
    entry = model.metadata_props.add()
    entry.key, entry.value = "wildpose", json.dumps({**description, "sha256": "0" * 64})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    data = data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)
    check_parity(deployed, data, example, outputs)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(data)
    os.replace(draft, target)


def _rounded(deployed: nn.Module) -> nn.Module:
    """A copy with the weights that the file will have."""
    deployed = copy.deepcopy(deployed)
    for weight in deployed.parameters():
        if weight.numel() >= HALF_FROM:
            weight.data = weight.data.half().float()
    return deployed


def _store_half(graph: Any) -> None:
    """Large float32 constants become float16 with a cast behind each, which runtimes fold when they load the file."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= HALF_FROM:
            wide = f"{tensor.name}.float32"
            for node in graph.node:
                node.input[:] = [wide if name == tensor.name else name for name in node.input]
            casts.append(helper.make_node("Cast", [tensor.name], [wide], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), tensor.name))
    halved = {cast.input[0] for cast in casts}
    told = [value for value in graph.value_info if value.name not in halved]  # their types, as they were
    del graph.value_info[:]
    graph.value_info.extend(told)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def check_parity(deployed: nn.Module, data: bytes, example: dict[str, torch.Tensor], outputs: tuple[str, ...]) -> float:
    """Largest difference between the exported bytes and the module, on N and on one of the example."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in (None, 1):
        some = {name: tensor[:count] for name, tensor in example.items()}
        with torch.no_grad():
            expected = [x.numpy() for x in deployed(*some.values())]
        got = session.run(list(outputs), {name: tensor.numpy() for name, tensor in some.items()})
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(expected, got, strict=True)))
    if not worst < PARITY:
        raise RuntimeError(f"the exported file differs from the network by {worst:.2g} (allowed {PARITY})")
    return worst
