"""What runs are judged on if they're --embedded: the sets that anyone can have, or the held-out parts of the training
data."""

from functools import cache
from pathlib import Path

from wildpose.data.kinds import Rendered
from wildpose.data.mix import TrainData
from wildpose.errors import InputError
from wildpose.evaluate import evaluate_2d, evaluate_3d, evaluate_lsp, evaluate_studio, groupings
from wildpose.reproduce.queue import Judge
from wildpose.reproduce.rows import Target

NEEDED: dict[Target, tuple[str, ...]] = {
    "table1": ("studio",),
    "table2": ("studio",),
    "table3": ("photos",),
    "table4": ("outdoor",),
    "figure5": (),
    "poses": (),
    "diagnose": (),
}
"""Sets without which a target has nothing to show."""


def judges_on_tests(
    studio_test: Path | None, outdoor_test: Path | None, lsp: Path | None, rule: str, flip: bool
) -> tuple[Judge, ...]:
    """The test sets that there are: studio and outdoor, rendered, and LSP photos 1001-2000."""
    how = f"scale rule {rule}, flip {flip}"
    judges = []
    if studio_test:
        judge = Judge(
            "studio",
            f"studio test {studio_test.resolve()}, {how}",
            lambda model: evaluate_studio(model, studio_test, rule, flip),
        )
        judges.append(judge)
    if lsp:
        protocol = f"LSP test {lsp.resolve()}, flip {flip}"
        judges.append(Judge("photos", protocol, lambda model: evaluate_lsp(model, lsp, "test", flip)))
    if outdoor_test:
        judge = Judge(
            "outdoor",
            f"outdoor test {outdoor_test.resolve()}, {how}",
            lambda model: evaluate_studio(model, outdoor_test, rule, flip, kind="outdoor"),
        )
        judges.append(judge)
    return tuple(judges)


def held_out_judges(data: TrainData, rule: str, flip: bool) -> tuple[Judge, ...]:
    """The held-out parts of the training data: for choosing settings, which must not see a test set."""
    judges = []
    people = data.studio_val
    if isinstance(people, Rendered):
        by = cache(lambda: groupings(people.studio, people.rows))
        judge = Judge(
            "studio",
            f"held-out studio {people.studio.folder.resolve()}, scale rule {rule}, flip {flip}",
            lambda model: evaluate_3d(model, people, by(), "studio, held-out subject", rule, flip),
        )
        judges.append(judge)
    photos = data.wild_val
    if photos is not None:
        protocol = f"held-out photos, {len(photos)}, flip {flip}"
        judges.append(Judge("photos", protocol, lambda model: evaluate_2d(model, photos, "held-out photos", flip)))
    return tuple(judges)


def check_judges(judges: tuple[Judge, ...], target: Target) -> None:
    """InputError if the set that a target is about is not among those to be judged on."""
    flags = {"studio": "--studio-test", "photos": "--lsp", "outdoor": "--outdoor-test"}
    for name in NEEDED[target]:
        if name not in {judge.name for judge in judges}:
            raise InputError(f"{flags[name]} DIR to judge {target} on", "none", f"give {flags[name]}")
