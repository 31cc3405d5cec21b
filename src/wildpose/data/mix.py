"""From folders on disk to what a run trains on and is watched on: any sets with 2D and 3D labels, in any shares."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.data.kinds import KINDS_2D, KINDS_3D, LSP_REPEATS, LSP_TERMS, LSPET_TERMS, RENDERED_TERMS, Kind, Rendered
from wildpose.data.lifted import Lifted, with_lifted
from wildpose.data.sample import Joined, Sample, SampleSet
from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

__all__ = ["LSPET_TERMS", "LSP_REPEATS", "LSP_TERMS", "RENDERED_TERMS", "Rendered"]  # found here as before


@dataclass(frozen=True)
class Source:
    """A set as the command line names it."""

    name: str
    """Which kind of set it is."""
    path: Path
    ratio: float | None = None
    """Share of the draws, relative to the others'; None: by its number of samples."""


@dataclass(frozen=True)
class Part:
    """A set on one side of a mix."""

    name: str
    samples: SampleSet
    share: float
    """Relative to the other sets of its side."""


@dataclass(frozen=True)
class TrainData:
    """What a run learns from, and the held-out part it is watched on."""

    wild: SampleSet
    studio: SampleSet | None = None
    wild_val: SampleSet | None = None
    studio_val: SampleSet | None = None
    bone_sum_mm: float | None = None
    """Mean sum of the 14 legacy bones over the training poses with 3D labels; None without any."""
    sources: tuple[dict[str, str | int], ...] = ()
    """Name, terms and sample count of each set, for the weights file."""
    parts: tuple[Part, ...] = ()
    """The sets with 2D labels one by one, for phases that mix them otherwise."""
    parts_3d: tuple[Part, ...] = ()
    """Those with 3D labels; their samples have `joints_cam_mm`, (N, 16, 3)."""
    digest: str = ""
    """Of the labels of all sets and their shares: what was begun with these goes on only with these."""

    def in_phase(self, mix: tuple[str, ...]) -> "TrainData":
        """The same with the 2D sets in the shares of a phase's setting `mix` (NAME:RATIO, the others left out); itself
        if that is empty. InputError for a set that isn't there or a ratio that isn't positive."""
        if not mix:
            return self
        known = {part.name: part for part in self.parts}
        chosen = []
        for entry in mix:
            name, ratio = _split_ratio(entry)
            if name not in known or ratio is None:
                fix = "mend --set PHASE.mix, or add the set with --data-2d"
                raise InputError(f"NAME:RATIO with one of {', '.join(known) or 'no sets'}", repr(entry), fix)
            chosen.append(replace(known[name], share=ratio))
        return replace(self, wild=_mixed(chosen))


def each_once(sources: Iterable[dict[str, str | int]]) -> list[dict[str, str | int]]:
    """What several trainings learnt from, each set once: what is said of it last counts, with all else that was."""
    known: dict[str | int, dict[str, str | int]] = {}
    for source in sources:
        known[source["name"]] = known.get(source["name"], {}) | source
    return list(known.values())


class Mixed:
    """Several sets as one, in which each has its share of the samples: a small one comes round more often.

    As long as it takes for every sample of every set to come at least once.
    """

    def __init__(self, sets: Sequence[SampleSet], shares: Sequence[float]):
        self.sets = tuple(sets)
        total = sum(shares)
        length = max(len(s) * total / share for s, share in zip(sets, shares, strict=True))
        self.ends = np.cumsum([round(length * share / total) for share in shares])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def load(self, i: int) -> Sample:
        which = int(np.searchsorted(self.ends, i, side="right"))
        turn = i - (int(self.ends[which - 1]) if which else 0)
        return self.sets[which].load(turn % len(self.sets[which]))


def bone_sum_mm(poses_mm: Float[np.ndarray, "N 16 3"]) -> float:
    """Mean over the poses of the sum of the 14 legacy bones, mm: the scale rule `train-mean`."""
    return float(bone_length_sum(poses_mm.astype(np.float64), MPII16.pairs(MPII16_LEGACY_BONES)).mean())


def parse_source(text: str, kinds: dict[str, Kind], flag: str) -> Source:
    """NAME=PATH[:RATIO] as given to `flag`; InputError if it isn't that or NAME is no kind of set."""
    name, equals, rest = text.partition("=")
    if not equals or name not in kinds or not rest:
        raise InputError(f"{flag} NAME=PATH[:RATIO] with NAME one of {', '.join(kinds)}", repr(text), f"mend {flag}")
    path, ratio = _split_ratio(rest)
    return Source(name, Path(path), ratio)


def _split_ratio(text: str) -> tuple[str, float | None]:
    """`PATH:2` -> (PATH, 2.0); without a number at the end (a path may hold colons): (text, None)."""
    path, colon, number = text.rpartition(":")
    try:
        ratio = float(number) if colon else None
    except ValueError:
        return text, None
    if ratio is None:
        return text, None
    if not (ratio > 0 and math.isfinite(ratio)):
        raise InputError("a ratio above 0", repr(text), "leave the set out, or give it a positive ratio")
    return path, ratio


