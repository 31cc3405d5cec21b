"""wildpose lift: depth labels for photos with 2D labels."""

from pathlib import Path

from tyro.conf import Positional

from wildpose.cli.sets import NO_SETS, SetFlags


def lift(
    start: Positional[Path],
    /,
    out: Path,
    sets: SetFlags = NO_SETS,
    crops: int = 72_000,
    rounds: int = 15,
    views: int = 6000,
    width: int = 512,
    seed: int = 0,
    threads: int = 0,
) -> None:
    """Say how deep the labelled joints in photos are, for `wildpose train --lifted`: so photos teach depth, too.

    Two small networks learn from rendered people what depth goes with joints whose places are known, and how far to
    believe a trained network, which stays as it is. Says what the labels are worth on held-out people. Beyond the
    paper.

    Args:
        start: Checkpoint folder, weights file of one network, or the name `default`.
        out: Folder; OUT/lifted holds the labels, a file for each set.
        sets: As for `wildpose train`.
        crops: Augmented crops that the network is asked about, two thirds of them with 3D labels.
        rounds: How often each is learnt from.
        views: Steps of 512 poses without pictures, seen by random cameras.
        width: Of the layers.
        seed: Of weights, views and augmentation.
        threads: Of the processor; 0 leaves it to torch.
    """
    from wildpose.errors import InputError
    from wildpose.train.lift import LiftSettings
    from wildpose.train.lift import lift as run
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads

    if min(crops, rounds, views, width) < 1:
        got = f"{crops}, {rounds}, {views}, {width}"
        raise InputError("crops, rounds, views and width of at least 1", got, "mend them")
    keep_freed_memory()
    use_threads(threads)
    settings = LiftSettings(width=width, crops=crops, rounds=rounds, views=views, seed=seed)
    done = run(start, sets.load(), out, settings)
    print(f"lifted: {done}; next `wildpose train pretrain-3d --lifted {done}` with the same sets")
