"""`wildpose merge`: one network from several trainings that began alike."""

from pathlib import Path

from tyro.conf import Positional


def merge(parts: Positional[tuple[Path, ...]], /, out: Path) -> None:
    """Average the weights of networks that were trained on from the same start, with other seeds or data.

    Two trainings, each on one thread, and their mean: often better than either, here as good as the better one
    (docs/training.md), and as fast as one. Without a refiner; `wildpose refine` comes next. Beyond the paper.

    Args:
        parts: Checkpoint folders, two or more.
        out: Folder; OUT/merge/step-NNNNNN is for `wildpose refine`, `train --init` and `export`.
    """
    from wildpose.train.merge import merge as run

    done = run(parts, out)
    print(f"merged: {done}; next `wildpose refine {done} --out {out}` with the training's data")
