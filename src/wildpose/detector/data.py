"""What the detector learns from and is watched on: photos, rendered people, and panoramas that show nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from wildpose.data.kinds import to_train_on
from wildpose.data.lsp import load_lsp, load_lspet
from wildpose.data.mix import LSP_REPEATS, LSP_TERMS, LSPET_TERMS, RENDERED_TERMS, Rendered
from wildpose.data.sample import SampleSet
from wildpose.detector.model import STRIDE, Wanted, aims
from wildpose.detector.scenes import Labelled, Scene, compose
from wildpose.errors import InputError
from wildpose.studio.develop import develop
from wildpose.studio.panoramas import PACK, panorama_files, read_panorama

HELD_OUT_EVERY = 10
"""Every so many photos of LSPET, and rendered pictures, are kept for validation."""
LEAST_JOINTS = 12
"""Of LSPET, only people with so many of their 14 joints labelled: the box of fewer is often too small."""
PHOTO_CERTAINTY, RENDERED_CERTAINTY = 0.4, 0.7
"""How sure it is that a photo (a rendered picture) shows nobody besides its labelled person: many photos of sports do,
and a seventh of the rendered pictures."""
VIEW_PX, VIEWS = 256, 400
"""Side of the people-free views, and how many are made from the panoramas before training."""
FIELD_DEG = (55.0, 100.0)


@dataclass(frozen=True)
class PeopleData:
    """Pictures of one labelled person each, with the certainty that nobody else is there, and people-free views."""

    train: tuple[tuple[SampleSet, float], ...]
    """Sets and their certainties; a set that stands there twice takes two turns."""
    views: UInt8[np.ndarray, "V S S 3"]
    photos_val: tuple[tuple[str, SampleSet], ...]
    """Held-out photos, by name."""
    rendered_val: SampleSet | None
    views_val: UInt8[np.ndarray, "V S S 3"]
    """From panoramas that training doesn't see."""
    sources: tuple[dict[str, str | int], ...]
    """Name, terms and sample count of each set, for the weights file."""

    def draw(self, rng: np.random.Generator) -> Labelled:
        """One training picture; each set's share is that of its pictures."""
        lengths = np.array([len(samples) for samples, _ in self.train])
        samples, certainty = self.train[int(rng.choice(len(lengths), p=lengths / lengths.sum()))]
        return Labelled(samples.load(int(rng.integers(len(samples)))), certainty)

    def draw_view(self, rng: np.random.Generator) -> UInt8[np.ndarray, "S S 3"]:
        return self.views[rng.integers(len(self.views))]


class Part:
    """Some samples of a set."""

    def __init__(self, samples: SampleSet, rows: np.ndarray):
        self.samples, self.rows = samples, rows

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int):
        return self.samples.load(int(self.rows[i]))


