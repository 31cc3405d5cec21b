"""MPI-INF-3DHP's training videos, S1/Seq1/imageSequence/video_0.avi, to S1/Seq1/imageFrames/video_0/frame_000001.jpg.

The test set needs nothing: it comes as images. Frames that are there are kept, so that a run that was cut off goes on.
"""

from collections.abc import Callable
from pathlib import Path

from wildpose.data.files import FETCH_AGAIN, read_mat
from wildpose.data.mpi_inf_3dhp_train import CAMERAS, PAGE, camera_array, find_train_sequences, frame_path
from wildpose.data.video_frames import extract_frames
from wildpose.errors import InputError


def prepare_mpi_inf_3dhp(root: Path, stride: int = 5, told: Callable[[str], None] = print) -> int:
    """Extract every stride-th annotated frame of the usual eight cameras of every sequence that `root` holds.

    Returns how many frames are there now. Raises InputError for a folder without annotations, and for videos that are
    missing, damaged or end before their annotations do, after all the others are done.
    """
    if stride < 1:
        raise InputError("a stride of 1 or more", str(stride), "5 is usual")
    folders = find_train_sequences(root)
    if not folders:
        raise InputError(f"annot.mat in {root}/S1/Seq1 to S8/Seq2", "none", f"fetch the training set: {PAGE}")
    total, faults = 0, []
    for folder in folders:
        stored = read_mat(folder / "annot.mat", ("annot2",))["annot2"]
        for camera in CAMERAS:
            count = len(camera_array(stored, "annot2", camera, 2, folder / "annot.mat"))
            wanted = {frame: folder / frame_path(camera, frame) for frame in range(1, count + 1, stride)}
            try:
                _extract(folder / "imageSequence" / f"video_{camera}.avi", wanted)
                total += len(wanted)
            except InputError as error:
                faults.append(error)
        told(f"{folder.relative_to(root)}: {len(CAMERAS)} cameras done")
    if faults:
        got = f"{len(faults)} that are not: " + "; ".join(f"{e.expected}, got {e.got}" for e in faults[:5])
        raise InputError(f"whole videos in {root}", got, f"fetch them again: {PAGE}")
    return total


def _extract(video: Path, wanted: dict[int, Path]) -> None:
    missing = {frame: path for frame, path in wanted.items() if not path.is_file()}
    if missing and not video.is_file():
        raise InputError(f"{video}", "no such file", FETCH_AGAIN)
    read = extract_frames(video, f"{video}", missing)
    if missing and read < max(missing):
        raise InputError(f"{max(missing)} frames in {video}", str(read), FETCH_AGAIN)
