"""MPI-INF-3DHP (Mehta et al., 3DV 2017): eight subjects train, six sequences test, two of them outdoors.

As its own scripts lay it out, free for research: https://vcai.mpi-inf.mpg.de/3dhp-dataset/
- test: mpi_inf_3dhp_test_set/TS1..TS6/annot_data.mat (HDF5) and imageSequence/img_000001.jpg; 17 joints.
- train: S1..S8/Seq1,Seq2/annot.mat and camera.calibration; 28 joints (`mpi_inf_3dhp_train.py`).
Only frames marked valid are tested on: 2,929. `univ_annot3`, the truth of the official metric, is scaled to the size of
one skeleton; `annot3` has the person's own.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from wildpose.data.checks import check_projection, check_sides_3d, check_unit
from wildpose.data.files import FETCH_AGAIN, as_array
from wildpose.data.hdf5 import read_h5
from wildpose.data.people import People
from wildpose.data.sample import Camera
from wildpose.errors import InputError
from wildpose.skeleton import MPI3DHP17, MPII16, convert

Split = Literal["train", "test"]
Truth = Literal["univ_annot3", "annot3"]
TEST_FRAMES = {
    "TS1": (6151, 603),
    "TS2": (6080, 540),
    "TS3": (5838, 505),
    "TS4": (6007, 553),
    "TS5": (320, 276),
    "TS6": (492, 452),
}
"""Frames of each test sequence, and how many of them are valid."""
SCENES = {"TS1": "GS", "TS2": "GS", "TS3": "noGS", "TS4": "noGS", "TS5": "outdoor", "TS6": "outdoor"}
ACTIVITIES = (
    *("Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching"),
    *("On The Floor", "Sports", "Miscellaneous"),
)
"""By the numbers 1 to 7 of activity_annotation."""
PAGE = "https://vcai.mpi-inf.mpg.de/3dhp-dataset/"


@dataclass(frozen=True)
class MpiInf3dhpTest(People):
    """The test set's valid frames; `joints_cam_mm` holds the chosen truth in MPII16's order."""

    joints17_univ_mm: Float[np.ndarray, "N 17 3"] = field(default_factory=lambda: np.zeros((0, 17, 3)))
    """univ_annot3 in MPI3DHP17's order: what the official metric compares with."""
    joints17_mm: Float[np.ndarray, "N 17 3"] = field(default_factory=lambda: np.zeros((0, 17, 3)))
    """annot3 in the same order."""
    activity: Int[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0, int))
    """1 to 7; `action` has their names."""
    frame: Int[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0, int))
    """1-based."""

    @property
    def scene(self) -> Shaped[np.ndarray, " N"]:
        """GS (green screen), noGS or outdoor."""
        return np.array([SCENES[subject] for subject in self.subject.tolist()])


def find_test_sequences(root: Path) -> dict[str, Path]:
    """annot_data.mat of each test sequence that the folder holds."""
    places = {ts: (root / "mpi_inf_3dhp_test_set" / ts, root / ts) for ts in TEST_FRAMES}
    found = {ts: next((p for p in folders if (p / "annot_data.mat").is_file()), None) for ts, folders in places.items()}
    return {ts: folder / "annot_data.mat" for ts, folder in found.items() if folder}


def load_mpi_inf_3dhp(root: str | Path, split: Split, truth: Truth | None = None, stride: int = 5) -> People:
    """MPI-INF-3DHP: `test` the valid frames of TS1 to TS6, `train` every `stride`-th frame of the eight cameras at
    chest height.

    `truth` is what `joints_cam_mm` holds: univ_annot3 for the test set and annot3 for training, if not said otherwise.
    Raises InputError for sequences that are missing or damaged, and for truth that doesn't fit its cameras.
    """
    root = Path(root)
    if split == "train":
        from wildpose.data.mpi_inf_3dhp_train import load_train

        return load_train(root, truth or "annot3", stride)
    found = find_test_sequences(root)
    missing = sorted(TEST_FRAMES.keys() - found.keys())
    if missing:
        raise InputError(
            f"annot_data.mat of TS1 to TS6 in {root}", f"none of {', '.join(missing)}", f"fetch it: {PAGE}"
        )
    parts = [read_test(root, ts, path, truth or "univ_annot3") for ts, path in found.items()]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            *("images", "joints_px", "mask", "boxes_xywh", "joints_cam_mm", "subject", "action"),
            *("joints17_univ_mm", "joints17_mm", "activity", "frame"),
        )
    }
    cameras = tuple(part.cameras[0] for part in parts)
    camera = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return MpiInf3dhpTest(root, **joined, cameras=cameras, camera=camera)