def gather(
    lsp: Path | None, lspet: Path | None, outdoor: Path | None, panoramas: Path | None = None, seed: int = 0
) -> PeopleData:
    """Open the sets; InputError if there is none, or one can't be used.

    Held out: LSP's photos 5, 10, ... of the first 1000, every tenth of LSPET and of the rendered pictures, every fourth
    panorama by name. panoramas: a folder of them; None for those in the package.
    """
    train: list[tuple[SampleSet, float]] = []
    photos_val: list[tuple[str, SampleSet]] = []
    sources: list[dict[str, str | int]] = []
    rendered_val = None
    if lsp:
        samples = load_lsp(lsp, "train")
        train += [(samples, PHOTO_CERTAINTY)] * LSP_REPEATS
        photos_val.append(("lsp", load_lsp(lsp, "val")))
        sources.append({"name": "LSP train", "terms": LSP_TERMS, "samples": len(samples)})
    if lspet:
        people = load_lspet(lspet)
        kept, held_out = parts(people, np.flatnonzero(people.mask.sum(1) >= LEAST_JOINTS))
        train.append((kept, PHOTO_CERTAINTY))
        photos_val.append(("lspet", held_out))
        sources.append(
            {"name": "LSPET with 12 or more joints, nine of ten", "terms": LSPET_TERMS, "samples": len(kept)}
        )
    if outdoor:
        rendered = to_train_on(outdoor)
        kept, rendered_val = parts(Rendered(rendered, np.arange(len(rendered)), only_2d=True), np.arange(len(rendered)))
        train.append((kept, RENDERED_CERTAINTY))
        sources.append({"name": "outdoor train, nine of ten", "terms": RENDERED_TERMS, "samples": len(kept)})
    if not train:
        raise InputError("at least one set with people", "none", "give --lsp, --lspet or --outdoor")
    files = panorama_files(panoramas or PACK)
    seen, unseen = [p for i, p in enumerate(files) if i % 4 != 3], [p for i, p in enumerate(files) if i % 4 == 3]
    sources.append({"name": "panoramas, three of four", "terms": "CC0" if panoramas is None else "the user's",
                    "samples": len(seen)})  # fmt: skip
    views = people_free_views(seen, VIEWS, seed)
    views_val = people_free_views(unseen or seen, VIEWS // 2, seed + 1)
    return PeopleData(tuple(train), views, tuple(photos_val), rendered_val, views_val, tuple(sources))


def parts(samples: SampleSet, rows: np.ndarray) -> tuple[Part, Part]:
    """What is learnt from of some rows, and every tenth, which is held out."""
    return Part(samples, rows[rows % HELD_OUT_EVERY != 0]), Part(samples, rows[rows % HELD_OUT_EVERY == 0])


def people_free_views(files: Sequence[Path], count: int, seed: int) -> UInt8[np.ndarray, "V S S 3"]:
    """Views into panoramas, as a camera would develop them."""
    rng = np.random.default_rng((seed, 31))
    radiances = [read_panorama(path) for path in files]
    return np.stack([look_into(rng, radiances[i % len(radiances)]) for i in range(count)])


def look_into(rng: np.random.Generator, radiance: Float[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "S S 3"]:
    """A random view into an equirectangular panorama, mostly about level."""
    height, width = radiance.shape[:2]
    half = np.tan(np.deg2rad(rng.uniform(*FIELD_DEG)) / 2)
    axis = np.linspace(-half, half, VIEW_PX)
    x, y = np.meshgrid(axis, axis)
    yaw, pitch = rng.uniform(-np.pi, np.pi), np.deg2rad(np.clip(rng.normal(8, 14), -40, 50))  # pitch > 0: downwards
    down, ahead = y * np.cos(pitch) + np.sin(pitch), np.cos(pitch) - y * np.sin(pitch)
    longitude = yaw + np.arctan2(x, ahead)
    latitude = np.arctan2(down, np.hypot(x, ahead))
    u = (longitude / (2 * np.pi) % 1.0) * width - 0.5
    v = (latitude / np.pi + 0.5) * height - 0.5
    wrapped = cv2.copyMakeBorder(radiance, 0, 0, 2, 2, cv2.BORDER_WRAP)
    light = cv2.remap(wrapped, np.float32(u + 2), np.float32(v), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    exposure = 0.35 / max(float(np.median(light)), 1e-3)
    return develop(rng, light * np.float32(exposure), float(rng.uniform(0, 1)))


class SceneBatches(torch.utils.data.Dataset):
    """Batch k by number, of which every picture is a function of the seed, k and its place alone."""

    def __init__(self, data: PeopleData, batch: int, side: int, seed: int):
        self.data, self.batch, self.side, self.seed = data, batch, side, seed

    def __getitem__(self, k: int) -> tuple[torch.Tensor, Wanted]:
        """Pictures uint8 (B, S, S, 3) and what should be said of them."""
        rngs = [np.random.default_rng((self.seed, 41, k, j)) for j in range(self.batch)]
        return collate([compose(rng, self.side, self.data.draw, self.data.draw_view) for rng in rngs])


def collate(scenes: Sequence[Scene]) -> tuple[torch.Tensor, Wanted]:
    targets = [aims(torch.from_numpy(s.boxes_ltrb), torch.from_numpy(coarse(s.certainty))) for s in scenes]
    wanted = Wanted(**{name: torch.stack([t[name] for t in targets]) for name in targets[0]})
    return torch.from_numpy(np.stack([s.image_rgb for s in scenes])), wanted


def coarse(certainty: Float[np.ndarray, "S S"]) -> Float[np.ndarray, "s s"]:
    """The least of each STRIDE x STRIDE px."""
    s = len(certainty) // STRIDE
    return certainty.reshape(s, STRIDE, s, STRIDE).min((1, 3))
