"""What every data set hands over: one image with the joints of one person, by the names and order of MPII16."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from wildpose.data.packed import is_packed, packed_bytes
from wildpose.errors import InputError


@dataclass(frozen=True)
class Camera:
    """A calibrated camera: X_cam = R X_world + t, then the pinhole K with OpenCV's lens distortion."""

    K: Float[np.ndarray, "3 3"]
    """Intrinsics in px, pixel centres at integers."""
    distortion: Float[np.ndarray, " 5"]
    """k1, k2, p1, p2, k3 as OpenCV orders them."""
    R: Float[np.ndarray, "3 3"]
    """World to camera; the identity where a data set gives camera coordinates only."""
    t_mm: Float[np.ndarray, " 3"]
    name: str = ""
    """As the data set calls it."""

    def project(self, joints_cam_mm: Float[np.ndarray, "*batch P 3"]) -> Float[np.ndarray, "*batch P 2"]:
        """Camera-frame mm to px, distortion included; NaN where the joint is NaN or not in front of the camera."""
        points = joints_cam_mm.reshape(-1, 3).astype(np.float64)
        seen = points[:, 2] > 0  # False for NaN
        px = np.full((len(points), 2), np.nan)
        if seen.any():
            px[seen] = cv2.projectPoints(points[seen], np.zeros(3), np.zeros(3), self.K, self.distortion)[0][:, 0]
        return px.reshape(*joints_cam_mm.shape[:-1], 2)


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
    camera: Camera | None = None
    """Of this image; None where the data set gives none."""
    subject: str = ""
    """The data set's own name for the person, empty if it has none."""
    action: str = ""
    image_path: Path | None = None
    """Where the image came from; None if from inside a larger file."""
    depth_px: Float[np.ndarray, " 16"] | None = None
    """Depth relative to the pelvis in px of the image (weak perspective), + = away, where it was lifted from 2D labels
    (`data/lifted.py`) in place of measured; NaN for joints without."""


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


@dataclass(frozen=True)
class Some:
    """Some samples of a set."""

    samples: SampleSet
    rows: Int[np.ndarray, " M"]

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int) -> Sample:
        return self.samples.load(int(self.rows[i]))


def photo_exists(path: Path) -> bool:
    """Whether `read_photo` would find it, loose or in a pack."""
    return path.is_file() or is_packed(path)


def require_photos(paths: Iterable[Path], root: Path) -> None:
    """InputError with the first five that are not there, if any; each once. Call it before a run of hours."""
    paths = dict.fromkeys(paths)
    missing = [path.relative_to(root).as_posix() for path in paths if not photo_exists(path)]
    if missing:
        fix = f"`wildpose data doctor {root}` says where they come from"
        got = f"{len(missing)} missing ({', '.join(missing[:5])})"
        raise InputError(f"{len(paths)} images under {root}", got, fix)


def read_photo(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """RGB, from its file or a pack (`data/packed.py`); InputError if the file is missing or isn't an image."""
    content = path.read_bytes() if path.is_file() else packed_bytes(path)
    if content is None:
        raise InputError(f"an image at {path}", "no such file", "`wildpose data doctor` lists what a folder lacks")
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise InputError(f"an image at {path}", "a file that can't be decoded", "fetch the data set again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
