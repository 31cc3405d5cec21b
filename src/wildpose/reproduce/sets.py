"""What runs are judged on: the sets that anyone can have, or the held-out parts of the training data."""

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
}
"""Sets without which a target has nothing to show."""
LICENSED: dict[Target, tuple[str, ...]] = {
    "table1": ("human36m", "mpii"),
    "table2": ("human36m", "mpii"),
    "table3": ("human36m", "mpii"),
    "table4": ("human36m", "mpii", "mpi_inf_3dhp"),
    "figure5": ("human36m", "mpii"),
}
"""Folders of --data-root that the paper's own version of a target needs."""
TERMS = {
    "human36m": "Human3.6M: register at http://vision.imar.ro/human3.6m",
    "mpii": "MPII Human Pose: http://human-pose.mpi-inf.mpg.de",
    "mpi_inf_3dhp": "MPI-INF-3DHP: https://vcai.mpi-inf.mpg.de/3dhp-dataset",
}


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


def check_licensed(root: Path, target: Target) -> None:
    """InputError that names the licensed sets which --data-root lacks, and where they come from."""
    missing = [name for name in LICENSED[target] if not (root / name).is_dir()]
    if missing:
        raise InputError(
            f"folders {', '.join(LICENSED[target])} in {root} for {target}",
            f"no {', no '.join(missing)}",
            "; ".join(TERMS[name] for name in missing) + "; or use --embedded",
        )
