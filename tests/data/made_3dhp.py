"""MPI-INF-3DHP's files with the real schema, a few frames each."""

from pathlib import Path

import h5py
import numpy as np
from made_bodies import body, room_camera, seen
from scipy.io import savemat

from wildpose.data.sample import Camera

FRAMES = 8
VALID = {"TS1": [1, 0, 1, 1, 0, 1, 1, 1]}
"""TS1's valid frames; of the others all are."""
UNIVERSAL = 0.92
"""Size of the universal skeleton relative to the person's."""


def pose(skeleton: str, frame: int) -> np.ndarray:
    return body(skeleton, turned=0.3 * frame, at=(600.0, 30.0 * frame))


def write_test(root: Path, change=lambda ts, arrays: None) -> None:
    """TS1 to TS6. MATLAB holds 2 x 17 x 1 x N in columns; in the HDF5 file it lies as N x 1 x 17 x 2."""
    for k in range(1, 7):
        camera = room_camera(around=0.5 * k)
        both = [seen(camera, pose("MPI3DHP17", frame)) for frame in range(FRAMES)]
        mm, px = (np.stack(values) for values in zip(*both, strict=True))
        valid = np.array(VALID.get(f"TS{k}", [1] * FRAMES))
        mm[valid == 0] = np.nan
        matlab = {
            "annot2": px.transpose(2, 1, 0)[:, :, None, :],
            "annot3": mm.transpose(2, 1, 0)[:, :, None, :],
            "univ_annot3": UNIVERSAL * mm.transpose(2, 1, 0)[:, :, None, :],
            "valid_frame": valid[None].astype(float),
            "activity_annotation": np.full((1, FRAMES), 1.0 + k % 7),
        }
        change(f"TS{k}", matlab)
        folder = root / "mpi_inf_3dhp_test_set" / f"TS{k}"
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / "annot_data.mat", "w", userblock_size=512) as file:  # as MATLAB 7.3 writes them
            for name, array in matlab.items():
                file[name] = array.T
        with (folder / "annot_data.mat").open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(512))


def calibration(cameras: dict[int, Camera]) -> str:
    lines = ["Skeletool Camera Calibration File V1.0"]
    for number, camera in cameras.items():
        intrinsic, extrinsic = np.eye(4), np.eye(4)
        intrinsic[:3, :3] = camera.K
        extrinsic[:3, :3], extrinsic[:3, 3] = camera.R, camera.t_mm
        lines += [f"name          {number}", "  sensor      10 10", "  size        2048 2048", "  animated    0"]
        lines += ["  intrinsic   " + " ".join(map(repr, intrinsic.ravel().tolist()))]
        lines += ["  extrinsic   " + " ".join(map(repr, extrinsic.ravel().tolist())), "  radial      0"]
    return "\n".join(lines) + "\n"


def write_train(root: Path, change=lambda arrays: None, cameras=None) -> Path:
    """S1/Seq1 with fourteen cameras; a camera is a cell, a frame a row of 56 or 84 numbers in it."""
    folder = root / "S1" / "Seq1"
    folder.mkdir(parents=True, exist_ok=True)
    real = {number: room_camera(f"{number}", around=0.4 * number) for number in range(14)}
    (folder / "camera.calibration").write_text(calibration(real if cameras is None else cameras))
    arrays = {name: np.empty((14, 1), dtype=object) for name in ("annot2", "annot3", "univ_annot3")}
    for number, camera in real.items():
        both = [seen(camera, pose("MPI3DHP28", frame)) for frame in range(FRAMES)]
        mm, px = (np.stack(values).reshape(FRAMES, -1) for values in zip(*both, strict=True))
        arrays["annot2"][number, 0], arrays["annot3"][number, 0] = px, mm
        arrays["univ_annot3"][number, 0] = UNIVERSAL * mm
    change(arrays)
    path = folder / "annot.mat"
    savemat(path, arrays | {"frames": np.arange(FRAMES)[:, None], "cameras": np.arange(14)[None]})
    return path
