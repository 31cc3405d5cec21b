"""Photos, folders, videos and cameras as the user names them, and the frames of the latter two, as RGB uint8."""

import glob
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from wildpose.errors import InputError
from wildpose.predict.file_kinds import check_video
from wildpose.predict.own_files import own_pictures
from wildpose.predict.photo_files import FIX, MOST_VIDEO_PIXELS, check_size
from wildpose.predict.photos import STDIN, silent_decoders
from wildpose.predict.photos import read_photo as read_photo  # its other name, for those who know it from here

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".vob"),
    *(".mts", ".m2ts", ".ts", ".3gp", ".3g2", ".wmv", ".asf", ".flv"),  # camcorders, telephones, older programs
)
MOST_HZ = 240.0
"""A video's stated rate above this is believed for want of a better one, but nothing is counted by it: WebM of browsers
and screen recorders states none, and OpenCV makes up 1000."""
STAMP_S = 1e-3
"""WebM and Matroska round times to ms."""
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # damaged frames are no news worth the user's terminal


@dataclass(frozen=True)
class Source:
    """One input, and the name that its outputs bear."""

    path: Path
    """STDIN: a photo from standard input."""
    kind: Literal["photo", "video", "camera"]
    stem: str
    camera: int = 0
    """Number of the camera, if it is one."""


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    image_rgb: UInt8[np.ndarray, "H W 3"]
    index: int
    """Frame number in the video, from 0; 0 for a photo."""
    time_s: float
    """Since the video's first frame, as the file says it, a camera's by the clock; 0 for a photo."""


@dataclass(frozen=True)
class Moment:
    """A place in a video: a time, or the number of a frame."""

    seconds: float | None = None
    frame: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Moment":
        """ "12.5" is seconds, "300f" a frame number. Raises InputError."""
        try:
            moment = cls(frame=int(text[:-1])) if text.endswith("f") else cls(seconds=float(text))
        except ValueError:
            moment = cls(seconds=-1.0)
        value = moment.frame if moment.seconds is None else moment.seconds
        if not isfinite(value) or value < 0:
            raise InputError("a moment of a video", repr(text), "give seconds, as 12.5, or a frame number, as 300f")
        return moment

    def index(self, fps: float) -> int:
        """Number of the first frame that isn't before it, in a video of constant rate."""
        return self.frame if self.seconds is None else int(np.ceil(self.seconds * fps - 1e-6))

    def is_past(self, index: int, time_s: float) -> bool:
        """Whether a frame isn't before it."""
        return index >= self.frame if self.seconds is None else time_s >= self.seconds - 1e-6


def camera_source(number: int) -> Source:
    """A webcam or other capture device."""
    return Source(Path(f"camera {number}"), "camera", f"camera{number}", number)


def list_sources(inputs: Sequence[str | Path]) -> list[Source]:
    """The files that the inputs stand for: folders give the photos and videos in them, by name, not deeper; patterns
    such as "shots/*.jpg" and "shots/**/*.jpg" the files that they match, neither what an earlier run wrote there; "-" a
    photo from standard input.

    Raises InputError if a path is missing, a file is of an unknown kind, a folder holds no photo or video,
    or two files from different folders would write to the same output.
    """
    paths: list[Path] = []
    for given in map(Path, inputs):
        if given == STDIN:
            paths.append(given)
        elif given.is_dir():
            paths += _inside(given)
        elif not given.is_file():
            matched = [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]
            if not matched:
                raise InputError(f"a photo, video or folder at {given}", "nothing there", "check the path")
            paths += _to_read(matched)
        elif not _kind(given):
            raise InputError(f"a photo or video, by its ending, at {given}", repr(given.suffix), f"{FIX}, or a video")
        else:
            paths.append(given)
    if not paths:
        raise InputError("at least one photo, video or folder", "none", "name one")
    return _named(list(dict.fromkeys(paths)))


def _inside(folder: Path) -> list[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"a readable folder at {folder}", error.strerror or "an error", "check its rights") from error
    known = _to_read(inside)
    if not known:
        raise InputError(
            f"photos or videos in the folder {folder}",
            "none" if inside else "an empty folder",
            f"use one with {', '.join(PHOTO_SUFFIXES + VIDEO_SUFFIXES[:3])}",
        )
    return known


def _to_read(paths: list[Path]) -> list[Path]:
    """Photos and videos; not the pictures that an earlier run wrote among them."""
    files = [path for path in paths if path.is_file() and _kind(path)]
    ours = own_pictures(files)
    return [path for path in files if path not in ours]


def _kind(path: Path) -> Literal["photo", "video"] | None:
    suffix = path.suffix.lower()
    return "photo" if suffix in PHOTO_SUFFIXES or path == STDIN else "video" if suffix in VIDEO_SUFFIXES else None


def _named(paths: list[Path]) -> list[Source]:
    """Outputs are named by the stem; `a.jpg` beside `a.png` become `a_jpg` and `a_png`."""
    stems = ["stdin" if path == STDIN else path.stem for path in paths]
    names = [
        path.name.replace(".", "_") if stems.count(stem) > 1 else stem for path, stem in zip(paths, stems, strict=True)
    ]
    for name in names:
        if names.count(name) > 1:
            same = [str(p) for p, n in zip(paths, names, strict=True) if n == name]
            raise InputError("inputs of different names", " and ".join(same[:2]), "run them apart, each with its --out")
    return [Source(p, _kind(p), name) for p, name in zip(paths, names, strict=True)]


