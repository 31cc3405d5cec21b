"""From the official archives of Human3.6M to an index of .npz files with images, as `human36m_npz.py` reads it.

    OUT/images/S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg ...
    OUT/annotation_body3d/cameras.json
    OUT/annotation_body3d/stride5/h36m_train.npz, stride64/h36m_test.npz

The images are the progress: a run that was cut off goes on with those that aren't there, and the index of a split
appears last, whole. Boxes are 1.2 times the larger side of the joints' box, as in MMPose's index.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wildpose.data.human36m import PAGE, SUBJECTS, Sequence, is_corrupt
from wildpose.data.human36m_archives import (
    ARCHIVES,
    FOLDERS,
    METADATA,
    Metadata,
    expected_videos,
    files_of,
    find_place,
    read_metadata,
    read_takes,
)
from wildpose.data.human36m_cameras import write_cameras
from wildpose.data.sample import Camera
from wildpose.data.video_frames import extract_frames
from wildpose.errors import InputError
from wildpose.write import whole_file

BOX_MARGIN, SCALE_PX, MM_PER_M = 1.2, 200.0, 1000.0
SHORT_FRAMES = 50
"""A video may end a second before its poses do: those are left out. If more is missing it is taken to be damaged."""
Told = Callable[[str], None]


@dataclass
class _Rows:
    """One sequence: its frames and what the index holds of them."""

    sequence: Sequence
    frames: np.ndarray
    """1-based."""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def paths(self, out: Path) -> dict[int, Path]:
        return {frame: out / "images" / _image(self.sequence, frame) for frame in self.frames.tolist()}

    def cut(self, out: Path) -> "_Rows":
        """Without the frames that have no image."""
        there = np.array([path.is_file() for path in self.paths(out).values()], bool)
        return _Rows(self.sequence, self.frames[there], {name: a[there] for name, a in self.arrays.items()})


def prepare_human36m(
    source: Path,
    out: Path,
    strides: dict[str, int],
    subjects: tuple[str, ...] = (),
    metadata: Path | None = None,
    told: Told = print,
) -> list[Path]:
    """Write images, cameras and indices; returns the indices.

    source: folder with the archives or what they hold. strides: every which frame of the 50 a second, by split.
    subjects: some only; all seven if empty. told: gets a line a subject. Raises InputError for archives, takes and
    videos that are missing or damaged; what was written until then is taken up by the next run.
    """
    known = read_metadata(metadata or source / METADATA)
    everyone = [subject for split in SUBJECTS.values() for subject in split]
    unknown = [subject for subject in subjects if subject not in everyone]
    if unknown:
        raise InputError(f"subjects of {', '.join(everyone)}", ", ".join(unknown), "mend --subjects")
    if min(strides.values()) < 1:
        raise InputError("strides of 1 or more", f"{strides}", "usual: 5 to train, 64 to test")
    wanted = {split: [s for s in names if s in (subjects or everyone)] for split, names in SUBJECTS.items()}
    _require_archives(source, [subject for names in wanted.values() for subject in names])
    folder = out / "annotation_body3d"
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / "cameras.json") as draft:
        write_cameras(draft, known.cameras)
    written = []
    for split, names in wanted.items():
        rows = [row for subject in names for row in _subject(source, out, subject, strides[split], known, told)]
        if rows:
            path = folder / f"stride{strides[split]}" / f"h36m_{split}.npz"
            _write_index(path, rows)
            written.append(path)
    return written


def _require_archives(source: Path, subjects: list[str]) -> None:
    missing = [
        f"{ARCHIVES[kind].format(subject)} or {subject}/{FOLDERS[kind]}"
        for subject in subjects
        for kind in ARCHIVES
        if find_place(source, subject, kind) is None
    ]
    if missing:
        some = "; ".join(missing[:5])
        raise InputError(f"Human3.6M's archives in {source}", f"{len(missing)} missing ({some})", f"fetch them: {PAGE}")


def _subject(source: Path, out: Path, subject: str, stride: int, metadata: Metadata, told: Told) -> list[_Rows]:
    """All sequences of a subject, with their images written."""
    rows: dict[str, _Rows] = {}
    takes = read_takes(source, subject, metadata)
    for name, (take, camera) in expected_videos(metadata.takes[subject]).items():
        sequence = Sequence(subject, *take, camera)
        if is_corrupt(sequence):
            told(f"{sequence.name} left out: its video is damaged in the official release")
        else:
            rows[name] = _make_rows(sequence, takes[take], stride, metadata.cameras[subject, camera])
    lacking = {name for name, row in rows.items() if not all(path.is_file() for path in row.paths(out).values())}
    place = find_place(source, subject, "videos")
    if lacking and place is not None:
        for name, video in files_of(place, subject, "videos"):
            if name in lacking:
                _extract(video, f"{place}, {name}.mp4", rows[name], out, told)
                lacking.discard(name)
    if lacking:
        some = ", ".join(f"{name}.mp4" for name in sorted(lacking)[:5])
        raise InputError(
            f"the videos of {subject} in {place}", f"{len(lacking)} missing ({some})", f"fetch them: {PAGE}"
        )
    cut = [row.cut(out) for row in rows.values()]
    told(f"{subject}: {len(cut)} sequences, {sum(len(row.frames) for row in cut)} images")
    return cut


def _extract(video: Path, where: str, row: _Rows, out: Path, told: Told) -> None:
    missing = {frame: path for frame, path in row.paths(out).items() if not path.is_file()}
    if not missing:
        return
    read, last = extract_frames(video, where, missing), max(missing)  # it is read up to the last one that is missing
    if last - read > SHORT_FRAMES:
        raise InputError(f"{last} frames or more in {where}", str(read), f"fetch it again: {PAGE}")
    if read < last:
        told(f"{row.sequence.name}: the video has {read} frames; poses after them are left out")


def _make_rows(sequence: Sequence, room_mm: np.ndarray, stride: int, camera: Camera) -> _Rows:
    frames = np.arange(1, len(room_mm) + 1, stride)
    cam_mm = room_mm[::stride] @ camera.R.T + camera.t_mm
    px = camera.project(cam_mm)
    if not np.isfinite(px).all():
        expected = f"people before camera {camera.name} in {sequence.name}"
        raise InputError(expected, "joints behind it", "check metadata.xml and the poses")
    low, high, ones = px.min(1), px.max(1), np.ones((len(px), 17, 1))
    arrays = {
        "imgname": np.array([_image(sequence, frame) for frame in frames.tolist()], dtype=bytes),
        "center": (low + high) / 2,
        "scale": BOX_MARGIN * (high - low).max(1) / SCALE_PX,
        "part": np.concatenate([px, ones], 2),
        "S": np.concatenate([cam_mm / MM_PER_M, ones], 2),
    }
    return _Rows(
        sequence, frames, {name: a if name == "imgname" else a.astype(np.float32) for name, a in arrays.items()}
    )


def _image(sequence: Sequence, frame: int) -> str:
    return f"{sequence.subject}/{sequence.name}/{sequence.name}_{frame:06d}.jpg"


def _write_index(path: Path, rows: list[_Rows]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as draft, draft.open("wb") as file:
        np.savez(file, **{name: np.concatenate([row.arrays[name] for row in rows]) for name in rows[0].arrays})
