"""MPI-INF-3DHP's training set: S1..S8/Seq1,Seq2/annot.mat with (14, 1) object arrays by camera, camera.calibration, and
frames that `wildpose data prepare mpi-inf-3dhp` extracts to imageFrames/video_0/frame_000001.jpg."""

import re
from pathlib import Path

import numpy as np

from wildpose.data.checks import check_projection, check_sides_3d, check_unit
from wildpose.data.files import FETCH_AGAIN, as_array, read_mat
from wildpose.data.packed import packed_in
from wildpose.data.people import People
from wildpose.data.sample import Camera
from wildpose.errors import InputError
from wildpose.skeleton import MPI3DHP28, MPII16, convert

CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""Those that public code trains on, of fourteen; most of the others look down from the ceiling."""
CAMERA_COUNT = 14
SEQUENCES = tuple(f"S{subject}/Seq{take}" for subject in range(1, 9) for take in (1, 2))
PAGE = "https://vcai.mpi-inf.mpg.de/3dhp-dataset/"


def find_train_sequences(root: Path) -> list[Path]:
    """Folders of the training sequences that hold annotations."""
    return [root / name for name in SEQUENCES if (root / name / "annot.mat").is_file()]


def frame_path(camera: int, frame: int) -> str:
    """Where the frame (1-based) of a camera's video lies in its sequence's folder once extracted."""
    return f"imageFrames/video_{camera}/frame_{frame:06d}.jpg"


def extracted_stride(root: Path) -> int | None:
    """How far apart the frames are that were extracted for the first camera that has any; None if none has two."""
    places = (folder / "imageFrames" / f"video_{camera}" for folder in find_train_sequences(root) for camera in CAMERAS)
    return next((stride for stride in map(stride_in, places) if stride), None)


def stride_in(folder: Path) -> int | None:
    """The same of the frames in one folder, loose or packed: the smallest stride of which all are there up to the last,
    for frames of several may lie together."""
    names = {path.name for path in folder.glob("frame_??????.jpg")} | packed_in(folder)
    numbers = {int(name[6:12]) for name in names if re.fullmatch(r"frame_\d{6}\.jpg", name)}
    last = max(numbers, default=0)
    distances = sorted({number - 1 for number in numbers} - {0})
    return next((step for step in distances if set(range(1, last + 1, step)) <= numbers), None)


def load_train(root: Path, truth: str, stride: int) -> People:
    """Every stride-th frame of all sequences that the folder holds, from the usual eight cameras."""
    if stride < 1:
        raise InputError("a stride of 1 or more", str(stride), "5 is usual")
    folders = find_train_sequences(root)
    if not folders:
        raise InputError(f"annot.mat in {root}/S1/Seq1 to S8/Seq2", "none", f"fetch the training set: {PAGE}")
    parts = [part for folder in folders for part in read_sequence(root, folder, truth, stride)]
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "joints_px", "mask", "boxes_xywh", "joints_cam_mm", "subject", "action")
    }
    cameras = tuple(part.cameras[0] for part in parts)
    return People(root, **joined, cameras=cameras, camera=np.repeat(np.arange(len(parts)), [len(p) for p in parts]))


def read_sequence(root: Path, folder: Path, truth: str, stride: int) -> list[People]:
    """One part a camera, in CAMERAS' order; InputError for files that are missing, damaged or don't fit together."""
    path = folder / "annot.mat"
    stored = read_mat(path, ("annot2", truth))
    cameras = read_calibration(folder / "camera.calibration")
    parts = []
    for number in CAMERAS:
        px, mm = (camera_array(stored[name], name, number, size, path) for name, size in (("annot2", 2), (truth, 3)))
        if len(px) != len(mm):
            expected = f"as many frames of annot2 and {truth} for camera {number} in {path}"
            raise InputError(expected, f"{len(px)} and {len(mm)}", FETCH_AGAIN)
        if number not in cameras:
            have = ", ".join(map(str, cameras))
            raise InputError(f"camera {number} in {folder / 'camera.calibration'}", f"only {have}", FETCH_AGAIN)
        parts.append(_one_camera(root, folder, px[::stride], mm[::stride], number, stride, cameras[number], truth))
    return parts


def _one_camera(
    root: Path, folder: Path, px: np.ndarray, mm: np.ndarray, number: int, stride: int, camera: Camera, truth: str
) -> People:
    path, where = folder / "annot.mat", f"camera {number}"
    joints_px, joints_mm = convert(px, MPI3DHP28, MPII16)[0], convert(mm, MPI3DHP28, MPII16)[0]
    mask = np.isfinite(joints_px).all(-1)
    check_unit(joints_mm, path, f"{truth} of {where}")
    check_sides_3d(joints_mm, path)
    if truth == "annot3":  # the other is of a person scaled to one size, and needn't project onto the photo
        check_projection(joints_mm, joints_px, mask, camera, path, where)
    low, high = px.min(1), px.max(1)
    name = folder.relative_to(root).as_posix()
    return People(
        root,
        np.array([f"{name}/{frame_path(number, i * stride + 1)}" for i in range(len(px))]),
        joints_px.astype(np.float32),
        mask,
        np.concatenate([low, high - low], 1).astype(np.float32),
        joints_mm.astype(np.float32),
        np.array([folder.parent.name] * len(px)),
        np.array([folder.name] * len(px)),
        (camera,),
        np.zeros(len(px), int),
    )


def camera_array(stored: np.ndarray, name: str, camera: int, size: int, path: Path) -> np.ndarray:
    """(F, 28, size) of one camera of a (14, 1) object array."""
    if stored.dtype != object or stored.shape != (CAMERA_COUNT, 1):
        got = f"{stored.dtype} of shape {stored.shape}"
        raise InputError(f"{name} as a {CAMERA_COUNT} x 1 cell array in {path}", got, FETCH_AGAIN)
    joints = MPI3DHP28.n
    flat = as_array(stored[camera, 0], (None, joints * size), f"{name}{{{camera + 1}}}", path)
    return flat.reshape(-1, joints, size)


def read_calibration(path: Path) -> dict[int, Camera]:
    """Cameras by number from `camera.calibration`: lines `name`, `intrinsic` and `extrinsic` (4 x 4, mm) for each."""
    if not path.is_file():
        raise InputError(f"{path}", "no such file", f"fetch the training set again: {PAGE}")
    cameras: dict[int, Camera] = {}
    intrinsic, number = None, None
    for i, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        key, *values = line.split() or [""]
        where = f"line {i}"
        if key == "name":
            if not (values and values[0].isdecimal()):
                raise InputError(f"a camera's number in {path}, {where}", line.strip(), FETCH_AGAIN)
            number = int(values[0])
        elif key == "intrinsic":
            intrinsic = as_array(values, (16,), key, path, where).reshape(4, 4)[:3, :3]
        elif key == "extrinsic":
            extrinsic = as_array(values, (16,), key, path, where).reshape(4, 4)
            if number is None or intrinsic is None:
                raise InputError(f"name and intrinsic before extrinsic in {path}, {where}", "neither", FETCH_AGAIN)
            R = extrinsic[:3, :3]
            if np.abs(R @ R.T - np.eye(3)).max() > 1e-2:
                raise InputError(f"a rotation in {path}, {where}", f"{R.round(3).tolist()}", FETCH_AGAIN)
            cameras[number] = Camera(intrinsic, np.zeros(5), R, extrinsic[:3, 3], f"{number}")
    if not cameras:
        raise InputError(f"cameras in {path}", "none", FETCH_AGAIN)
    return cameras
