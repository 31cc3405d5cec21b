"""Ours beside the paper's: means and deviations over seeds, differences to Baseline in pairs, as Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wildpose.reproduce.paper import PaperTable, of_row, shared_columns
from wildpose.reproduce.queue import Outcome
from wildpose.reproduce.rows import BASELINE, PRETRAIN, Row


@dataclass(frozen=True)
class Figures:
    """One table as our runs fill it."""

    paper: PaperTable
    """What it stands beside."""
    ours: str
    """What ours counts: set, count, protocol, scale rule."""
    columns: tuple[str, ...]
    rows: dict[str, np.ndarray]
    """Row -> (seeds, columns); rows that aren't trained have one seed."""
    seeds: dict[str, tuple[int, ...]]
    """Row -> the seeds of its rows."""
    mains: tuple[int, ...] = (-1,)
    """The columns that the paper's claim is about: differences are of these, plots of the first."""

    @property
    def shared(self) -> tuple[int | None, ...]:
        """The paper's column for each of ours, so that the figures can stand side by side."""
        return shared_columns(self.paper, self.columns)

    def printed(self, row: str, column: int) -> float | None:
        """The paper's figure for a column of one of our rows; None where it has none."""
        found, place = of_row(self.paper, row), self.shared[column]
        return None if found is None or place is None else found[place]


def figures_of(
    outcomes: Sequence[Outcome], rows: Sequence[Row], paper: PaperTable, which: str, title: str, table_row: str = ""
) -> Figures | None:
    """From the reports on set `which`: the row `table_row` (or the first) of the first table whose title contains
    `title`; None if no run was judged on that set, or so."""
    found: dict[str, list[list[float]]] = {}
    seeds: dict[str, list[int]] = {}
    columns: tuple[str, ...] = ()
    ours = ""
    for row in rows:
        for outcome in outcomes:
            if outcome.row != row or which not in outcome.reports:
                continue
            table = next((t for t in outcome.reports[which]["tables"] if title in t["title"]), None)
            if table is None:
                continue
            line = table["rows"][table_row or next(iter(table["rows"]))]
            columns, ours = tuple(table["columns"]), table["title"]
            found.setdefault(row.name, []).append([_number(v) for v in line])
            seeds.setdefault(row.name, []).append(outcome.seed)
    if not found:
        return None
    return Figures(
        paper, ours, columns, {n: np.array(v) for n, v in found.items()}, {n: tuple(v) for n, v in seeds.items()}
    )


def stacked(first: Figures, second: Figures, names: tuple[str, str]) -> Figures:
    """The last column of two tables of the same runs side by side (PCK and AUC)."""
    rows = {name: np.stack([first.rows[name][:, -1], second.rows[name][:, -1]], 1) for name in first.rows}
    return Figures(first.paper, first.ours, names, rows, first.seeds, mains=(0, 1))


def section(figures: Figures) -> str:
    """A table of ours beside the paper's, and the differences to Baseline."""
    paper, lines = figures.paper, []
    places = figures.shared
    header = [c if place is None else f"{c} (paper)" for c, place in zip(figures.columns, places, strict=True)]
    body = []
    for name, values in figures.rows.items():
        theirs = of_row(paper, name)
        printed = [None if theirs is None or place is None else theirs[place] for place in places]
        body.append([name, str(len(values)), *map(_cell, values.T, printed)])
    lines.append(markdown(["row", "runs", *header], body))
    if None in places and paper.rows:
        kept = {name: row for name, row in paper.rows.items() if "Ours" in name or name in figures.rows}
        lines += ["", "The paper's, whose columns are others:", ""]
        lines.append(markdown(["row", *paper.columns], [[n, *map(_plain, v)] for n, v in kept.items()]))
    for main in figures.mains:
        differences = _differences(figures, main)
        if differences:
            lines += ["", f"{figures.columns[main]} against Baseline, in pairs of equal seeds:", "", differences]
    head = f"## {paper.name}\n\nOurs: {figures.ours}; mean ± standard deviation over seeds. Paper: {paper.what}.\n"
    return "\n".join([head, *lines, ""])


@dataclass(frozen=True)
class Difference:
    """A row minus Baseline in one column, seed by seed."""

    mean: float
    deviation: float
    low: float
    """95 % interval of the mean (Student's t over the seeds); infinite for one seed."""
    high: float
    better: int
    """Seeds in which the row is better than Baseline."""
    pairs: int


def difference_to_baseline(figures: Figures, name: str, column: int) -> Difference | None:
    """None where no seed of the row has its Baseline."""
    if name == BASELINE.name or BASELINE.name not in figures.rows or name not in figures.rows:
        return None
    base = dict(zip(figures.seeds[BASELINE.name], figures.rows[BASELINE.name][:, column], strict=True))
    mine = dict(zip(figures.seeds[name], figures.rows[name][:, column], strict=True))
    pairs = np.array([mine[seed] - base[seed] for seed in mine if seed in base])
    if not len(pairs):
        return None
    half = math.inf
    deviation = float(pairs.std(ddof=1)) if len(pairs) > 1 else math.nan
    if len(pairs) > 1:
        from scipy.stats import t

        half = float(t.ppf(0.975, len(pairs) - 1)) * deviation / math.sqrt(len(pairs))
    better = int((pairs < 0).sum() if figures.paper.lower_is_better else (pairs > 0).sum())
    mean = float(pairs.mean())
    return Difference(mean, deviation, mean - half, mean + half, better, len(pairs))


def _differences(figures: Figures, column: int) -> str:
    body = []
    base = figures.printed(BASELINE.name, column)
    for name in figures.rows:
        found = (
            None if name == PRETRAIN.name else difference_to_baseline(figures, name, column)
        )  # the start has no seed
        if found is None:
            continue
        printed = figures.printed(name, column)
        theirs = "-" if printed is None or base is None else f"{printed - base:+.1f}"
        interval = f"{found.low:+.2f} to {found.high:+.2f}" if math.isfinite(found.low) else "-"
        spread = f" ± {found.deviation:.2f}" if found.pairs > 1 else ""
        body.append([name, f"{found.mean:+.2f}{spread}", interval, f"{found.better} of {found.pairs}", theirs])
    head = ["row", "difference", "95 % interval (t)", "seeds in which it is better", "the paper's difference"]
    return markdown(head, body) if body else ""


def markdown(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned so that it reads on a terminal too."""
    widths = [max(len(row[i]) for row in (header, *body)) for i in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    rows = [[header[0].ljust(widths[0]), *map(str.rjust, header[1:], widths[1:])], rule]
    rows += [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(values: np.ndarray, printed: float | None) -> str:
    if np.isnan(values).all():
        ours = "-"
    else:
        ours = f"{values.mean():.1f}" + (f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else "")
    return ours if printed is None else f"{ours} ({_plain(printed)})"


def _plain(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
