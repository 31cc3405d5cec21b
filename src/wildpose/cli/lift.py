"""wildpose lift: depth labels for photos with 2D labels."""

from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg


def lift(
    start: Positional[Path],
    /,
    out: Path,
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    studio: Path | None = None,
    data_2d: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME=PATH[:RATIO]...")] = (),
    data_3d: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME=PATH[:RATIO]...")] = (),
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
        lsp: As for `wildpose train`, like the sets below.
        lspet: Likewise.
        outdoor: Likewise, 2D labels only.
        studio: Likewise.
        data_2d: Likewise.
        data_3d: Likewise.
        crops: Augmented crops that the network is asked about, two thirds of them with 3D labels.
        rounds: How often each is learnt from.
        views: Steps of 512 poses without pictures, seen by random cameras.
        width: Of the layers.
        seed: Of weights, views and augmentation.
        threads: Of the processor; 0 leaves it to torch.
    """
    from wildpose.data.kinds import KINDS_2D, KINDS_3D
    from wildpose.data.mix import build_data, parse_source
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
    more_2d = [parse_source(text, KINDS_2D, "--data-2d") for text in chain(*data_2d)]
    more_3d = [parse_source(text, KINDS_3D, "--data-3d") for text in chain(*data_3d)]
    data = build_data(lsp, lspet, outdoor, studio, more_2d, more_3d)
    settings = LiftSettings(width=width, crops=crops, rounds=rounds, views=views, seed=seed)
    done = run(start, data, out, settings)
    print(f"lifted: {done}; next `wildpose train pretrain-3d --lifted {done}` with the same sets")
