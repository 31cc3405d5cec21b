"""Depth labels for photos with 2D labels, as `wildpose lift` wrote them: beside the labels they were made for.

DIR/NAME.safetensors: `depth_px`, (N, 16) float32, depth relative to the pelvis in px of the photo, + = away, NaN where
there is none; metadata `format`, `labels` (a digest of the 2D labels) and `source` (of what made them).
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from wildpose.data.sample import Sample, SampleSet
from wildpose.errors import InputError

FORMAT = "wildpose-lifted/1"


class Lifted:
    """A set of photos whose samples have depth labels, too."""

    def __init__(self, samples: SampleSet, depth_px: Float[np.ndarray, "N 16"]):
        self.samples, self.depth_px = samples, depth_px

    def __len__(self) -> int:
        return len(self.samples)

    def load(self, i: int) -> Sample:
        depth_px = self.depth_px[i]
        return replace(self.samples.load(i), depth_px=depth_px if np.isfinite(depth_px).any() else None)


def digest_labels(samples: SampleSet) -> str:
    """Of the 2D labels of a set: depth belongs to just these. (All sets with 2D labels have `joints_px`.)"""
    labels = np.ascontiguousarray(np.nan_to_num(samples.joints_px.astype(np.float32), nan=-1e6))
    return hashlib.sha256(labels.tobytes()).hexdigest()


def write_lifted(path: Path, depth_px: Float[np.ndarray, "N 16"], samples: SampleSet, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    told = {"format": FORMAT, "labels": digest_labels(samples), "source": source}
    draft.write_bytes(save({"depth_px": depth_px.astype(np.float32)}, told))  # save_file raises no OSError
    os.replace(draft, path)


def source_of(path: Path) -> str | None:
    """What a file of depth labels was made from; None if there is none, or a damaged one."""
    try:
        with safe_open(path, "np") as file:
            return (file.metadata() or {}).get("source")
    except (OSError, SafetensorError):
        return None


def with_lifted(samples: SampleSet, path: Path) -> Lifted:
    """The set with the depth labels in a file; InputError if there is no such file, or it is another set's."""
    fix = "run `wildpose lift` on the set"
    try:
        with safe_open(path, "np") as file:
            told, depth_px = file.metadata() or {}, file.get_tensor("depth_px")
    except (OSError, SafetensorError) as error:
        raise InputError(f"depth labels in {path}", str(error), fix) from None
    if told.get("format") != FORMAT:
        raise InputError(f"a file of format {FORMAT} at {path}", repr(told.get("format")), fix)
    if told.get("labels") != digest_labels(samples) or depth_px.shape != (len(samples), 16):
        raise InputError(f"depth labels of the {len(samples)} people of this set in {path}", "those of others", fix)
    return Lifted(samples, depth_px)
