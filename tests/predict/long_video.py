"""The memory that hours of video take: `wildpose predict` in all formats on a film of tiny pictures.

    python tests/predict/long_video.py 180000

writes a video of so many frames (two hours at 25 Hz), lets two made-up people be seen in each, and prints the most
memory that the process held. The networks are left out: what they need does not grow with the frames. Their memory, and
that of large pictures, comes on top.
"""

import resource
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from wildpose import results
from wildpose.predict.follow import Tracked
from wildpose.predict.inputs import list_sources
from wildpose.types import Pose3D


def write_film(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25.0, (64, 48))
    for k in range(frames):
        writer.write(np.full((48, 64, 3), k % 256, np.uint8))
    writer.release()
    return path


def somebody(k: int, id: int) -> Tracked:
    """Joints that move, so that nothing compresses to nothing; no two in one place."""
    at = np.random.default_rng(id).normal(size=(16, 3)) * 300 + 20 * np.sin(0.1 * k + np.arange(48).reshape(16, 3))
    at = (at - at[6]).astype(np.float32)
    return Tracked(id, Pose3D(at[:, :2] + 30, at, np.full(16, 0.8, np.float32), np.full(4, 20, np.float32), 0.8))


def main(frames: int) -> None:
    results._see = lambda estimator, film, boxes, most: ((f, [somebody(f.index, i) for i in (0, 1)]) for f in film)
    with tempfile.TemporaryDirectory() as folder:
        film = write_film(Path(folder) / "film.mp4", frames)
        formats = ("json", "npz", "csv", "trc", "bvh")
        job = results.Job(SimpleNamespace(), Path(folder), None, 2, formats=formats, html=True, pictures=False)
        job.run(list_sources([film])[0])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{frames} frames, two people, all formats and the page: at most {peak_mb:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]))
