"""wildpose refine: a pose refiner for a trained network."""

from pathlib import Path

from tyro.conf import Positional

from wildpose.cli.sets import NO_SETS, SetFlags


def refine(
    start: Positional[Path],
    /,
    out: Path,
    sets: SetFlags = NO_SETS,
    lifted: Path | None = None,
    crops: int = 60_000,
    rounds: int = 15,
    views: int = 6000,
    width: int = 512,
    seed: int = 0,
    threads: int = 0,
) -> None:
    """Teach a small network to correct the 3D poses that a trained one lifts from its heatmaps and depth.

    The trained network stays as it is, and so do joints in the picture; 3D poses become more accurate and more like a
    body's. Minutes on a laptop. Beyond the paper.

    Args:
        start: Checkpoint folder, weights file of one network, or the name `default`.
        out: Folder; OUT/refine/step-ROUNDS is for `wildpose export`.
        sets: As for `wildpose train`.
        lifted: Folder of depth labels for the sets with 2D labels (`wildpose lift`).
        crops: Augmented crops to learn from, two thirds of them with 3D labels.
        rounds: How often each is learnt from.
        views: Steps of 512 poses without pictures, from which it learns what depth goes with which places; 0: without.
        width: Of the refiner's layers.
        seed: Of weights, order and augmentation.
        threads: Of the processor; 0 leaves it to torch.
    """
    from wildpose.errors import InputError
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.refine import RefineSettings
    from wildpose.train.refine import refine as run
    from wildpose.train.threads import use_threads

    if min(crops, rounds, width) < 1:
        raise InputError("crops, rounds and width of at least 1", f"{crops}, {rounds}, {width}", "mend them")
    keep_freed_memory()
    use_threads(threads)
    places_width = RefineSettings.places_width if views else 0
    settings = RefineSettings(
        width=width, places_width=places_width, views=views, crops=crops, rounds=rounds, seed=seed
    )
    done = run(start, sets.load(lifted), out, settings)
    print(f"refined: {done}; next `wildpose export {done} --name NAME --out FILE.onnx`")
