"""wildpose refine: a pose refiner for a trained network."""

from itertools import chain
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg


def refine(
    start: Positional[Path],
    /,
    out: Path,
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    studio: Path | None = None,
    data_2d: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME=PATH[:RATIO]...")] = (),
    data_3d: Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME=PATH[:RATIO]...")] = (),
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
        lsp: As for `wildpose train`, like the sets below.
        lspet: Likewise.
        outdoor: Likewise, 2D labels only.
        studio: Likewise.
        data_2d: Likewise.
        data_3d: Likewise.
        lifted: Likewise.
        crops: Augmented crops to learn from, two thirds of them with 3D labels.
        rounds: How often each is learnt from.
        views: Steps of 512 poses without pictures, from which it learns what depth goes with which places; 0: without.
        width: Of the refiner's layers.
        seed: Of weights, order and augmentation.
        threads: Of the processor; 0 leaves it to torch.
    """
    from wildpose.data.kinds import KINDS_2D, KINDS_3D
    from wildpose.data.mix import build_data, parse_source
    from wildpose.errors import InputError
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.refine import RefineSettings
    from wildpose.train.refine import refine as run
    from wildpose.train.threads import use_threads

    if min(crops, rounds, width) < 1:
        raise InputError("crops, rounds and width of at least 1", f"{crops}, {rounds}, {width}", "mend them")
    keep_freed_memory()
    use_threads(threads)
    more_2d = [parse_source(text, KINDS_2D, "--data-2d") for text in chain(*data_2d)]
    more_3d = [parse_source(text, KINDS_3D, "--data-3d") for text in chain(*data_3d)]
    data = build_data(lsp, lspet, outdoor, studio, more_2d, more_3d, lifted)
    places_width = RefineSettings.places_width if views else 0
    settings = RefineSettings(
        width=width, places_width=places_width, views=views, crops=crops, rounds=rounds, seed=seed
    )
    done = run(start, data, out, settings)
    print(f"refined: {done}; next `wildpose export {done} --name NAME --out FILE.onnx`")
