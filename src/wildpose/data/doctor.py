"""What does a folder hold, and is it whole? Every kind of data set that wildpose reads is recognised by its files.

Nothing is guessed: what is like several kinds, or like none, is said to be. Whatever is begun must be whole; a split of
which nothing is there is mentioned, not blamed. Each fault names its first five offenders and who supplies them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from wildpose.data.doctor_2d import examine_coco, examine_joints_mat, examine_mpii, examine_pack
from wildpose.data.doctor_3d import (
    examine_3dhp_test,
    examine_3dhp_train,
    examine_human36m_archives,
    examine_human36m_h5,
    examine_human36m_json,
    examine_human36m_npz,
    examine_rendered,
)
from wildpose.data.finding import Finding, listed
from wildpose.data.human36m import SUBJECTS, find_human36m
from wildpose.data.human36m_archives import ARCHIVES, find_place
from wildpose.data.mpi_inf_3dhp import find_test_sequences
from wildpose.data.mpi_inf_3dhp_train import find_train_sequences
from wildpose.data.mpii import find_mpii, find_validation
from wildpose.data.packed import FOLDER
from wildpose.data.studio import MANIFEST
from wildpose.errors import InputError


class Kind(NamedTuple):
    """A kind of folder."""

    title: str
    signs: str
    """Files by which it is recognised, for people."""
    there: Callable[[Path], bool]
    examine: Callable[[Path, Finding], None]


def _has_archives(root: Path) -> bool:
    everyone = (subject for split in SUBJECTS.values() for subject in split)
    return any(find_place(root, subject, kind) for subject in everyone for kind in ARCHIVES)


def _has_mpii(root: Path) -> bool:
    return bool(find_mpii(root) or find_validation(root))


def _has_coco(root: Path) -> bool:
    return any(root.glob("annotations/person_keypoints_*.json"))


KINDS = (
    Kind("rendered set", MANIFEST, lambda root: (root / MANIFEST).is_file(), examine_rendered),
    Kind("LSP or LSPET", "joints.mat", lambda root: (root / "joints.mat").is_file(), examine_joints_mat),
    Kind("MPII", "mpii_annotations.json, annot/train.json, mpii_human_pose_v1_u12_1.mat", _has_mpii, examine_mpii),
    Kind("COCO keypoints 2017", "annotations/person_keypoints_*2017.json", _has_coco, examine_coco),
    Kind(
        "Human3.6M, index of .npz files",
        "annotation_body3d/*/h36m_*.npz",
        lambda root: "npz" in find_human36m(root),
        examine_human36m_npz,
    ),
    Kind(
        "Human3.6M, JSON by subject",
        "annotations/Human36M_subject*_data.json",
        lambda root: any(root.glob("annotations/Human36M_subject*.json")),
        examine_human36m_json,
    ),
    Kind(
        "Human3.6M of Zhou et al., ICCV 2017",
        "annotSample*.h5",
        lambda root: "h5" in find_human36m(root),
        examine_human36m_h5,
    ),
    Kind(
        "Human3.6M, official archives",
        "Poses_D3_Positions_S*.tgz, Videos_S*.tgz, S*/MyPoseFeatures",
        _has_archives,
        examine_human36m_archives,
    ),
    Kind(
        "MPI-INF-3DHP, test set",
        "mpi_inf_3dhp_test_set/TS*/annot_data.mat",
        lambda root: bool(find_test_sequences(root)),
        examine_3dhp_test,
    ),
    Kind(
        "MPI-INF-3DHP, training set",
        "S*/Seq*/annot.mat",
        lambda root: bool(find_train_sequences(root)),
        examine_3dhp_train,
    ),
    Kind("packed photos", FOLDER, lambda root: (root / FOLDER).is_dir(), examine_pack),
)
STRANGERS = {
    "data_3d_h36m.npz": "VideoPose3D's poses of Human3.6M, without images: nothing here can train on them",
    "data_2d_h36m_gt.npz": "VideoPose3D's 2D joints of Human3.6M, without images: nothing here can train on them",
    "annot_data.mat": "one test sequence of MPI-INF-3DHP: name the folder that holds all six, TS1 to TS6",
    "annot.mat": "one training sequence of MPI-INF-3DHP: name the folder that holds S1 to S8",
}
"""Files that people take for a data set, and what to do."""


def diagnose(root: Path, decode: bool = False) -> list[Finding]:
    """A finding for each data set in a folder, or, if it holds none itself, in the folders directly inside it.

    decode: decode every photo, which takes long, in place of looking at its first and last bytes. Raises InputError if
    `root` is no folder. Findings without faults are sound; where nothing is recognised, there is one with a fault.
    """
    if not root.is_dir():
        raise InputError("a folder", f"{root}, which is {'a file' if root.exists() else 'not there'}", "mend the path")
    found = _recognised(root, decode)
    if found:
        return found
    inside = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = [finding for path in inside for finding in _recognised(path, decode)]
    if found:
        known = {finding.folder for finding in found}
        others = [path.name for path in inside if path not in known]
        if others:
            found[-1].notes.append(f"not recognised beside it: {listed(others)}")
        return found
    return [_unknown(root)]


def report(findings: list[Finding]) -> str:
    """For people."""
    lines = [line for finding in findings for line in finding.lines()]
    faults = sum(len(finding.faults) for finding in findings)
    count = f"{len(findings)} data sets" if len(findings) > 1 else findings[0].title
    state = "sound" if not faults else f"{faults} fault{'s' if faults > 1 else ''}"
    return "\n".join([*lines, f"{count}: {state}"])


def _recognised(root: Path, decode: bool) -> list[Finding]:
    findings = []
    for kind in KINDS:
        if kind.there(root):
            finding = Finding(kind.title, root, decode)
            kind.examine(root, finding)
            findings.append(finding)
    layouts = [finding.title for finding in findings if finding.title.startswith("Human3.6M, ")][:3]
    readable = [title for title in layouts if "archives" not in title]
    if len(readable) > 1:
        findings[0].notes.append(f"ambiguous: Human3.6M is here as {' and as '.join(readable)}; the first one is read")
    return findings


def _unknown(root: Path) -> Finding:
    finding = Finding("nothing that wildpose knows", root)
    strangers = [f"{name}: {what}" for name, what in STRANGERS.items() if (root / name).exists()]
    finding.notes += strangers
    looked_for = "; ".join(f"{kind.title} ({kind.signs})" for kind in KINDS)
    finding.faults.append(f"no data set is recognised here or one folder further down. Looked for: {looked_for}")
    around = [kind.title for kind in KINDS if root.resolve().parent != root and kind.there(root.resolve().parent)]
    if around:
        finding.notes.append(f"the folder around it holds {' and '.join(around)}: name that one")
    return finding
