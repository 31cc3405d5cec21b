"""What an adaptation is run with."""

from dataclasses import replace

from wildpose.config import (
    PRESETS,
    AdversarialConfig,
    DiscriminatorConfig,
    ModelConfig,
    PhaseConfig,
    TrainConfig,
    override,
)
from wildpose.train.refine import RefineSettings

STEPS = 1500
"""Of 16 samples, 8 of them photos: 400 photos come round thirty times. Some ten minutes on two cores."""
RENDERED_IMAGES, RENDERED_SEED = 3000, 11
"""Of the outdoor set, if none is given."""
STUDIO_SHARE = 0.35
"""Of the rendered people, where a studio set is given, too: as in the shipped weights' training."""
REFINING = RefineSettings(crops=16_000, rounds=6, lr=3e-4, go_on=True)
"""A refiner knows the errors of one network; after that has changed, it learns those of the new one. Two minutes."""
UNLABELLED_SHARE = 1 / 3
"""Of the photos in a batch, where there are unlabelled ones. Labels teach more, even those of forty photos
(docs/adapt.md)."""


def settings(model: ModelConfig, steps: int | None, changes: tuple[str, ...]) -> TrainConfig:
    """Phase 3 for a network that is trained already: a short warm-up, averaged weights that forget the start within the
    run's few steps, and batch norms that keep their statistics: with those of batches that are half photos, half
    rendered people, depth on the photos goes astray (docs/adapt.md). D doesn't see the pictures, which alone tell
    rendered people from photos, and takes predictions for rendered people for true: what it asks of those for photos
    is to be as sure and as much like a body (docs/results.md). `changes` as of --set."""
    config = replace(
        PRESETS["small"],
        model=model,
        adversarial=PhaseConfig(steps=steps or STEPS, lr=3e-4, depth_weight=0.03, warmup_steps=50, batch_3d=8),
        discriminator=DiscriminatorConfig(sources=("geometry", "maps")),
        adversarial_loss=AdversarialConfig(weight=1e-3, r1=1.0, true_side="predictions"),
        batch=16,
        optimiser="muon",
        frozen_norms=True,
        schedule="cosine",
        ema=0.995,
        validate_every=500,
        checkpoint_every_s=60.0,
    )
    return override(config, changes)
