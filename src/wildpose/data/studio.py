"""Reading a studio set (format "wildpose-studio/1", see docs/studio.md). No torch, nothing unpickled."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from wildpose.data.files import inside
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

FORMAT = "wildpose-studio/1"
MANIFEST = "manifest.json"
_SHAPES = {
    "joints_px": (16, 2),
    "joints_cam_mm": (16, 3),
    "in_image": (16,),
    "occluded": (16,),
    "K": (3, 3),
    "R": (3, 3),
    "t_mm": (3,),
    "box_xywh": (4,),
    "subject": (),
    "action": (),
    "scene": (),
    "split": (),
    "camera": (),
    "frame": (),
}
TRAITS = ("skin_tone", "skin_ita_deg", "build", "body_mass_index", "stature_mm", "age", "sex")
"""Of the person in each picture; sets rendered before 25 November 2026 don't have them. See wildpose.studio.people."""


@dataclass(frozen=True)
class StudioSample:
    """One picture with its truth. Pixels have integer centres; camera axes are +x right, +y down, +z away."""

    image: UInt8[np.ndarray, "H W 3"]
    """RGB."""
    joints_px: Float[np.ndarray, "16 2"]
    joints_cam_mm: Float[np.ndarray, "16 3"]
    in_image: Bool[np.ndarray, " 16"]
    occluded: Bool[np.ndarray, " 16"]
    K: Float[np.ndarray, "3 3"]
    """Pixel matrix of this picture (the crop is included)."""
    box_xywh: Float[np.ndarray, " 4"]
    subject: str
    action: str


class StudioSet:
    """A rendered set in a folder. Its annotations lie in memory; pictures are decoded when asked for.

    Attributes over all N samples: joints_px (N, 16, 2) and joints_cam_mm (N, 16, 3) float32, in_image and occluded
    (N, 16) bool, K and R (N, 3, 3) and t_mm (N, 3) float64 with X_cam = R X_world + t, box_xywh (N, 4) float32,
    subject, action, scene, split (N,) str, camera and frame (N,) int32 (frame -1: a drawn pose, not a frame of a clip).
    """

    joints_px: Float[np.ndarray, "N 16 2"]
    joints_cam_mm: Float[np.ndarray, "N 16 3"]
    in_image: Bool[np.ndarray, "N 16"]
    occluded: Bool[np.ndarray, "N 16"]
    K: Float[np.ndarray, "N 3 3"]
    R: Float[np.ndarray, "N 3 3"]
    t_mm: Float[np.ndarray, "N 3"]
    box_xywh: Float[np.ndarray, "N 4"]
    subject: np.ndarray
    action: np.ndarray
    scene: np.ndarray
    split: np.ndarray
    camera: Int[np.ndarray, " N"]
    frame: Int[np.ndarray, " N"]
    traits: dict[str, np.ndarray]
    """TRAITS of all samples, (N,) each; empty where a shard lacks them."""

    def __init__(self, folder: Path | str, partial: bool = False, verify: bool = True):
        """Open a set; `partial` also takes one whose rendering was interrupted, `verify` checks every shard's sha256.

        Raises InputError for a folder that is not a set, an unfinished or damaged one, or one of another format.
        """
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        if not self.manifest["complete"] and not partial:
            done = sum(shard["images"] for shard in self.manifest["shards"])
            raise InputError(f"a finished studio set in {folder}", f"{done} of {self.manifest['images']} images",
                             "run the command that renders it again: it goes on where it stopped")  # fmt: skip
        parts = [read_shard(self.folder, shard, verify) for shard in self.manifest["shards"]]
        if not parts:
            raise InputError(f"pictures in {folder}", "a set without a finished shard", "render it further")
        self._jpegs = [part["jpeg"] for part in parts]
        self._offsets = [part["jpeg_offsets"] for part in parts]
        self._first = np.cumsum([0] + [len(part["subject"]) for part in parts])
        for name in _SHAPES:
            setattr(self, name, np.concatenate([part[name] for part in parts]))
        told = [name for name in TRAITS if all(name in part for part in parts)]
        self.traits = {name: np.concatenate([part[name] for part in parts]) for name in told}

    def __len__(self) -> int:
        return int(self._first[-1])

    def jpeg(self, index: int) -> UInt8[np.ndarray, " bytes"]:
        """The JPEG file of picture `index`."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        shard = int(np.searchsorted(self._first, index, side="right")) - 1
        start, end = self._offsets[shard][index - self._first[shard] :][:2]
        return self._jpegs[shard][start:end]

    def image(self, index: int) -> UInt8[np.ndarray, "H W 3"]:
        """Picture `index`, RGB."""
        return cv2.imdecode(self.jpeg(index), cv2.IMREAD_COLOR)[..., ::-1].copy()

    def load(self, index: int) -> StudioSample:
        """Picture and truth of sample `index`."""
        return StudioSample(self.image(index), self.joints_px[index], self.joints_cam_mm[index], self.in_image[index],
                            self.occluded[index], self.K[index], self.box_xywh[index], str(self.subject[index]),
                            str(self.action[index]))  # fmt: skip

    def __iter__(self) -> Iterator[StudioSample]:
        return (self.load(i) for i in range(len(self)))


def read_manifest(folder: Path) -> dict:
    """The manifest of a set; InputError if the folder holds none or one of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(
            f"a studio set (a folder with {MANIFEST})", str(folder), "render one with `wildpose data studio`"
        )
    try:
        manifest = json.loads(path.read_text())
        sound = manifest["format"] == FORMAT and isinstance(manifest["shards"], list) and manifest["images"] > 0
        sound = sound and isinstance(manifest["complete"], bool) and isinstance(manifest["joints"], list)
        for shard in manifest["shards"]:
            sound = sound and isinstance(shard["sha256"], str) and isinstance(shard["images"], int)
            inside(shard["file"], path)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        sound = False
    if not sound:
        raise InputError(f"a manifest of format {FORMAT}", str(path), "render the set again")
    if manifest["joints"] != list(MPII16.joints):
        raise InputError("the sixteen joints of MPII16 in order", f"others in {path}", "render the set again")
    return manifest


def read_shard(folder: Path, shard: dict, verify: bool = True) -> dict[str, np.ndarray]:
    """The arrays of one shard, checked; InputError names what is wrong."""
    path = folder / shard["file"]
    fix = "delete this shard and run the command that renders the set again"
    if not path.is_file():
        raise InputError(f"the shard {path}", "no such file", fix)
    if verify and hashlib.sha256(path.read_bytes()).hexdigest() != shard["sha256"]:
        raise InputError(f"{path} with sha256 {shard['sha256'][:12]}...", "another: it is damaged", fix)
    try:
        with np.load(path, allow_pickle=False) as packed:
            arrays = {name: packed[name] for name in packed.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"a shard in {path}", type(error).__name__, fix) from error
    count = shard["images"]
    for name, shape in (_SHAPES | {name: () for name in TRAITS if name in arrays}).items():
        if name not in arrays or arrays[name].shape != (count, *shape):
            got = arrays[name].shape if name in arrays else "nothing"
            raise InputError(f"{name} of shape {(count, *shape)} in {path}", f"{got}", fix)
    offsets = arrays.get("jpeg_offsets")
    if offsets is None or offsets.shape != (count + 1,) or "jpeg" not in arrays or offsets[-1] != len(arrays["jpeg"]):
        raise InputError(f"{count} JPEG pictures in {path}", "offsets that do not fit them", fix)
    return arrays
