"""Where a phase starts from: the checkpoint of another phase, or a weights file, to train on with one's own data."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch

from wildpose.config import ModelConfig, Phase, TrainConfig, from_dict
from wildpose.errors import InputError
from wildpose.predict.onnx_model import read_content, read_info
from wildpose.predict.shipped import shipped
from wildpose.stored import weights_of
from wildpose.train.checkpoint import read_checkpoint


@dataclass(frozen=True)
class Start:
    """A generator's weights and what is known of them."""

    model: ModelConfig
    phase: Phase | Literal["refine"]
    """The last one that they went through."""
    weights: dict[str, torch.Tensor]
    origin: dict[str, Any]
    """`history` and `data` of all phases so far, as in a checkpoint's state."""


def read_start(source: Path) -> Start:
    """The averaged weights in a checkpoint folder, or those in an ONNX file (or one in the package, by its name).

    Raises InputError for what is neither, or damaged.
    """
    if str(source) in shipped() or source.suffix == ".onnx":
        return _weights_file(source)
    state, tensors = read_checkpoint(source)
    model = from_dict(TrainConfig, state["config"]).model
    return Start(model, state["phase"], tensors["average"], {name: state[name] for name in ("history", "data")})


def _weights_file(source: Path) -> Start:
    import onnx
    from google.protobuf.message import DecodeError

    where, content = read_content(source)
    try:
        graph = onnx.load_from_string(content)
    except DecodeError as error:
        raise InputError(f"ONNX weights in {where}", f"{len(content)} other bytes", "export them again") from error
    told = read_info(where, content, {entry.key: entry.value for entry in graph.metadata_props}).metadata
    try:
        if "members" in told["architecture"]:
            got = f"the mean of {len(told['architecture']['members'])} in {where}"
            raise InputError("weights of one network", got, "start from a checkpoint, or from `default`")
        known = {field.name for field in fields(ModelConfig)}
        model = from_dict(ModelConfig, {k: v for k, v in told["architecture"].items() if k in known})
        origin = {"history": told["history"], "data": told["training_data"]}
        phase = told["history"][-1]["phase"] if told["history"] else "pretrain-3d"
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"architecture and history in the metadata of {where}", repr(error), "export again") from error
    prefix = "generator."
    arrays = {name: array for name, array in weights_of(graph.graph).items() if name.startswith(prefix)}
    weights = {name.removeprefix(prefix): torch.from_numpy(array) for name, array in arrays.items()}
    # Constants that no checkpoint keeps either: of the normalisation, and those that the exporter made of code
    weights = {name: w for name, w in weights.items() if name not in ("mean", "std") and "lifted_tensor" not in name}
    return Start(model, phase, weights, origin)
