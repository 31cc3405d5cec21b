"""What every data set hands over: one image with the joints of one person, by the names and order of MPII16."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8


@dataclass(frozen=True)
class Sample:
    image_rgb: UInt8[np.ndarray, "H W 3"]
    joints_px: Float[np.ndarray, "16 2"]
    """In the image; NaN where there is no label."""
    mask: Bool[np.ndarray, " 16"]
    """Whether a joint is labelled."""
    box_xywh: Float[np.ndarray, " 4"]
    """Around the person, px."""
    joints_cam_mm: Float[np.ndarray, "16 3"] | None = None
    """Camera frame (+x right, +y down, +z away), mm; None for sets with 2D labels only."""


@runtime_checkable
class SampleSet(Protocol):
    """A data set: its length, and its samples by number."""

    def __len__(self) -> int: ...

    def load(self, i: int) -> Sample: ...


class Joined:
    """Several sets as one, one after another."""

    def __init__(self, *sets: SampleSet):
        self.sets = sets
        self.ends = np.cumsum([len(s) for s in sets])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def load(self, i: int) -> Sample:
        which = int(np.searchsorted(self.ends, i, side="right"))
        return self.sets[which].load(i - (int(self.ends[which - 1]) if which else 0))
