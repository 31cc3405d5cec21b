"""From folders on disk to what a run trains on and is watched on."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wildpose.data.lsp import load_lsp, load_lspet
from wildpose.data.sample import Joined, Sample, SampleSet
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

VALIDATION_SUBJECT = "S8"
"""Training subject of the studio set that is held out to watch a run."""
VALIDATION_IMAGES = 400

LSP_REPEATS = 3
"""Turns of an LSP photo for each of an LSPET photo: eleven times fewer, but carefully labelled."""

LSP_TERMS = "photos from Flickr; cite Johnson & Everingham, BMVC 2010"
LSPET_TERMS = "photos from Flickr; cite Johnson & Everingham, CVPR 2011"
RENDERED_TERMS = "rendered by wildpose: MakeHuman bodies (CC0)"


@dataclass(frozen=True)
class TrainData:
    """What a run learns from, and the held-out part it is watched on."""

    wild: SampleSet
    studio: SampleSet | None = None
    wild_val: SampleSet | None = None
    studio_val: SampleSet | None = None
    bone_sum_mm: float | None = None
    """Mean sum of the 14 legacy bones over the studio's training poses; None without a studio."""
    sources: tuple[dict[str, str | int], ...] = ()
    """Name, terms and sample count of each set, for the weights file."""


class Rendered:
    """Some of the images of a rendered set as samples; without their 3D if `only_2d`, to stand in for photos."""

    def __init__(self, studio: StudioSet, rows: np.ndarray, only_2d: bool = False):
        self.studio, self.rows, self.only_2d = studio, rows, only_2d

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int) -> Sample:
        drawn = self.studio.load(int(self.rows[i]))
        every_joint = np.ones(MPII16.n, bool)  # occluded or outside, the truth is known
        joints_cam_mm = None if self.only_2d else drawn.joints_cam_mm
        return Sample(drawn.image, drawn.joints_px, every_joint, drawn.box_xywh, joints_cam_mm)


def bone_sum_mm(studio: StudioSet, rows: np.ndarray) -> float:
    """Mean over the poses of the sum of the 14 legacy bones, mm: the scale rule `train-mean`."""
    bones = MPII16.pairs(MPII16_LEGACY_BONES)
    return float(bone_length_sum(studio.joints_cam_mm[rows].astype(np.float64), bones).mean())


def build_data(
    lsp: Path | None = None, lspet: Path | None = None, outdoor: Path | None = None, studio: Path | None = None
) -> TrainData:
    """Photos (LSP, LSPET) and rendered people with their 2D labels only (outdoor) as the wild side; the studio as 3D.

    Held out: a fifth of LSP's training photos, and subject S8 of the studio.
    """
    wild: list[SampleSet] = []
    sources: list[dict[str, str | int]] = []

    def add(samples: SampleSet, name: str, terms: str, repeats: int = 1) -> None:
        wild.extend([samples] * repeats)
        sources.append({"name": name, "terms": terms, "samples": len(samples)})

    if lsp:
        add(load_lsp(lsp, "train").with_pelvis(), "LSP train", LSP_TERMS, LSP_REPEATS)
    if lspet:
        add(load_lspet(lspet).with_pelvis(), "LSPET", LSPET_TERMS)
    if outdoor:
        rendered = StudioSet(outdoor)
        add(Rendered(rendered, np.arange(len(rendered)), only_2d=True), "outdoor train, 2D labels", RENDERED_TERMS)
    if not wild:
        fix = "give --lsp, --lspet or --outdoor (or --preset smoke, which renders its own)"
        raise InputError("at least one set with 2D labels", "none", fix)
    data = TrainData(
        wild=Joined(*wild), wild_val=load_lsp(lsp, "val") if lsp else None, sources=tuple(sources)
    )
    return with_studio(data, StudioSet(studio)) if studio else data


def with_studio(data: TrainData, studio: StudioSet) -> TrainData:
    held_out = studio.subject == VALIDATION_SUBJECT
    train, val = np.flatnonzero(~held_out), np.flatnonzero(held_out)[:VALIDATION_IMAGES]
    source = {"name": "studio train", "terms": RENDERED_TERMS, "samples": len(train)}
    return replace(
        data,
        studio=Rendered(studio, train),
        studio_val=Rendered(studio, val) if len(val) else None,
        bone_sum_mm=bone_sum_mm(studio, train),
        sources=(*data.sources, source),
    )
