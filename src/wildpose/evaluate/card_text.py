"""What a model card says in words, and how it sets its tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wildpose.report import Table

MISSING = "**not measured** (`{flag}`)"
SETS = {"lsp": "LSP test, photos", "studio": "studio test, rendered", "outdoor": "outdoor test, rendered"}

INTENDED = """## What it is for, and what not

For the posture and movement of people in photos and videos, where an error of some centimetres in a joint and now and
then a wrong leg do no harm: sport and dance by way of illustration, drafts of animations, counting repetitions,
research on the method.

Not for identifying or watching people, not for medical or ergonomic judgements about one person, not where somebody's
safety hangs on it. It knows nothing of faces. Its rendered people were adults of 1.50 to 2.00 m with all their limbs:
children, people in wheelchairs, with prostheses or with amputations were not among them, and nobody counted them in the
photos."""

CROWD = """{count:,} pictures of {subjects} (`wildpose data outdoor --split train --seed {seed}`), those that show the
person whole. Training saw other pictures of these bodies, in clothes of the same making, so that the level is better
than for strangers; the differences between groups are what the table is for. Percent and mm, scale rule {scale_rule};
`P2 +-`: 95 % of the mean, as if every picture were of another person; groups by the rules in [studio.md](studio.md)."""

GROUPS = """Errors in mm grow with the body: tall people's are larger for that alone.

What this can't show: skin, build, clothes and light are drawn independently here, and they aren't in the world; nobody
here has a body mass index above 31; the photos that it learnt from are not labelled by skin tone, and nobody has
counted who is in them. Equal figures here say that the renderer's skin doesn't mislead the network, not that it treats
all people in photos alike."""

FAILURES = """On the same pictures, by the first that fits. *Left and right confused*: at least two joints more would be
right under the other side's name. *Lost*: fewer than half of the joints within 0.2 torso diameters. *Wrong in depth*:
four of five joints found, P2 150 mm or more. The picture shows the worst of each kind (at most two of an activity):
left what was found, right the truth."""

LIMITS = """## Limits

- One picture says nothing about size: mm are those of a mean adult unless a stature is given.
- The 3D that it learnt from is rendered; rendered test people come from the same renderer, which flatters the figures.
- Boxes are given in every figure here. With people found by itself: [detector.md](detector.md).
- Confidence is the height of a heatmap's peak, not a probability."""


def markdown(columns: Sequence[str], rows: Sequence[tuple[str, Any]], digits: int = 1) -> list[str]:
    """A table: of each row its name, then text or a tuple of numbers; `-` where nothing could be counted."""
    numbers = bool(rows) and not isinstance(rows[0][1], str)
    lines = [f"| {' | '.join(columns)} |", "| --- |" + (" ---: |" if numbers else " --- |") * (len(columns) - 1)]
    for name, values in rows:
        cells = [values] if isinstance(values, str) else [_number(value, digits) for value in values]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _number(value: float | int, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"


def transposed(what: str, columns: dict[str, tuple[Table, str]]) -> list[str]:
    """Rows of several tables with the same headings as the columns of one; the last heading is the whole."""
    first = next(iter(columns.values()))[0]
    rows = []
    for i, heading in enumerate(first.columns):
        last = i == len(first.columns) - 1
        rows.append(("**all**" if last else heading, tuple(table.rows[row][i] for table, row in columns.values())))
    return markdown((what, *columns), rows)


def training(told: dict[str, Any], notes: str) -> list[str]:
    """Data with terms and the phases, from what the file says of itself; then the notes."""
    data = [
        (
            ", ".join(str(entry[key]) for key in ("name", "labels") if key in entry),
            f"{entry['samples']:,} | {entry['terms']}",
        )
        for entry in told.get("training_data", ())
    ]
    steps = [
        (f"{i + 1}. {phase['phase']}", f"{phase['steps']:,} | {phase['batch']} | {phase['steps'] * phase['batch']:,}")
        for i, phase in enumerate(told.get("history", ()))
    ]
    seen = [phase for phase in told.get("history", ()) if phase["phase"] != "refine"]  # it goes over kept answers
    total = samples_seen(seen)
    return [
        "## What it learnt from",
        "",
        *markdown(("data", "samples", "terms"), data),
        "",
        "The photos are neither in the package nor in this repository. What else went into the renderings: "
        "[NOTICE](../NOTICE).",
        "",
        *markdown(("phase", "steps", "batch", "samples"), steps),
        "",
        f"{total:,} samples in all"
        + ("." if len(seen) == len(steps) else "; the refiner saw no pictures, but what the network said of some."),
        "",
        notes.strip() or "**Training cost in core-hours: not stated** (`--notes FILE`).",
    ]


def samples_seen(history: Sequence[dict[str, Any]]) -> int:
    """Steps times batch of all phases; what several networks of a mean went through together counts once: runs by
    their names, those without any where networks are alike from the start."""
    total, pasts, runs = 0, set(), {}
    for network in dict.fromkeys(phase.get("network") for phase in history):
        past = ()
        for phase in (phase for phase in history if phase.get("network") == network):
            past += (tuple(sorted((key, value) for key, value in phase.items() if key != "network")),)
            samples = phase["steps"] * phase["batch"]
            if "run" in phase:  # a branch may have left it earlier
                runs[phase["run"]] = max(samples, runs.get(phase["run"], 0))
            elif past not in pasts:
                total += samples
            pasts.add(past)
    return total + sum(runs.values())


def groups_verdict(groups: Table, numbers: dict[str, float]) -> list[str]:
    """For each way to divide people: the two ends, and how often shuffled labels lie as far apart."""
    p2, images = groups.columns.index("P2"), groups.columns.index("images")
    lines = []
    for key, chance in numbers.items():
        if not key.startswith("chance_percent/"):
            continue
        by = key.removeprefix("chance_percent/")
        rows = [(name.partition(": ")[2], row) for name, row in groups.rows.items() if name.startswith(f"{by}: ")]
        best, worst = min(rows, key=lambda r: r[1][p2]), max(rows, key=lambda r: r[1][p2])
        clear = "more than chance" if chance < 1 else "perhaps chance" if chance < 10 else "no more than chance"
        lines.append(
            f"- {by}: P2 from {best[1][p2]:.1f} mm ({best[0]}, {best[1][images]} images) to {worst[1][p2]:.1f} mm "
            f"({worst[0]}, {worst[1][images]}); groups of shuffled pictures differ as much in {chance:.1f} % of 2,000 "
            f"trials: {clear}."
        )
    return ["Whether groups differ, by P2:", "", *lines]
