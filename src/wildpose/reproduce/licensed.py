"""The paper's own sets: Human3.6M, MPII, MPI-INF-3DHP. Never shipped: everyone has to ask for them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildpose.data.human36m import USUAL_STRIDE, load_human36m
from wildpose.data.kinds import KINDS_2D, VALIDATION_IMAGES
from wildpose.data.mix import Part, TrainData, bone_sum_mm
from wildpose.data.sample import Sample, SampleSet
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
HUMAN36M_TERMS = "Human3.6M, academic use only; cite Ionescu et al., PAMI 2014"


@dataclass(frozen=True)
class Some:
    """Some samples of a set."""

    samples: SampleSet
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int) -> Sample:
        return self.samples.load(int(self.rows[i]))


def check_licensed(root: Path, target: Target) -> None:
    """InputError that names the licensed sets which --data-root lacks, and where they come from."""
    missing = [name for name in LICENSED[target] if not (root / name).is_dir()]
    if missing:
        raise InputError(
            f"folders {', '.join(LICENSED[target])} in {root} for {target}",
            f"no {', no '.join(missing)}",
            "; ".join(TERMS[name] for name in missing) + "; or use --embedded",
        )


def licensed_data(root: Path) -> TrainData:
    """Five subjects of Human3.6M at 10 frames a second, and MPII without its validation people.

    Runs are watched on 400 of those people and on 400 frames of S9 and S11, as the paper's Figure 5 is: nothing is
    chosen by it, the last checkpoint is judged whatever it shows. Raises InputError for what is missing or damaged.
    """
    wild, wild_val = KINDS_2D["mpii"].open(root / "mpii")
    people = load_human36m(root / "human36m", "train", USUAL_STRIDE["train"])
    watched = load_human36m(root / "human36m", "test", USUAL_STRIDE["test"])
    rows = np.unique(np.linspace(0, len(watched) - 1, VALIDATION_IMAGES).astype(int))
    for samples in (people, watched):
        for i in (0, len(samples) - 1):
            samples.load(i)  # images that are missing are said before days of training
    described = [(KINDS_2D["mpii"].title, KINDS_2D["mpii"].terms, wild), ("Human3.6M train", HUMAN36M_TERMS, people)]
    return TrainData(
        wild=wild,
        studio=people,
        wild_val=wild_val,
        studio_val=Some(watched, rows),
        bone_sum_mm=bone_sum_mm(people.joints_cam_mm),
        sources=tuple({"name": name, "terms": terms, "samples": len(samples)} for name, terms, samples in described),
        parts=(Part("mpii", wild, 1.0),),
    )


def licensed_judges(root: Path, target: Target, rule: str, flip: bool) -> tuple[Judge, ...]:
    """Human3.6M's test frames, MPII's validation people and, for table 4, MPI-INF-3DHP's test frames."""
    how = f"scale rule {rule}, flip {flip}"
    human36m, mpii, other = (root.resolve() / name for name in ("human36m", "mpii", "mpi_inf_3dhp"))
    judges = [
        Judge(
            "studio", f"Human3.6M test {human36m}, {how}", lambda model: evaluate_human36m(model, human36m, rule, flip)
        ),
        Judge("photos", f"MPII val {mpii}, flip {flip}", lambda model: evaluate_mpii(model, mpii, flip=flip)),
    ]
    if target == "table4":
        title = f"MPI-INF-3DHP test {other}, {how}"
        judges.append(Judge("outdoor", title, lambda model: evaluate_mpi_inf_3dhp(model, other, rule, flip)))
    return tuple(judges)
