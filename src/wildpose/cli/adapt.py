"""`wildpose adapt`: the shipped network, taught by a user's own photos."""

import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from wildpose.cli.outputs import check_file
from wildpose.errors import InputError


def adapt(
    photos: Positional[Path],
    /,
    out: Path,
    labels: Path | None = None,
    outdoor: Path | None = None,
    studio: Path | None = None,
    unlabelled: Path | None = None,
    weights: Path = Path("default"),
    steps: int | None = None,
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE")] = (),
    threads: int = 0,
) -> None:
    """Teach the network your own kind of photos: 2D labels are enough, the 3D comes from rendered people. Without any
    labels it tries, by the discriminator alone; that helped weights far from the photos, others not (docs/adapt.md).

    Phase 3 of the paper: what is predicted for your photos has to agree with the labels, and a discriminator must not
    tell it from what is predicted for rendered people. A fifth of the photos is held out; what is better or worse there
    is said in the end. Run the same command again to go on after a kill or Ctrl-C. Nothing leaves the machine.

    Args:
        photos: Folder that the labels' file names start from; without labels, the people that are found in its photos
            count for the discriminator alone.
        out: Weights file to write, *.onnx; the folder *.adapt beside it gets report, picture, curves, checkpoints.
        labels: COCO keypoints JSON, as labelling tools write it.
        outdoor: Rendered people with 3D labels (`wildpose data outdoor`); without it some are rendered first.
        studio: More of them (`wildpose data studio`), mixed in; a person in it is held out and judged.
        unlabelled: Beside --labels, a folder of further photos without any.
        weights: What to start from: an .onnx file of one network, or the name `default`.
        steps: Optimiser steps.
        set: Settings to change, such as --set adversarial_loss.weight=1e-3.
        threads: Of the processor; 0 leaves it to torch.
    """
    if out.suffix != ".onnx":
        raise InputError("--out FILE.onnx", f"{out}", "name a weights file to write")
    if unlabelled is not None and labels is None:
        raise InputError("--labels FILE beside --unlabelled", "none", "name that folder in place of PHOTOS")
    if steps is not None and steps < 1:
        raise InputError("--steps of 1 or more", str(steps), "mend --steps")
    check_file(out)
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads

    keep_freed_memory()
    use_threads(threads)  # before what imports numba
    from wildpose.adapt.run import Task, adapt_weights
    from wildpose.adapt.settings import settings
    from wildpose.cli.train import check_sizes
    from wildpose.train.guard import Interrupted
    from wildpose.train.start import read_start
    from wildpose.train.state import check_sides

    config = settings(read_start(weights).model, steps, set)
    check_sizes(config)
    check_sides(config)
    task = Task(photos, labels, out, weights, outdoor, studio, unlabelled)
    check_file(task.folder / "run.json")
    try:
        report = adapt_weights(task, config)
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        raise SystemExit(128 + stop.number) from None
    print(report.text())
    print(f"\nweights: {out}; {conclusion(str(report.protocol['verdict']))}")
    print(f"report, picture of held-out people before and after, curves: {task.folder}")


def conclusion(verdict: str) -> str:
    """What the verdict means for who has to choose between two files."""
    from wildpose.adapt.judge import NOT_JUDGED

    return {
        "better": "better than before on the held-out photos",
        "worse": "WORSE than before on the held-out photos: keep the weights you had",
        NOT_JUDGED: "without labels nobody can tell whether they are better: look at before-after.jpg",
    }.get(verdict, "no clear difference on the held-out photos: label more, or keep the weights you had")
