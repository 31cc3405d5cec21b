"""`wildpose predict`: photos and videos in; JSON, overlay pictures and videos out."""

from pathlib import Path
from typing import Annotated

import tyro


def predict(
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    /,
    out: Path,
    box: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = (),
    weights: str = "default",
    max_people: int = 1,
    stride: int = 1,
    max_frames: int | None = None,
    threads: int | None = None,
    pictures: bool = True,
) -> None:
    """Find people in photos and videos and write their 3D poses.

    For each input STEM.json (format wildpose/1: px, and mm relative to the pelvis) and, for photos, STEM_overlay.jpg;
    for videos STEM_frames/, STEM_sheet.jpg and STEM_overlay.mp4.

    Args:
        inputs: Photos, videos, or folders of them.
        out: Folder for the results; made if missing.
        box: X,Y,W,H of a person in px instead of looking for people; may be repeated. For a video, in its first frame.
        weights: An .onnx file, or "default" for the one inside the package.
        max_people: Look for at most so many people in a picture.
        stride: Take every N-th frame of a video.
        max_frames: Stop a video after so many frames taken.
        threads: CPU threads for the network (default 2).
        pictures: Draw overlays, too.
    """
    from wildpose.errors import InputError
    from wildpose.predict.estimator import PoseEstimator
    from wildpose.predict.inputs import list_sources
    from wildpose.results import Job

    for name, value in (("--stride", stride), ("--max-people", max_people), ("--max-frames", max_frames)):
        if value is not None and value < 1:
            raise InputError(f"{name} of at least 1", str(value), "give a positive number")
    sources = list_sources(inputs)
    boxes = [parse_box(text) for text in box] or None
    estimator = PoseEstimator(weights, threads)
    job = Job(estimator, out, boxes, max_people, stride, max_frames, pictures)
    job.check(sources)
    for source in sources:
        print(job.run(source))


def parse_box(text: str) -> tuple[float, float, float, float]:
    """X,Y,W,H to numbers. Raises InputError."""
    from wildpose.errors import InputError

    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError("--box X,Y,W,H, four numbers in px", repr(text), "for example --box 120,40,200,380") from None
    return x, y, w, h
