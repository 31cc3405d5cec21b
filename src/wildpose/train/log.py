"""The log of a run, `log.jsonl`: one line every few steps, one for each validation. Curves are drawn from it alone."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Log:
    """Appends lines; lines after `resume_step` (written by a run that was killed later) are dropped at the start."""

    def __init__(self, path: Path, resume_step: int):
        self.path = path
        kept = [line for line in read_log(path) if line["step"] <= resume_step]
        draft = path.with_suffix(".draft")
        draft.write_text("".join(json.dumps(line) + "\n" for line in kept))
        os.replace(draft, path)

    def write(self, kind: str, step: int, values: dict[str, Any]) -> None:
        rounded = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in values.items()}
        with self.path.open("a") as file:
            file.write(json.dumps({"kind": kind, "step": step, **rounded}) + "\n")


@dataclass
class Means:
    """Means of the values of the steps since the last line; kept in checkpoints, so that a resumed log is the same."""

    sums: dict[str, float] = field(default_factory=dict)
    steps: int = 0

    def add(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.steps += 1

    def take(self) -> dict[str, float]:
        means = {name: total / self.steps for name, total in self.sums.items()}
        self.sums, self.steps = {}, 0
        return means


class Pace:
    """How fast steps go, and what share of the time they wait for a batch."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.began, self.waited, self.steps = time.monotonic(), 0.0, 0

    def timed(self, batches: Iterable) -> Iterator:
        """The same, while it counts."""
        iterator = iter(batches)
        while True:
            asked = time.monotonic()
            batch = next(iterator, None)
            if batch is None:
                return
            self.waited += time.monotonic() - asked
            self.steps += 1
            yield batch

    def take(self, batch: int) -> dict[str, float]:
        """Images a second and share of waiting since the last call; `batch`: images a step."""
        elapsed = time.monotonic() - self.began
        speed = {"images_s": self.steps * batch / elapsed, "wait_share": self.waited / elapsed}
        self.restart()
        return speed


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines of a log; a last line cut off by a kill is left out."""
    lines = []
    for text in path.read_text().splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


PEOPLE = ("lsp_recall", "lspet_recall", "lsp_boxes", "lspet_boxes", "false_alarms")
LOSSES = ("heatmap", "depth", "g_adversarial", "d_real", "d_fake")


def draw_curves(run: Path) -> Path:
    """`curves.png` of a run's folder: losses, validation, and D's scores if there are any; or a detector's."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    lines = read_log(run / "log.jsonl")
    train = [line for line in lines if line["kind"] == "train"]
    validation = [line for line in lines if line["kind"] == "validation"]
    panels = [
        ("losses (unweighted)", train, (*LOSSES, "middle", "box"), "log"),
        ("validation", validation, ("pck", "p1_mm", "p2_mm"), "linear"),
        ("D's logits", train, ("score_real", "score_fake"), "linear"),
        ("at score 0.3", validation, PEOPLE, "linear"),
    ]
    panels = [p for p in panels if any(name in line for line in p[1] for name in p[2])]
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(5 * max(len(panels), 1), 3.6), squeeze=False)
    for axis, (title, rows, names, scale) in zip(axes[0], panels, strict=False):
        for name in names:
            points = [(row["step"], row[name]) for row in rows if name in row and (scale == "linear" or row[name] > 0)]
            if points:
                axis.plot(*zip(*points, strict=True), label=name, marker="." if len(points) < 40 else None)
        axis.set(title=title, xlabel="step", yscale=scale)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    target = run / "curves.png"
    draft = run / ".curves.png"
    figure.savefig(draft, dpi=90, format="png")
    plt.close(figure)
    os.replace(draft, target)
    return target
