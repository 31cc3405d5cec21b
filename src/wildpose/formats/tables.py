"""NPZ and CSV: everything that the JSON holds, a row for each person in each frame (CSV: for each joint of them)."""

import csv
from pathlib import Path

import numpy as np

from wildpose.predict.placement import pelvis_cam_mm
from wildpose.skeleton import MPII16
from wildpose.write import FORMAT, POSE_SHAPES, Recording, whole_file

COLUMNS = (
    *("frame", "time_s", "person", "joint", "x_px", "y_px", "confidence"),
    *("x_mm", "y_mm", "z_mm", "x_cam_mm", "y_cam_mm", "z_cam_mm", "interpolated"),
)
WORLD_COLUMNS = ("x_world_mm", "y_world_mm", "z_world_mm")
"""Only with world axes: from the pelvis, as x_mm to z_mm."""


def write_npz(path: Path, recording: Recording) -> None:
    """Arrays without pickles: `numpy.load(path)` as it is. Row r of each is one person in one frame."""
    frames, camera = recording.frames, recording.camera
    rows = _empty_rows(sum(len(frame.people) for frame in frames))
    at = 0
    for frame in frames:
        for person in frame.people:
            pose = person.pose
            of_frame = {"frame": frame.index, "time_s": frame.time_s}
            own = {"person": person.id, "interpolated": person.interpolated, "pelvis_cam_mm": _pelvis(pose, camera)}
            for name, value in {**of_frame, **own, **vars(pose)}.items():
                rows[name][at] = value
            at += 1
    arrays = {
        "format": np.array(FORMAT),
        "joints": np.array(MPII16.joints),
        "rate_hz": np.array(recording.rate_hz),
        "camera_fx_fy_cx_cy": np.array([camera.fx, camera.fy, camera.cx, camera.cy] if camera else [np.nan] * 4),
        "frames": np.array([frame.index for frame in frames], np.int64),
        "frames_time_s": np.array([frame.time_s for frame in frames], np.float64),
        "frames_size_hw": np.array([(f.height, f.width) for f in frames], np.int64).reshape(-1, 2),
        **rows,
    }
    if recording.world:
        arrays["world_pitch_deg"] = np.array(recording.world.pitch_deg)
        arrays["joints_world_mm"] = recording.world.turn(arrays["joints_mm"].astype(np.float64)).astype(np.float32)
        pelvises = arrays["pelvis_cam_mm"].astype(np.float64)
        arrays["pelvis_world_mm"] = recording.world.turn(pelvises).astype(np.float32)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # no object arrays among them: nothing to pickle


def _empty_rows(count: int) -> dict[str, np.ndarray]:
    """Arrays with a row for each person in each frame, to be filled."""
    whole = {"frame": np.int64, "time_s": np.float64, "person": np.int64, "interpolated": bool, "score": np.float32}
    shapes = {**POSE_SHAPES, "pelvis_cam_mm": (3,)}
    rows = {name: np.zeros(count, kind) for name, kind in whole.items()}
    return rows | {name: np.zeros((count, *shape), np.float32) for name, shape in shapes.items()}


def _pelvis(pose, camera) -> np.ndarray:
    pelvis = camera and pelvis_cam_mm(pose, camera)
    return np.full(3, np.nan) if pelvis is None else pelvis


def write_csv(path: Path, recording: Recording) -> None:
    """One joint of one person in one frame a line, with a header line; what isn't known is left empty."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS + (WORLD_COLUMNS if recording.world else ()))
        for frame in recording.frames:
            for person in frame.people:
                pose, pelvis = person.pose, _pelvis(person.pose, recording.camera)
                upright = recording.world and recording.world.turn(pose.joints_mm.astype(np.float64))
                for joint, name in enumerate(MPII16.joints):
                    mm = pose.joints_mm[joint].astype(np.float64)
                    table.writerow([
                        *(frame.index, f"{frame.time_s:.4f}", person.id, name),
                        *(f"{value:.2f}" for value in pose.joints_px[joint]),
                        f"{pose.confidence[joint]:.3f}",
                        *(_cell(value) for value in (*mm, *(mm + pelvis))),
                        int(person.interpolated),
                        *(() if upright is None else map(_cell, upright[joint])),
                    ])  # fmt: skip


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.1f}"
