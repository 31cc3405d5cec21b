"""What the discriminators of a queue have learnt, on people whom nothing was trained on: do they tell true poses from
predictions, by which source, which false poses do they notice, and how hard do they pull beside the labels?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.reproduce.adversary import (
    Adversary,
    Seen,
    above,
    asked_by_discriminator,
    asked_by_labels,
    evidence_of,
    evidence_of_fake,
    evidence_of_truth,
    false_poses,
    first,
    load_adversary,
    norms,
    noticed,
    score,
    see,
    separation,
)
from wildpose.reproduce.results import markdown
from wildpose.train.checkpoint import latest_checkpoint

PEOPLE = 200
"""Held-out people of either kind that are looked at."""
GRADIENT_PEOPLE = 32
"""Of them, those whose gradients are taken."""

HEAD = """# What the discriminators learnt

Written by `wildpose reproduce diagnose`. {studio} held-out people with 3D labels (true and predicted poses) and {wild}
held-out photos (predictions only); networks in evaluation mode, upright crops.
"""
SCORES = """
## Scores

D's logits, mean ± deviation over the people; `> 0`: share that D takes for true, percent; `real above fake`: percent of
all pairs, 50 if D can't tell. Under `hidden` the same with one source replaced by its mean over all of them.

"""
FALSE = """
## Which false poses D notices

Percent of the people with 3D labels of whom the changed pose scores below their own true pose; 50: D is blind to it.

"""
PULL = """
## What D asks of G

Euclidean norm of the gradient into a person's heatmaps of the last stack and depths, mean over {people} people: L_pose
as weighted in training, and the adversarial term times lambda (of Baseline, whose lambda is 0, times 1). Predictions of
photos have no labelled depth: there D is the only one that pulls.

"""


@dataclass(frozen=True)
class Patient:
    """A run, its networks, and the people they see."""

    name: str
    adversary: Adversary
    studio: Seen
    wild: Seen


def diagnose(out: Path, data: TrainData) -> str:
    """Write OUT/diagnosis.md for all runs of a queue that have a checkpoint, and return it.

    Raises InputError if there is none, or the data has no held-out part of either kind.
    """
    if data.studio_val is None or data.wild_val is None:
        got = "no held-out people with 3D labels" if data.studio_val is None else "no held-out photos"
        raise InputError("held-out people with 3D labels and held-out photos", got, "give --studio and --lsp")
    runs = [(path, latest_checkpoint(path.parent / "adversarial")) for path in sorted(out.glob("runs/*/*/run.json"))]
    runs = [(path, checkpoint) for path, checkpoint in runs if checkpoint is not None]
    if not runs:
        raise InputError(f"trained runs in {out}", "none", "run `wildpose reproduce table2` there first")
    scores, falsified, pulls, counts = [], [], [], (0, 0)
    for path, checkpoint in runs:
        adversary = load_adversary(checkpoint)
        studio, wild = (see(adversary, samples, PEOPLE) for samples in (data.studio_val, data.wild_val))
        name = (
            f"{json.loads(path.read_text())['row']}, {path.parent.name}, step {checkpoint.name.removeprefix('step-')}"
        )
        patient, counts = Patient(name, adversary, studio, wild), (len(studio), len(wild))
        scores.append(_scores(patient))
        falsified.append(_falsified(patient))
        pulls += _pulls(patient)
    text = HEAD.format(studio=counts[0], wild=counts[1]) + SCORES + _table(scores) + "\n" + FALSE + _table(falsified)
    text += "\n" + PULL.format(people=GRADIENT_PEOPLE) + _table(pulls) + "\n"
    (out / "diagnosis.md").write_text(text)
    return text


def _scores(of: Patient) -> dict[str, str]:
    real = score(of.adversary, of.studio.batch.crops_rgb, evidence_of_truth(of.adversary, of.studio))
    cells = {"run": of.name, "real": _spread(real), "> 0": _percent(real)}
    for name, seen in (("studio", of.studio), ("photos", of.wild)):
        fake = score(of.adversary, seen.batch.crops_rgb, evidence_of_fake(of.adversary, seen))
        cells |= {f"fake, {name}": _spread(fake), f"{name} > 0": _percent(fake)}
        cells[f"real above fake, {name}"] = f"{above(real, fake):.1f}"
        for source in ("image", "geometry", "maps"):
            looks = source in of.adversary.config.discriminator.sources
            found = separation(of.adversary, of.studio, seen, source) if looks else None
            cells[f"{name}, {source} hidden"] = "-" if found is None else f"{found:.1f}"
    return cells


def _falsified(of: Patient) -> dict[str, str]:
    batch = of.studio.batch
    true = score(of.adversary, batch.crops_rgb, evidence_of_truth(of.adversary, of.studio))
    cells = {"run": of.name}
    for name, (heatmaps, depth) in false_poses((batch.heatmaps, batch.depth)).items():
        shown = evidence_of(of.adversary, (heatmaps, depth))
        cells[name] = f"{noticed(true, score(of.adversary, batch.crops_rgb, shown)):.1f}"
    return cells


def _pulls(of: Patient) -> list[dict[str, str]]:
    weight = of.adversary.config.adversarial_loss.weight or 1.0
    found = []
    for name, seen in (("studio", first(of.studio, GRADIENT_PEOPLE)), ("photos", first(of.wild, GRADIENT_PEOPLE))):
        ways = {
            "L_pose": norms(asked_by_labels(of.adversary, seen)),
            "D": norms(asked_by_discriminator(of.adversary, seen)),
            "D by geometry": norms(asked_by_discriminator(of.adversary, seen, ("geometry",))),
            "D by maps": norms(asked_by_discriminator(of.adversary, seen, ("maps",))),
        }
        cells = {"run": f"{of.name}, {name}", "lambda": f"{weight:g}"}
        for i, into in enumerate(("heatmaps", "depth")):
            cells |= {
                f"{way}, {into}": f"{pull[i] * (1.0 if way == 'L_pose' else weight):.2g}" for way, pull in ways.items()
            }
        found.append(cells)
    return found


def _table(rows: Sequence[dict[str, str]]) -> str:
    return markdown(list(rows[0]), [list(row.values()) for row in rows])


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ± {values.std():.2f}"


def _percent(values: np.ndarray) -> str:
    return f"{100 * (values > 0).mean():.0f}"
