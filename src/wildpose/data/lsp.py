"""Leeds Sports Poses (LSP, Johnson & Everingham, BMVC 2010) and its extension (LSPET, CVPR 2011), as their authors
lay them out: `joints.mat` and `images/`. Both label 14 joints in 1-based pixels, person-centric (left is the person's).

LSP: joints (3, 14, 2000) with rows x, y, occluded; photos 1-1000 train, 1001-2000 test.
LSPET: joints (14, 3, N) with columns x, y, labelled (0: ignore the coordinates); training only, labels noisy.
"""

import copy
from pathlib import Path
from typing import Literal

import numpy as np

from wildpose.data.checks import check_sides_2d
from wildpose.data.files import in_float32
from wildpose.data.sample import Sample, photo_exists, read_photo
from wildpose.errors import InputError
from wildpose.skeleton import LSP14, MPII16, convert

Split = Literal["train", "val", "test", "train+val"]


class PhotoSet:
    """Photos with 2D labels of one person each. Joints (N, 16, 2) px NaN where missing, mask (N, 16), boxes (N, 4)."""

    def __init__(self, paths: list[Path], joints14_px: np.ndarray, labelled: np.ndarray):
        joints14_px = np.where(labelled[..., None], joints14_px, np.nan)
        self.paths = paths
        self.joints_px = convert(joints14_px, LSP14, MPII16)[0].astype(np.float32)
        self.mask = np.isfinite(self.joints_px).all(-1)
        low, high = np.nanmin(self.joints_px, 1), np.nanmax(self.joints_px, 1)
        self.boxes_xywh = np.concatenate([low, high - low], 1).astype(np.float32)

    def __len__(self) -> int:
        return len(self.paths)

    def with_pelvis(self) -> "PhotoSet":
        """For training: MPII's pelvis, halfway between the hips, where both are labelled. Tests keep the 14 labels."""
        derived = copy.copy(self)
        derived.joints_px = self.joints_px.copy()
        hips = self.joints_px[:, [MPII16.index("right_hip"), MPII16.index("left_hip")]]
        derived.joints_px[:, MPII16.index("pelvis")] = hips.mean(1)
        derived.mask = np.isfinite(derived.joints_px).all(-1)
        return derived

    def load(self, i: int) -> Sample:
        path = self.paths[i]
        return Sample(read_photo(path), self.joints_px[i], self.mask[i], self.boxes_xywh[i], image_path=path)


def load_lsp(root: str | Path, split: Split) -> PhotoSet:
    """LSP. `val` is every fifth of the 1000 training photos, `train` the rest of them, `test` photos 1001-2000."""
    joints = read_joints(Path(root), (3, 14, None)).transpose(2, 1, 0)
    if len(joints) != 2000:
        raise InputError("2000 photos in LSP's joints.mat", str(len(joints)), f"check {root}")
    number = np.arange(2000)
    of = {
        "train": (number < 1000) & (number % 5 != 0),
        "val": (number < 1000) & (number % 5 == 0),
        "train+val": number < 1000,
        "test": number >= 1000,
    }[split]
    labelled = np.ones(joints.shape[:2], bool)
    return _photos(Path(root), "im{:04d}.jpg", joints, labelled, np.flatnonzero(of))


def load_lspet(root: str | Path) -> PhotoSet:
    """LSPET; people with fewer than two labelled joints are left out, for they have no box."""
    joints = read_joints(Path(root), (14, 3, None)).transpose(2, 0, 1)
    labelled = joints[..., 2] > 0
    return _photos(Path(root), "im{:05d}.jpg", joints, labelled, np.flatnonzero(labelled.sum(1) >= 2))


def read_joints(root: Path, shape: tuple[int | None, ...]) -> np.ndarray:
    """`joints` of joints.mat, float64; InputError if it's missing, damaged, not of that shape, not finite, or has left
    and right swapped."""
    from scipy.io import loadmat

    path = root / "joints.mat"
    if not path.is_file():
        raise InputError(f"{path}", "no such file", "give the folder that holds joints.mat and images/")
    try:
        joints = loadmat(path)["joints"]
    except Exception as error:  # on damaged files SciPy's reader raises whatever it stumbles over
        raise InputError(f"a MATLAB array `joints` in {path}", str(error), "fetch the data set again") from None
    fits = joints.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, joints.shape, strict=True))
    if not fits:
        want = " x ".join("N" if s is None else str(s) for s in shape)
        fix = "LSP and LSPET differ: check the folder"
        raise InputError(f"joints of {want} in {path}", f"shape {joints.shape}", fix)
    joints = joints.astype(np.float64)
    bad = np.argwhere(~in_float32(joints))
    if len(bad):
        got = f"{joints[tuple(bad[0])]} at {bad[0].tolist()}, {len(bad)} such"
        raise InputError(f"finite joints in {path}", got, "fetch the data set again")
    people = joints.transpose(2, 1, 0) if joints.shape[1] == LSP14.n else joints.transpose(2, 0, 1)
    labelled = np.ones(people.shape[:2], bool) if joints.shape[1] == LSP14.n else people[..., 2] > 0
    check_sides_2d(convert(np.where(labelled[..., None], people[..., :2], np.nan), LSP14, MPII16)[0], path)
    return joints


def _photos(root: Path, name: str, joints: np.ndarray, labelled: np.ndarray, which: np.ndarray) -> PhotoSet:
    paths = [root / "images" / name.format(i + 1) for i in which]
    missing = [p.name for p in paths if not photo_exists(p)]
    if missing:
        first = ", ".join(missing[:5])
        raise InputError(f"{len(paths)} photos in {root / 'images'}", f"{len(missing)} missing ({first})", "fetch them")
    return PhotoSet(paths, joints[which, :, :2] - 1.0, labelled[which])
