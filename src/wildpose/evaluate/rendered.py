"""The tables of rendered sets: per action as in the paper, and per group of people where a set records who they are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from wildpose import metrics
from wildpose.data.kinds import VALIDATION_IMAGES, VALIDATION_SUBJECT, Rendered
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.evaluate.poses import Model
from wildpose.evaluate.three_d import Judged, judge, report_3d
from wildpose.report import Report, Table
from wildpose.studio import people
from wildpose.studio import protocol as sets
from wildpose.tables import LSP_JOINTS, Grouping

Split = Literal["test", "train", "val"]
"""train: of a training set the people whom the picture shows whole; val: held out of training to watch it (S8)."""
GROUP_COLUMNS = ("2D PCK@0.2", "P1", "P2", "P2 +-", "PCK150", "images", "people")


def evaluate_studio(
    model: Model,
    studio_dir: str | Path,
    scale_rule: str = "train-mean",
    flip: bool = False,
    kind: str = "studio",
    split: Split = "test",
) -> Report:
    """Protocols #1 and #2 on images of a rendered set of that kind, with the floor of the protocol; per group of people
    where the set records them.

    Raises InputError if the set is not there, incomplete, of another kind, or has no image of that split.
    """
    rendered, which = open_split(studio_dir, kind, split)
    return judge_rendered(model, rendered, which, scale_rule, flip, split)[0]


def open_split(studio_dir: str | Path, kind: str, split: Split) -> tuple[StudioSet, np.ndarray]:
    """A rendered set and the numbers of a split's images. InputError if there are none."""
    rendered = StudioSet(studio_dir)
    found = rendered.manifest["kind"]
    if found != kind:
        raise InputError(f"a rendered set of kind {kind} in {studio_dir}", found, f"say --data {found}")
    of = {
        "test": rendered.split == "test",
        "train": (rendered.split == "train") & rendered.in_image.all(1),
        "val": (rendered.split == "train") & (rendered.subject == VALIDATION_SUBJECT),
    }
    which = np.flatnonzero(of[split])
    if not len(which):
        have = ", ".join(sorted(set(rendered.split.tolist()))) or "none"
        raise InputError(f"images of split {split} in {studio_dir}", f"splits {have}", f"render its {split} split")
    return rendered, which[:VALIDATION_IMAGES] if split == "val" else which


def judge_rendered(
    model: Model, rendered: StudioSet, which: np.ndarray, scale_rule: str, flip: bool, split: Split
) -> tuple[Report, Judged]:
    """The report on some images of a rendered set, and what it was made of."""
    kind, seed = rendered.manifest["kind"], rendered.manifest["seed"]
    judged = judge(model, Rendered(rendered, which), scale_rule, flip)
    name = {"test": f"{kind} test", "train": f"{kind} train split, whole people", "val": f"{kind} validation"}[split]
    further = (groups_table(judged, rendered, which, name),) if rendered.traits else ()
    report = report_3d(judged, groupings(rendered, which), name, further)
    if rendered.traits:
        by = people_groupings(rendered, which)
        chance = {f"chance_percent/{each.name}": chance_percent(judged, each) for each in by}
        report = replace(report, metrics=report.metrics | chance)
    subjects = sorted(set(rendered.subject[which].tolist()))
    who = ", ".join(subjects) if len(subjects) <= 12 else f"{len(subjects)} people"
    cameras = len(set(rendered.camera[which].tolist()))
    return replace(report, protocol=report.protocol | {"subjects": who, "cameras": cameras, "seed": seed}), judged


def groupings(rendered: StudioSet, rows: np.ndarray) -> tuple[Grouping, ...]:
    """How the tables of a rendered set are divided: studio by Human3.6M's fifteen actions, here our own fifteen;
    outdoor by MPI-INF-3DHP's seven activities and by kind of scene."""
    labels = rendered.action[rows]
    if rendered.manifest["kind"] == "studio":
        return (Grouping("action", labels, sets.ACTION_NAMES),)
    return (
        Grouping("activity", labels, tuple(sets.ACTIVITIES)),
        Grouping("scene", rendered.scene[rows], sets.SCENES),
    )


def people_groupings(rendered: StudioSet, rows: np.ndarray) -> Iterator[Grouping]:
    """By skin tone, build, stature, age and sex (wildpose.studio.people)."""
    told = {name: values[rows] for name, values in rendered.traits.items()}
    statures = np.array([people.below(people.STATURES, float(mm)) for mm in told["stature_mm"]])
    yield Grouping("skin tone", told["skin_tone"], tuple(people.SKIN_TONES))
    yield Grouping("build", told["build"], tuple(people.BUILDS))
    yield Grouping("stature", statures, tuple(people.STATURES))
    yield Grouping("age", told["age"], tuple(people.AGES))
    yield Grouping("sex", told["sex"], people.SEXES)


def groups_table(judged: Judged, rendered: StudioSet, rows: np.ndarray, name: str) -> Table:
    """The errors of each group of people, a row each."""
    scale_rule = judged.protocol["scale_rule"]
    title = f"{name}: per group of people, percent and mm, {len(rows)} images, scale rule {scale_rule}; +-: 95 % of P2"
    by, subjects = people_groupings(rendered, rows), rendered.subject[rows]
    return Table(title, GROUP_COLUMNS, {k: row for g in by for k, row in group_rows(judged, g, subjects).items()})


def chance_percent(judged: Judged, by: Grouping, shuffles: int = 2000) -> float:
    """How often groups made by shuffling the labels over the images differ in P2 at least as much as these, percent.

    Measured by the variance of the groups' means, weighted by their images.
    """
    p2, shares = judged.aligned().mean(1), np.array([(by.labels == group) for group in by.columns], float)
    shares = shares[shares.any(1)] / shares[shares.any(1)].sum(1, keepdims=True)
    counts = 1 / shares.max(1)

    def spread(values: np.ndarray) -> float:
        return float(counts @ (shares @ values - values.mean()) ** 2)

    rng = np.random.default_rng(0)
    least = spread(p2) * (1 - 1e-9)  # sums in another order may differ in the last digit
    return 100 * float(np.mean([spread(rng.permutation(p2)) >= least for _ in range(shuffles)]))


def group_rows(judged: Judged, by: Grouping, subjects: np.ndarray) -> dict[str, tuple[float | int, ...]]:
    """GROUP_COLUMNS of every group that has images.

    `P2 +-` is 1.96 standard errors over the images: pictures of one person count as if they were of several, so that
    it is too small where a group has few people.
    """
    p1, p2 = judged.errors(), judged.aligned().mean(1)
    rows: dict[str, tuple[float | int, ...]] = {}
    for group in by.columns:
        mine = by.labels == group
        count = int(mine.sum())
        if not count:
            continue
        truth = judged.truth
        seen = metrics.pck_torso(judged.found.joints_px[mine], truth.joints_px[mine], truth.mask[mine])
        spread = 1.96 * float(p2[mine].std(ddof=1)) / count**0.5 if count > 1 else float("nan")
        rows[f"{by.name}: {group}"] = (
            *(float(np.nanmean(seen)), float(p1[mine].mean()), float(p2[mine].mean()), spread),
            *(metrics.pck3d(p1[mine][:, LSP_JOINTS]), count, len(set(subjects[mine].tolist()))),
        )
    return rows
