"""Plots of a queue's results: runs by row, and validation curves (Figure 5)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wildpose.reproduce.results import Figures
from wildpose.reproduce.rows import Row
from wildpose.train.log import read_log


def draw_rows(figures: Figures, target: Path) -> Path:
    """A dot for each run's last column, a bar for each row's mean; crosses for the paper's where it has that column."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(7, 0.5 * len(figures.rows) + 1.4))
    names, main = list(figures.rows)[::-1], figures.mains[0]
    for place, name in enumerate(names):
        values = figures.rows[name][:, main]
        axis.plot(values, [place] * len(values), "o", color="tab:blue", alpha=0.5, label=None if place else "runs")
        axis.plot(
            [values.mean()] * 2, [place - 0.3, place + 0.3], "-", color="tab:blue", label=None if place else "mean"
        )
    axis.set(title=f"{figures.paper.name}: {figures.columns[main]}", xlabel=figures.ours, yticks=range(len(names)))
    axis.set_yticklabels(names)
    points = [
        (printed, place) for place, name in enumerate(names) if (printed := figures.printed(name, main)) is not None
    ]
    if points:
        paper = axis.twiny()
        paper.plot(*zip(*points, strict=True), "x", color="tab:red")
        paper.set_xlabel(f"x: {figures.paper.what}", color="tab:red")
    axis.grid(alpha=0.3)
    axis.legend()
    return _save(figure, target)


def draw_curves(logs: Mapping[Row, Sequence[Path]], target: Path, metric: str = "p1_mm") -> Path | None:
    """Figure 5: a validation figure over the steps, mean over seeds and the span between the least and the most.

    None where no log has that figure yet. Steps that not every seed has reached are left out.
    """
    found = {row: curve(paths, metric) for row, paths in logs.items()}
    found = {row: points for row, points in found.items() if len(points[0])}
    if not found:
        return None
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(6, 4))
    for row, (steps, values) in found.items():
        [line] = axis.plot(steps, values.mean(0), marker=".", label=row.name)
        axis.fill_between(steps, values.min(0), values.max(0), alpha=0.2, color=line.get_color())
    axis.set(title="Figure 5: on the people whom runs are watched on", xlabel="step", ylabel=metric)
    axis.grid(alpha=0.3)
    axis.legend()
    return _save(figure, target)


def curve(logs: Sequence[Path], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps, and values (seeds, steps), at the validations that all logs have."""
    lines = [
        {line["step"]: line[metric] for line in read_log(path) if line["kind"] == "validation" and metric in line}
        for path in logs
    ]
    lines = [line for line in lines if line]
    steps = sorted(set.intersection(*map(set, lines))) if lines else []
    return np.array(steps), np.array([[line[step] for step in steps] for line in lines])


def _pyplot():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _save(figure, target: Path) -> Path:
    figure.tight_layout()
    draft = target.with_name(f".{target.name}")
    figure.savefig(draft, dpi=90, format="png")
    _pyplot().close(figure)
    os.replace(draft, target)
    return target
