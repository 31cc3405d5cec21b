"""The kinds of sets a run can learn from: how each is opened, what of it is held out to watch the run, its terms."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.data.lsp import load_lsp, load_lspet
from wildpose.data.sample import Camera, Sample, SampleSet, Some, photo_exists
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

VALIDATION_SUBJECT = "S8"
"""Training subject of the studio set, and of MPI-INF-3DHP, that is held out to watch a run."""
VALIDATION_IMAGES = 400

LSP_REPEATS = 3
"""Turns of an LSP photo for each of an LSPET photo: eleven times fewer, but carefully labelled."""
OUTDOOR_REPEATS = 1
"""Turns of a rendered outdoor picture for each of an LSPET photo. Nine thousand of them are half of the wild side:
their left and right are never confused, and they show hundreds of people where the studio has a handful."""

LSP_TERMS = "photos from Flickr; cite Johnson & Everingham, BMVC 2010"
LSPET_TERMS = "photos from Flickr; cite Johnson & Everingham, CVPR 2011"
MPII_TERMS = "photos from YouTube; cite Andriluka et al., CVPR 2014"
COCO_TERMS = "annotations CC BY 4.0, photos from Flickr; cite Lin et al., ECCV 2014"
HUMAN36M_TERMS = "Human3.6M, academic use only; cite Ionescu et al., PAMI 2014"
MPI_INF_3DHP_TERMS = "MPI-INF-3DHP, non-commercial research only; cite Mehta et al., 3DV 2017"
RENDERED_TERMS = "rendered by wildpose: MakeHuman bodies (CC0)"

Opened = tuple[SampleSet, SampleSet | None]
"""What is trained on, and the part that is held out, if there is one."""


@dataclass(frozen=True)
class Kind:
    """A kind of set."""

    title: str
    """As weights files name it."""
    terms: str
    open: Callable[[Path], Opened]
    turns: int = 1
    """How often each sample comes where no ratios are given."""


class Rendered:
    """Some of the images of a rendered set as samples; without their 3D if `only_2d`, to stand in for photos."""

    def __init__(self, studio: StudioSet, rows: np.ndarray, only_2d: bool = False):
        self.studio, self.rows, self.only_2d = studio, rows, only_2d

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def joints_px(self) -> Float[np.ndarray, "N 16 2"]:
        """Labels of all its samples."""
        return self.studio.joints_px[self.rows]

    @property
    def joints_cam_mm(self) -> Float[np.ndarray, "N 16 3"]:
        """Truth of all its samples."""
        return self.studio.joints_cam_mm[self.rows]

    def load(self, i: int) -> Sample:
        drawn = self.studio.load(int(self.rows[i]))
        every_joint = np.ones(MPII16.n, bool)  # occluded or outside, the truth is known
        joints_cam_mm = None if self.only_2d else drawn.joints_cam_mm
        camera = Camera(drawn.K, np.zeros(5), np.eye(3), np.zeros(3))
        return Sample(drawn.image, drawn.joints_px, every_joint, drawn.box_xywh, joints_cam_mm, camera)


def _lsp(path: Path) -> Opened:
    return load_lsp(path, "train").with_pelvis(), load_lsp(path, "val")


def _lspet(path: Path) -> Opened:
    return load_lspet(path).with_pelvis(), None


def _mpii(path: Path) -> Opened:
    from wildpose.data.mpii import load_mpii

    people = load_mpii(path, "train+val").require_images()
    watched = np.flatnonzero(people.validation)[:VALIDATION_IMAGES]
    return people.take(np.flatnonzero(~people.validation)), people.take(watched) if len(watched) else None


def _coco(path: Path) -> Opened:
    from wildpose.data.coco import coco_annotations, load_coco

    people = load_coco(path, "train").require_images().with_pelvis()
    if not coco_annotations(path, "val").is_file():
        return people, None
    others = load_coco(path, "val")  # its annotations come with those to train on, its photos needn't be here
    there = [i for i in range(len(others)) if photo_exists(others.path(i))]
    return people, others.take(np.array(there[:VALIDATION_IMAGES])) if there else None


def _human36m(path: Path) -> Opened:
    """Its five training subjects; runs are watched on frames of S9 and S11, if those are here, as the paper's are."""
    from wildpose.data.human36m import holds, load_human36m, usual_stride

    people = load_human36m(path, "train", usual_stride(path, "train")).require_images()
    if not holds(path, "test"):
        return people, None
    return people, _spread(load_human36m(path, "test", usual_stride(path, "test")).require_images())


def _mpi_inf_3dhp(path: Path) -> Opened:
    """All training subjects but the eighth, which runs are watched on."""
    from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp
    from wildpose.data.mpi_inf_3dhp_train import extracted_stride

    people = load_mpi_inf_3dhp(path, "train", stride=extracted_stride(path) or 5).require_images()
    watched = people.subject == VALIDATION_SUBJECT
    return people.take(np.flatnonzero(~watched)), _spread(people, np.flatnonzero(watched)) if watched.any() else None


def _spread(samples: SampleSet, rows: np.ndarray | None = None) -> Some:
    """Some samples, spread over the set or over those rows of it."""
    rows = np.arange(len(samples)) if rows is None else rows
    return Some(samples, rows[np.unique(np.linspace(0, len(rows) - 1, VALIDATION_IMAGES).astype(int))])


def to_train_on(path: Path) -> StudioSet:
    """A rendered set. InputError for one of people to be tested on."""
    rendered = StudioSet(path)
    if (rendered.split != "train").any():
        got = f"images of split {rendered.split[rendered.split != 'train'][0]}"
        fix = "render its train split, and keep this one for `wildpose evaluate`"
        raise InputError(f"images to train on in {path}", got, fix)
    return rendered


def _studio(path: Path) -> Opened:
    studio = to_train_on(path)
    held_out = studio.subject == VALIDATION_SUBJECT
    watched = np.flatnonzero(held_out)[:VALIDATION_IMAGES]
    return Rendered(studio, np.flatnonzero(~held_out)), Rendered(studio, watched) if len(watched) else None


def _outdoor(only_2d: bool) -> Callable[[Path], Opened]:
    def open_it(path: Path) -> Opened:
        rendered = to_train_on(path)
        return Rendered(rendered, np.arange(len(rendered)), only_2d), None

    return open_it


KINDS_2D = {
    "lsp": Kind("LSP train", LSP_TERMS, _lsp, LSP_REPEATS),
    "lspet": Kind("LSPET", LSPET_TERMS, _lspet),
    "outdoor": Kind("outdoor train, 2D labels", RENDERED_TERMS, _outdoor(only_2d=True), OUTDOOR_REPEATS),
    "mpii": Kind("MPII train", MPII_TERMS, _mpii),
    "coco": Kind("COCO train2017", COCO_TERMS, _coco),
}
"""Sets with 2D labels (--data-2d); what they open has `joints_px`, (N, 16, 2), of all its samples."""

KINDS_3D = {
    "studio": Kind("studio train", RENDERED_TERMS, _studio),
    "outdoor": Kind("outdoor train, 3D labels", RENDERED_TERMS, _outdoor(only_2d=False)),
    "human36m": Kind("Human3.6M train", HUMAN36M_TERMS, _human36m),
    "mpi_inf_3dhp": Kind("MPI-INF-3DHP train", MPI_INF_3DHP_TERMS, _mpi_inf_3dhp),
}
"""Sets with 3D labels (--data-3d); what they open has `joints_cam_mm`, (N, 16, 3), of all its samples."""
