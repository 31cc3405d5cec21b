"""`wildpose predict`: photos, videos and cameras in; poses, overlay pictures and pages out."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from wildpose.errors import InputError


def predict(
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional] = (),
    /,
    *,
    out: Path,
    box: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = (),
    format: str = "json",
    html: bool = False,
    camera: int | None = None,
    start: str | None = None,
    end: str | None = None,
    stride: int = 1,
    max_frames: int | None = None,
    max_people: int = 1,
    fov: float | None = None,
    intrinsics: str | None = None,
    axes: Literal["camera", "world"] = "camera",
    pitch_deg: float | None = None,
    height_mm: float | None = None,
    smooth: bool = True,
    weights: str = "default",
    detector: str = "default",
    flip: bool = True,
    threads: int | None = None,
    pictures: bool = True,
) -> None:
    """Find people in photos and videos and write their 3D poses.

    For each input STEM.json (format wildpose/1: px, and mm relative to the pelvis) and, for photos, STEM_overlay.jpg;
    for videos STEM_frames/, STEM_sheet.jpg and STEM_overlay.webm. Of several inputs, those that can't be used are
    skipped and listed at the end (exit code 1). Ctrl-C ends a video; what was done until then is written.

    Args:
        inputs: Photos, videos, folders of them, patterns in quotes, or "-" for a photo from standard input.
        out: Folder for the results; made if missing.
        box: X,Y,W,H of a person in px instead of looking for people; may be repeated. For a video, in its first frame.
        format: Out of json, npz, csv, trc, bvh; several with commas: --format json,csv.
        html: Write STEM.html, too: one page with pictures and 3D poses to turn, to be opened in a browser, offline.
        camera: Number of a webcam to watch, until Ctrl-C or --max-frames.
        start: Where in a video to begin: seconds (12.5) or a frame number (300f).
        end: Where to end, likewise.
        stride: Take every N-th frame of a video.
        max_frames: Stop a video after so many frames taken.
        max_people: Look for at most so many people in a picture.
        fov: Angle of view across a picture's longer side in degrees, to place people before the camera and to see how
            they are turned to it. By default what a photo's EXIF says, else 60.
        intrinsics: FX,FY,CX,CY of the camera in px instead.
        axes: "world" adds joints in axes whose z points up (+x right, +y away), for a camera held level or --pitch-deg.
        pitch_deg: How far the camera looks down, in degrees; implies --axes world, and sets TRC and BVH upright.
        height_mm: Stature of the people, to give them their true size instead of a mean adult's.
        smooth: Steady each person's joints over the frames of a video, and fill gaps of less than half a second.
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        detector: Likewise, the network that finds people (docs/detector.md).
        flip: Average with the poses of the mirrored pictures; --no-flip is faster and errs more.
        threads: CPU threads for the networks (default 2).
        pictures: Draw overlays, too.
    """
    from wildpose.formats.save import check_formats
    from wildpose.predict.estimator import PoseEstimator
    from wildpose.predict.inputs import Moment, camera_source, list_sources
    from wildpose.predict.placement import World
    from wildpose.results import SMOOTH, Job

    counts = {"--stride": stride, "--max-people": max_people, "--max-frames": max_frames, "--threads": threads}
    for name, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"{name} of at least 1", str(value), "give a positive number")
    _check_range("--fov", fov, 1.0, 170.0, "degrees")
    _check_range("--height-mm", height_mm, 300.0, 2700.0, "mm")
    _check_range("--pitch-deg", pitch_deg, -90.0, 90.0, "degrees")
    formats = tuple(dict.fromkeys(format.split(",")))
    check_formats(formats)
    sources = list_sources(inputs) if inputs or camera is None else []
    sources += [] if camera is None else [camera_source(camera)]
    job = Job(
        estimator=PoseEstimator(weights, threads, detector, flip),
        out=out,
        boxes=[parse_box(text) for text in box] or None,
        max_people=max_people,
        stride=stride,
        max_frames=max_frames,
        start=Moment.parse(start) if start else None,
        end=Moment.parse(end) if end else None,
        pictures=pictures,
        formats=formats,
        html=html,
        camera=parse_intrinsics(intrinsics) if intrinsics else None,
        fov_deg=fov,
        world=World(pitch_deg or 0.0, pitch_deg is None) if axes == "world" or pitch_deg is not None else None,
        height_mm=height_mm,
        smoothing=SMOOTH if smooth else None,
    )
    _run_all(job, sources)


def _run_all(job, sources) -> None:
    """Each source in turn. A single bad one is an error; of several, bad ones are listed at the end, exit code 1."""
    from wildpose.results import OutputError, printable

    bad: list[InputError] = []
    for source in sources:
        try:
            print(printable(job.run(source)), flush=True)
        except OutputError:
            raise
        except InputError as error:
            if len(sources) == 1:
                raise
            bad.append(error)
    if bad:
        print(f"{len(bad)} of {len(sources)} inputs could not be used:", file=sys.stderr)
        for error in bad:
            print(f"  error: {error}", file=sys.stderr)
        raise SystemExit(1)


def _check_range(name: str, value: float | None, low: float, high: float, unit: str) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} from {low:g} to {high:g} {unit}", f"{value:g}", "check the unit")


def parse_box(text: str) -> tuple[float, float, float, float]:
    """X,Y,W,H to numbers. Raises InputError."""
    return _four(text, "--box X,Y,W,H, four numbers in px", "--box 120,40,200,380")


def parse_intrinsics(text: str):
    """FX,FY,CX,CY to a Camera. Raises InputError."""
    from wildpose.predict.placement import Camera

    camera = Camera(*_four(text, "--intrinsics FX,FY,CX,CY, four numbers in px", "--intrinsics 1400,1400,960,540"))
    sane = all(abs(value) <= 1e7 for value in (camera.fx, camera.fy, camera.cx, camera.cy))  # no inf, no NaN
    if not (sane and camera.fx > 0 and camera.fy > 0):
        raise InputError("--intrinsics with FX, FY > 0", repr(text), "give focal lengths in px")
    return camera


def _four(text: str, expected: str, example: str) -> tuple[float, float, float, float]:
    try:
        a, b, c, d = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(expected, repr(text), f"for example {example}") from None
    return a, b, c, d
