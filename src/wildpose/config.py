"""Settings as frozen dataclasses, a sentence under each; presets as Python values. No torch here.

`train` writes the settings of a run to config.json; `override` applies `--set name=value` with the field's own type.
"""

import dataclasses
import json
import typing
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wildpose.errors import InputError

Phase = Literal["pretrain-2d", "pretrain-3d", "adversarial"]
PHASES: tuple[Phase, ...] = ("pretrain-2d", "pretrain-3d", "adversarial")
Source = Literal["image", "geometry", "maps"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    stacks: int = 2
    """Hourglasses in a row (the paper: 2 for the ablations, 4 for Table 1)."""
    features: int = 256
    """Channels of the hourglass; the stem has a quarter and a half of it."""
    blocks: int = 1
    """Residual modules at each resolution."""
    input_px: int = 256
    """Side of the square input crop; heatmaps have a quarter of it."""
    levels: int = 4
    """Halvings inside an hourglass."""
    depth_stages: int = 3
    """[residual, downsample] pairs of the depth regression module."""
    depth_readout: Literal["average", "joint"] = "average"
    """`average`: global average pooling and a fully connected layer, as in the paper; `joint`: a depth map per joint,
    read where that joint's heatmap is (beyond the paper, for the small preset)."""
    sigma_px: float = 1.0
    """Standard deviation of the target Gaussian in heatmap px (the paper: identity covariance)."""
    refiner_width: int = 0
    """Width of the pose refiner, which `wildpose refine` adds to a trained network; 0: none, as in the paper."""
    refiner_places_width: int = 0
    """Width of its part that knows what depth goes with which places; 0: none."""

    @property
    def heatmap_px(self) -> int:
        return self.input_px // 4


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig:
    sources: tuple[Source, ...] = ("image", "geometry", "maps")
    """What D looks at: all three is Full, image + geometry is Geo, image + maps is Map (Table 2)."""
    embedding: int = 128
    """Width of each embedded source."""
    hidden: int = 256
    """Width of the first two of the three fully connected layers after concatenation."""


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    scale: float = 0.25
    """Standard deviation of log2 of the crop's side, cut at two of them."""
    rotation_deg: float = 40.0
    """Standard deviation of the in-plane rotation, cut at two of them."""
    rotation_share: float = 0.6
    """Share of the samples that are rotated at all."""
    shift: float = 0.06
    """Standard deviation of the crop's centre, in crop sides."""
    colour: float = 0.25
    """Half width of the gain of each channel; contrast and brightness vary alike."""
    occlude_share: float = 0.25
    """Share of the samples over which a plain rectangle is laid."""
    degrade_share: float = 0.0
    """Share of the samples that look as a poor camera would have taken them (data/degrade.py)."""
    off_target_share: float = 0.04
    """Share of the samples whose window is moved off the person, so that heatmaps learn to be empty."""


@dataclass(frozen=True, kw_only=True)
class PhaseConfig:
    steps: int
    """Optimiser steps."""
    lr: float
    """Peak learning rate of the generator."""
    depth_weight: float = 0.0
    """Weight of the depth term against the mean squared heatmap error."""
    warmup_steps: int = 200
    """Linear warm-up of the learning rate."""
    head_only_steps: int = 0
    """First steps in which the 2D module is frozen, so that a fresh depth module can't damage it."""
    batch_3d: int = 0
    """Samples with 3D labels in each batch; the rest has 2D labels only."""
    mix: tuple[str, ...] = ()
    """Shares of the 2D sets in this phase as NAME:RATIO (mpii:2,lsp:1), sets that aren't named left out; empty: as
    on the command line."""


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    weight: float = 1e-4
    """Lambda of eq. (5), against mean-reduced regression terms."""
    lr_discriminator: float = 2e-4
    """Learning rate of D."""
    r1: float = 0.0
    """Weight of R1, the penalty on D's squared gradient by true poses (Mescheder et al., 2018); not the paper's."""
    true_side: Literal["truth", "predictions"] = "truth"
    """What D takes for true: labelled poses, as in the paper, or predictions for pictures with 3D labels, so that only
    what is wrong on photos tells the sides apart (as Tsai et al., CVPR 2018, have it for segmentation)."""
    fix_2d: bool = False
    """Table 2's `fix 2D`: only the depth module learns."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    model: ModelConfig = field(default_factory=ModelConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    adversarial_loss: AdversarialConfig = field(default_factory=AdversarialConfig)
    pretrain_2d: PhaseConfig
    pretrain_3d: PhaseConfig
    adversarial: PhaseConfig
    batch: int = 12
    """Samples in a batch."""
    optimiser: Literal["rmsprop", "adamw", "muon"] = "rmsprop"
    """rmsprop as in the backbone (Zhou'17); adamw with weight decay; muon for convolutions, adamw for the rest, which
    learns faster (docs/training.md)."""
    weight_decay: float = 0.0
    """AdamW's and Muon's."""
    clip_norm: float = 0.0
    """Largest norm of G's gradient, all parameters together; 0 leaves it as it is. Bursts of gradient in the stem and
    the descending path otherwise slow these for thousands of steps (docs/training.md)."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate after the warm-up: kept, or down to zero along a cosine."""
    frozen_norms: bool = False
    """Batch norms keep the statistics that they start with, and use them while they learn, too: for few steps on photos
    unlike those before (docs/adapt.md)."""
    ema: float = 0.0
    """Decay a step of the averaged weights that are evaluated and exported; 0 turns averaging off."""
    depth_loss: Literal["squared", "clipped-l1"] = "squared"
    """Eq. (2)'s squared error, or |error| cut at 0.5, whose gradient is bounded."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Autocast type of the networks (auto: bfloat16 where the machine is fast in it, else float32); losses and the
    descriptor are float32 always."""
    seed: int = 0
    """Of weights, order and augmentation."""
    log_every: int = 50
    """Steps between lines of the log."""
    validate_every: int = 1000
    """Steps between evaluations on the held-out part of the training data."""
    checkpoint_every_s: float = 240.0
    """Seconds between checkpoints."""

    def phase(self, name: Phase) -> PhaseConfig:
        return getattr(self, name.replace("-", "_"))


def _paper(stacks: int) -> TrainConfig:
    """Section 5's numbers; optimiser and learning rate, which the paper doesn't state, from the backbone."""
    constant = {"lr": 2.5e-4, "warmup_steps": 0}
    return TrainConfig(
        model=ModelConfig(stacks=stacks),
        pretrain_2d=PhaseConfig(steps=200_000, **constant),
        pretrain_3d=PhaseConfig(steps=200_000, depth_weight=0.1, batch_3d=6, **constant),
        adversarial=PhaseConfig(steps=120_000, depth_weight=0.1, batch_3d=6, **constant),
    )


SMALL = TrainConfig(
    model=ModelConfig(stacks=2, features=128, input_px=128, depth_readout="joint"),
    augment=AugmentConfig(
        scale=0.2, rotation_deg=30.0, colour=0.2, occlude_share=0.1, degrade_share=0.4, off_target_share=0.02
    ),
    pretrain_2d=PhaseConfig(steps=13_000, lr=1e-3),
    pretrain_3d=PhaseConfig(steps=13_000, lr=1e-3, depth_weight=0.03, warmup_steps=100, head_only_steps=50, batch_3d=8),
    adversarial=PhaseConfig(steps=1000, lr=3e-4, depth_weight=0.03, batch_3d=8),
    batch=16,
    optimiser="muon",
    clip_norm=0.004,
    weight_decay=1e-4,
    schedule="cosine",
    ema=0.999,
    precision="auto",
)

PRESETS: dict[str, TrainConfig] = {
    "full-2s": _paper(2),
    "full-4s": _paper(4),
    "small": SMALL,
    "large": replace(SMALL, model=replace(SMALL.model, stacks=3, features=256)),
    "smoke": TrainConfig(
        model=ModelConfig(stacks=1, features=48, input_px=96, levels=3),
        discriminator=DiscriminatorConfig(embedding=32, hidden=64),
        pretrain_2d=PhaseConfig(steps=500, lr=3e-3, warmup_steps=20),
        pretrain_3d=PhaseConfig(steps=300, lr=1.5e-3, depth_weight=0.02, batch_3d=8, warmup_steps=20),
        adversarial=PhaseConfig(steps=100, lr=5e-4, depth_weight=0.02, batch_3d=8, warmup_steps=10),
        batch=16,
        optimiser="adamw",
        clip_norm=0.004,
        schedule="cosine",
        ema=0.99,
        log_every=10,
        validate_every=100,
        checkpoint_every_s=30.0,
    ),
}


def override(config: TrainConfig, assignments: tuple[str, ...]) -> TrainConfig:
    """Apply `a.b=value` assignments; raises InputError that names the field, its type and the value."""
    for assignment in assignments:
        path, sep, text = assignment.partition("=")
        if not sep:
            raise InputError("--set name=value", repr(assignment), "for instance --set batch=8")
        config = _replace(config, path.split("."), text, path)
    return config


def _replace(node: Any, names: list[str], text: str, path: str) -> Any:
    known = {f.name: f.type for f in dataclasses.fields(node)}
    if names[0] not in known:
        raise InputError(f"one of {', '.join(known)}", repr(names[0]), f"mend --set {path}=...")
    if len(names) > 1:
        child = getattr(node, names[0])
        if not dataclasses.is_dataclass(child):
            raise InputError(f"a plain value at {names[0]}", repr(path), f"write --set {names[0]}=...")
        return dataclasses.replace(node, **{names[0]: _replace(child, names[1:], text, path)})
    return dataclasses.replace(node, **{names[0]: _parse(known[names[0]], text, path)})


def _parse(kind: Any, text: str, path: str) -> Any:
    bad = InputError(f"{path} as {getattr(kind, '__name__', kind)}", repr(text), "mend the value after =")
    if kind is bool:
        if text not in ("true", "false"):
            raise bad
        return text == "true"
    if typing.get_origin(kind) is Literal:
        if text not in typing.get_args(kind):
            raise bad
        return text
    if typing.get_origin(kind) is tuple:
        return tuple(_parse(typing.get_args(kind)[0], part, path) for part in text.split(","))
    if kind not in (int, float, str):
        raise bad
    try:
        return kind(text)
    except ValueError:
        raise bad from None


def to_json(config: Any) -> str:
    return json.dumps(dataclasses.asdict(config), indent=1)


def from_dict(kind: type, values: dict[str, Any]) -> Any:
    """The inverse of dataclasses.asdict; unknown or missing names raise InputError."""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InputError(f"settings of {kind.__name__} ({', '.join(fields)})", repr(unknown[0]), "remove that setting")
    parsed = {}
    for name, value in values.items():
        of = fields[name].type
        if dataclasses.is_dataclass(of):
            value = from_dict(of, value)
        elif isinstance(value, list):
            value = tuple(value)
        parsed[name] = value
    try:
        return kind(**parsed)
    except TypeError as error:
        raise InputError(f"all settings of {kind.__name__}", str(error), "write the missing ones") from None
