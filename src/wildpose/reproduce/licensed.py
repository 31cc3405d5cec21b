"""The paper's own sets: Human3.6M, MPII, MPI-INF-3DHP. Never shipped: everyone has to ask for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from wildpose.data.human36m import SUBJECTS, find_human36m, load_human36m, usual_stride
from wildpose.data.mix import Source, TrainData, build_data
from wildpose.data.mpi_inf_3dhp import find_test_sequences, load_mpi_inf_3dhp
from wildpose.data.mpii import find_mpii, load_mpii_validation
from wildpose.errors import InputError
from wildpose.evaluate import evaluate_human36m, evaluate_mpi_inf_3dhp, evaluate_mpii
from wildpose.reproduce.queue import Judge
from wildpose.reproduce.rows import Target

LICENSED: dict[Target, tuple[str, ...]] = {
    "table1": ("human36m", "mpii"),
    "table2": ("human36m", "mpii"),
    "table3": ("human36m", "mpii"),
    "table4": ("human36m", "mpii", "mpi_inf_3dhp"),
    "figure5": ("human36m", "mpii"),
    "poses": ("human36m", "mpii"),
    "diagnose": ("human36m", "mpii"),
}
"""Folders of --data-root that a target needs. All train on Human3.6M and MPII, half and half."""
TERMS = {
    "human36m": "Human3.6M: register at http://vision.imar.ro/human3.6m",
    "mpii": "MPII Human Pose: http://human-pose.mpi-inf.mpg.de",
    "mpi_inf_3dhp": "MPI-INF-3DHP: https://vcai.mpi-inf.mpg.de/3dhp-dataset",
}
FIND: dict[str, Callable[[Path], dict]] = {
    "human36m": find_human36m,
    "mpii": find_mpii,
    "mpi_inf_3dhp": find_test_sequences,
}


def check_licensed(root: Path, target: Target) -> None:
    """InputError that names the licensed sets which --data-root lacks, and where they come from."""
    missing = [name for name in LICENSED[target] if not FIND[name](root / name)]
    if missing:
        empty = [name for name in missing if (root / name).is_dir()]
        got = [f"no annotations in {name}" if name in empty else f"no {name}" for name in missing]
        look = f"`wildpose data doctor {root}` says what is there; " if empty else ""
        raise InputError(
            f"folders {', '.join(LICENSED[target])} in {root} for {target}",
            ", ".join(got),
            f"{look}{'; '.join(TERMS[name] for name in missing)}; or use --embedded",
        )


def check_subjects(human36m: Path, split: Literal["train", "test"]) -> None:
    """InputError unless all subjects of the paper's split are there: an index may have been made of some."""
    there = set(load_human36m(human36m, split, usual_stride(human36m, split)).subject.tolist())
    lacking = [subject for subject in SUBJECTS[split] if subject not in there]
    if lacking:
        fix = f"`wildpose data prepare human36m` with {', '.join(lacking)} as well"
        raise InputError(f"{', '.join(SUBJECTS[split])} in the {split} split of {human36m}", ", ".join(there), fix)


def licensed_data(root: Path) -> TrainData:
    """Five subjects of Human3.6M at 10 frames a second, and MPII without its validation people.

    Runs are watched on 400 of those people and on 400 frames of S9 and S11, as the paper's Figure 5 is: nothing is
    chosen by it, the last checkpoint is judged whatever it shows. Raises InputError for what is missing or damaged.
    """
    check_subjects(root / "human36m", "train")
    return build_data(more_2d=[Source("mpii", root / "mpii")], more_3d=[Source("human36m", root / "human36m")])


def licensed_judges(root: Path, target: Target, rule: str, flip: bool) -> tuple[Judge, ...]:
    """Human3.6M's test frames, MPII's validation people and, for table 4, MPI-INF-3DHP's test frames.

    Raises InputError for what is missing or damaged of them, and a rule that table 4 can't be made by: before days of
    training, not after.
    """
    if target == "table4" and rule == "none":
        got, fix = "none: MPI-INF-3DHP's truth is of one size, nobody's own", "mend --scale-rule"
        raise InputError("a scale rule that knows a size, for table 4", got, fix)
    how = f"scale rule {rule}, flip {flip}"
    human36m, mpii, other = (root.resolve() / name for name in ("human36m", "mpii", "mpi_inf_3dhp"))
    stride = usual_stride(human36m, "test")
    check_subjects(human36m, "test")
    load_human36m(human36m, "test", stride).require_images()
    load_mpii_validation(mpii)
    judges = [
        Judge(
            "studio",
            f"Human3.6M test {human36m}, {how}",
            lambda model: evaluate_human36m(model, human36m, rule, flip, stride),
        ),
        Judge("photos", f"MPII val {mpii}, flip {flip}", lambda model: evaluate_mpii(model, mpii, flip=flip)),
    ]
    if target == "table4":
        load_mpi_inf_3dhp(other, "test").require_images()
        title = f"MPI-INF-3DHP test {other}, {how}"
        judges.append(Judge("outdoor", title, lambda model: evaluate_mpi_inf_3dhp(model, other, rule, flip)))
    return tuple(judges)