def build_data(
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    studio: Path | None = None,
    more_2d: Sequence[Source] = (),
    more_3d: Sequence[Source] = (),
    lifted: Path | None = None,
) -> TrainData:
    """Photos, and rendered people with their 2D labels only (outdoor), as the wild side; sets with 3D labels apart.

    Without ratios every sample of a set comes as often as its kind says (LSP three times, others once); with ratios,
    which then all sets of a side must have, the sets have those shares of the draws. How many of a batch have 3D
    labels is a setting of each phase (`batch_3d`).
    lifted: a folder of `wildpose lift`; sets with 2D labels that it has depth labels for get them.
    Held out: a fifth of LSP's training photos (or else MPII's validation people), and subject S8 of the studio.
    """
    given = (("lsp", lsp), ("lspet", lspet), ("outdoor", outdoor))
    wild = [*(Source(name, path) for name, path in given if path), *more_2d]
    if not wild:
        fix = "give --lsp, --lspet, --outdoor or --data-2d (or --preset smoke, which renders its own)"
        raise InputError("at least one set with 2D labels", "none", fix)
    parts, watched, described = _open(wild, KINDS_2D, "--data-2d")
    if lifted:
        parts, described = _with_depth(parts, described, lifted)
    data = TrainData(
        wild=_joined(wild, parts, KINDS_2D),
        wild_val=watched,
        sources=described,
        parts=tuple(parts),
    )
    with_3d = [*([Source("studio", studio)] if studio else []), *more_3d]
    data = _with_3d(data, with_3d) if with_3d else data
    return replace(data, digest=_digest((*data.parts, *data.parts_3d)))


def _digest(parts: Iterable[Part]) -> str:
    told = hashlib.sha256()
    for part in parts:
        told.update(f"{part.name}:{part.share};".encode())
        samples = part.samples
        if isinstance(samples, Lifted):
            told.update(samples.depth_px.tobytes())
            samples = samples.samples
        for labels in ("joints_px", "joints_cam_mm"):
            if hasattr(samples, labels):
                told.update(np.ascontiguousarray(getattr(samples, labels), np.float32).tobytes())
    return told.hexdigest()


def _with_3d(data: TrainData, sources: Sequence[Source]) -> TrainData:
    parts, watched, described = _open(sources, KINDS_3D, "--data-3d")
    sums = [bone_sum_mm(part.samples.joints_cam_mm) for part in parts]
    shares = np.array([part.share for part in parts])
    return replace(
        data,
        studio=_joined(sources, parts, KINDS_3D),
        studio_val=watched,
        bone_sum_mm=float(np.average(sums, weights=shares / shares.sum())),
        sources=(*data.sources, *described),
        parts_3d=tuple(parts),
    )


def _with_depth(
    parts: Sequence[Part], described: Sequence[dict[str, str | int]], folder: Path
) -> tuple[list[Part], tuple[dict[str, str | int], ...]]:
    """Sets with 2D labels with the depth labels that a folder has for them. InputError if it has none, or another
    set's."""
    there = {part.name: folder / f"{part.name}.safetensors" for part in parts}
    there = {name: path for name, path in there.items() if path.is_file()}
    if not there:
        expected = " or ".join(f"{part.name}.safetensors" for part in parts)
        raise InputError(f"depth labels in {folder}: {expected}", "none", "run `wildpose lift` on the sets")
    with_depth = [
        replace(part, samples=with_lifted(part.samples, there[part.name])) if part.name in there else part
        for part in parts
    ]
    told = tuple(
        about | {"labels": "depth lifted (wildpose lift)"} if part.name in there else about
        for part, about in zip(parts, described, strict=True)
    )
    return with_depth, told


def _open(
    sources: Sequence[Source], kinds: dict[str, Kind], flag: str
) -> tuple[list[Part], SampleSet | None, tuple[dict[str, str | int], ...]]:
    """The sets of one side, the held-out part of the first that has one, and all of them described."""
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise InputError("each set once", f"{', '.join(names)}", f"mend {flag}")
    if len({source.ratio is None for source in sources}) > 1:
        raise InputError("a ratio for every set or for none", f"{', '.join(names)}", f"mend {flag}")
    parts, watched = [], None
    for source in sources:
        samples, held_out = kinds[source.name].open(source.path)
        watched = held_out if watched is None else watched
        if not len(samples):
            raise InputError(f"training samples in {source.path}", "none", f"check {flag} {source.name}")
        parts.append(Part(source.name, samples, source.ratio or float(kinds[source.name].turns * len(samples))))
    described = [
        {"name": kinds[part.name].title, "terms": kinds[part.name].terms, "samples": len(part.samples)}
        for part in parts
    ]
    return parts, watched, tuple(described)


def _joined(sources: Sequence[Source], parts: Sequence[Part], kinds: dict[str, Kind]) -> SampleSet:
    if sources[0].ratio is None:
        turns = [part.samples for part in parts for _ in range(kinds[part.name].turns)]
        return turns[0] if len(turns) == 1 else Joined(*turns)
    return _mixed(parts)


def _mixed(parts: Sequence[Part]) -> SampleSet:
    return Mixed([part.samples for part in parts], [part.share for part in parts])