class Video:
    """A video file or a camera, read frame by frame.

    Raises InputError if it isn't a video, can't be opened, its first frame not be decoded, its frames have more than
    70 megapixels, or its name isn't UTF-8.
    """

    def __init__(self, path: str | Path, camera: int | None = None):
        self.path, self.camera, self.stopped = Path(path), camera, False
        if camera is None:
            check_video(self.path)
            check_utf8(self.path)
        with silent_decoders():
            capture = self._open()
            width, height = (_number(capture, which, 0.0) for which in (3, 4))
            check_size(path, int(width), int(height), MOST_VIDEO_PIXELS)
            readable = capture.isOpened() and capture.read()[0]
        fps = _number(capture, cv2.CAP_PROP_FPS, 0.0)
        self.fps = fps if 0 < fps <= 1000 else 30.0
        """As the file states it, which some do wrongly; the frames' times are right all the same."""
        self.frame_count = int(np.clip(_number(capture, cv2.CAP_PROP_FRAME_COUNT, 0.0), 0, 1e9))
        """As the file states it; some state it wrongly, so only good for a progress bar. 0: unknown."""
        capture.release()
        if not readable and camera is not None:
            raise InputError(f"a picture from camera {camera}", "none", "check that it is plugged in and not in use")
        if not readable:
            raise InputError(
                f"a video at {self.path}", "a file without readable frames", "give an MP4, MOV, AVI or MKV"
            )

    def stop(self) -> None:
        """Make `frames` end as if the video ended here: what comes after it in a pipeline finishes in peace."""
        self.stopped = True

    @classmethod
    def of(cls, source: Source) -> "Video":
        """The video of a source, file or camera."""
        return cls(source.path, source.camera if source.kind == "camera" else None)

    def _open(self) -> cv2.VideoCapture:
        if self.camera is not None:
            return cv2.VideoCapture(self.camera)
        # In full, or FFmpeg would take what is before a colon in the name for a protocol.
        capture = cv2.VideoCapture(str(self.path.absolute()), cv2.CAP_FFMPEG)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # upright, as phones say in the file; OpenCV's default is not to
        return capture

    def frames(
        self,
        stride: int = 1,
        max_frames: int | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        most_hz: float | None = None,
    ) -> Iterator[Frame]:
        """Every stride-th frame from `start` until before `end`, at most max_frames of them and most_hz a second.

        What comes before is decoded, too, but not converted: jumping is inexact in many files.
        """
        with silent_decoders():
            capture = self._open()
        first, given, begun = None, 0, time.monotonic()
        timeline, least_s, taken_s = Timeline(self.fps), 1 / most_hz - STAMP_S if most_hz else 0.0, -np.inf
        try:
            for index in itertools.count():
                if self.stopped or given == max_frames or not capture.grab():
                    return
                stamp_s = _number(capture, cv2.CAP_PROP_POS_MSEC, 0.0) / 1000
                time_s = timeline.at(index, stamp_s) if self.camera is None else time.monotonic() - begun
                if end and end.is_past(index, time_s):
                    return
                if first is None and (start is None or start.is_past(index, time_s)):
                    first = index
                if first is not None and (index - first) % stride == 0 and time_s - taken_s >= least_s:
                    decoded, image = capture.retrieve()
                    if not decoded:
                        return
                    yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), index, time_s)
                    given, taken_s = given + 1, time_s
        finally:
            capture.release()

    def expected_frames(
        self, stride: int, max_frames: int | None, start: Moment | None, end: Moment | None
    ) -> int | None:
        """How many frames `frames` will give if the file tells the truth about its length and rate; None if it says
        nothing, or nothing likely."""
        if self.fps > MOST_HZ:
            return None
        last = min(self.frame_count or 10**9, end.index(self.fps) if end else 10**9)
        count = -(-(last - (start.index(self.fps) if start else 0)) // stride)
        count = min(max(count, 0), max_frames or 10**9)
        return count if count < 10**8 else None


class Timeline:
    """Times of a file's frames by its own stamps. They are what tells the time of phones and screen recorders, whose
    rate changes on the way, and of browsers' recordings, which state none."""

    def __init__(self, fps: float):
        self.fps, self._begun_s, self._last_s = fps, 0.0, -np.inf

    def at(self, index: int, stamp_s: float) -> float:
        """Since the first frame. Where the stamps go by the stated rate, by that, for they are rounded; a frame whose
        stamp isn't after the last one's (files without any, streams that start again) comes a stated frame later."""
        if index == 0:
            self._begun_s = stamp_s
        even_s, stamped_s = index / self.fps, stamp_s - self._begun_s
        time_s = even_s if abs(stamped_s - even_s) <= STAMP_S else stamped_s
        if time_s <= self._last_s:
            time_s = self._last_s + 1 / self.fps
        self._last_s = time_s
        return time_s


def check_utf8(path: Path) -> None:
    """OpenCV's videos crash on file names that aren't UTF-8, as old archives and shares have them: InputError."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise InputError("a file name in UTF-8", repr(str(path)), "rename the file, or its folder") from None


def _number(capture: cv2.VideoCapture, which: int, otherwise: float) -> float:
    """A property of a video, for some files state none or NaN."""
    value = capture.get(which)
    return value if isfinite(value) else otherwise
