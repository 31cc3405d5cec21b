"""`wildpose reproduce` in a process of its own, on sets and a network small enough for a test, killed where asked."""

import os
import signal
from pathlib import Path

from made_up_people import People, write_rendered

TINY = (
    *("model.features=16", "model.input_px=32", "model.levels=2", "model.depth_stages=2", "batch=4"),
    *("discriminator.embedding=8", "discriminator.hidden=16", "adversarial_loss.weight=0.1"),
    *("pretrain_2d.steps=1", "pretrain_3d.steps=1", "pretrain_3d.batch_3d=2", "adversarial.batch_3d=2"),
    *("adversarial.lr=0.01", "log_every=1", "validate_every=100"),
)


def made_sets(folder: Path) -> list[str]:
    """Black pictures with truth, as training and test sets; returns the flags that name them."""
    sets = {
        "studio": ("studio", "train"),
        "studio-test": ("studio", "test"),
        "outdoor": ("outdoor", "train"),
        "outdoor-test": ("outdoor", "test"),
    }
    flags = []
    for seed, (name, (kind, split)) in enumerate(sets.items()):
        actions = ("Walking", "Sitting") if kind == "studio" else ("Sports", "Misc")
        write_rendered(folder / name, People(n=6, seed=seed), kind, (split,), actions, ("indoor",))
        flags += [f"--{name}", str(folder / name)]
    return flags


def command(target: str, out: Path, *flags: str) -> list[str]:
    return ["reproduce", target, "--embedded", "--out", str(out), *flags, "--preset", "smoke", "--set", *TINY]


def reproduce(args: list[str], kill_at_write: int = 0) -> None:
    """The command; the process kills itself half-way through the file of that number, checkpoints' and own counted."""
    import torch

    from wildpose.cli import main
    from wildpose.reproduce import queue
    from wildpose.train import checkpoint, loop

    torch.set_num_threads(1)
    loop.draw_curves = lambda folder: folder  # takes longer than all else here
    count = [0]

    def counted(write):
        def wrapped(path, content):
            count[0] += 1
            if count[0] == kill_at_write:
                path.with_name(f".{path.name}.0").write_text("half")
                os.kill(os.getpid(), signal.SIGKILL)
            write(path, content)

        return wrapped

    checkpoint._write, queue._write = counted(checkpoint._write), counted(queue._write)
    main(args)