def read_test(root: Path, ts: str, path: Path, truth: Truth) -> MpiInf3dhpTest:
    """The valid frames of one sequence; InputError if the file is damaged or its truth doesn't fit its camera."""
    shapes = {
        "annot2": (None, 1, 17, 2),
        "annot3": (None, 1, 17, 3),
        "univ_annot3": (None, 1, 17, 3),
        "valid_frame": (None, 1),
        "activity_annotation": (None, 1),
    }
    arrays = read_h5(path, shapes, finite=False)
    total = len(arrays["valid_frame"])
    for name, array in arrays.items():
        if len(array) != total:
            raise InputError(f"{name} of {total} frames in {path}", str(len(array)), FETCH_AGAIN)
    valid = np.flatnonzero(arrays["valid_frame"][:, 0] > 0)
    frames, count = TEST_FRAMES[ts]
    if total == frames and len(valid) != count:
        raise InputError(f"{count} valid frames of {frames} in {path}", str(len(valid)), FETCH_AGAIN)
    if not len(valid):
        raise InputError(f"valid frames in {path}", "none", FETCH_AGAIN)
    px, own, univ = (
        as_array(arrays[name][valid, 0], (len(valid), *shapes[name][2:]), f"valid frames of {name}", path)
        for name in ("annot2", "annot3", "univ_annot3")
    )
    activity = arrays["activity_annotation"][valid, 0].astype(int)
    if not np.isin(activity, range(1, len(ACTIVITIES) + 1)).all():
        raise InputError(f"activity_annotation 1 to 7 in {path}", f"{sorted(set(activity.tolist()))}", FETCH_AGAIN)
    joints_px, own16, univ16 = (convert(a, MPI3DHP17, MPII16)[0] for a in (px, own, univ))
    camera = fit_camera(own16, joints_px, ts)
    mask = np.isfinite(joints_px).all(-1)
    check_unit(own16, path, "annot3")
    check_unit(univ16, path, "univ_annot3")
    check_sides_3d(own16, path)
    check_projection(own16, joints_px, mask, camera, path, "annot2 and annot3")
    low, high = px.min(1), px.max(1)
    folder = path.parent.relative_to(root).as_posix()
    return MpiInf3dhpTest(
        root,
        np.array([f"{folder}/imageSequence/img_{i + 1:06d}.jpg" for i in valid.tolist()]),
        joints_px.astype(np.float32),
        mask,
        np.concatenate([low, high - low], 1).astype(np.float32),
        (univ16 if truth == "univ_annot3" else own16).astype(np.float32),
        np.array([ts] * len(valid)),
        np.array(ACTIVITIES)[activity - 1],
        (camera,),
        np.zeros(len(valid), int),
        joints17_univ_mm=univ,
        joints17_mm=own,
        activity=activity,
        frame=valid + 1,
    )


def fit_camera(joints_cam_mm: Float[np.ndarray, "N P 3"], joints_px: Float[np.ndarray, "N P 2"], name: str) -> Camera:
    """The pinhole camera that projects camera-frame joints onto their labels best (least squares in f and c).

    The test set comes without calibration; its 2D labels are such projections. Joints with NaN are left out.
    """
    K = np.eye(3)
    for axis in (0, 1):
        slope = (joints_cam_mm[..., axis] / joints_cam_mm[..., 2]).ravel()
        px = joints_px[..., axis].ravel()
        known = np.isfinite(slope) & np.isfinite(px)
        rows = np.stack([slope[known], np.ones(int(known.sum()))], 1)
        K[axis, axis], K[axis, 2] = np.linalg.lstsq(rows, px[known], rcond=None)[0]
    return Camera(K, np.zeros(5), np.eye(3), np.zeros(3), name)
