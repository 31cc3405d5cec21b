"""Photos, folders and videos as the user names them, checked before any work begins; pixels as RGB uint8."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from wildpose.errors import InputError
from wildpose.predict.photo_files import check_whole

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
FIX_PHOTO = "give a whole JPEG, PNG, WebP, BMP or TIFF file"


@dataclass(frozen=True)
class Source:
    """One input file, and the name that its outputs bear."""

    path: Path
    kind: Literal["photo", "video"]
    stem: str


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    image_rgb: UInt8[np.ndarray, "H W 3"]
    index: int
    """Frame number in the video, from 0; 0 for a photo."""
    time_s: float
    """Since the video's first frame; 0 for a photo."""


def list_sources(inputs: Sequence[str | Path]) -> list[Source]:
    """The files that the inputs stand for, folders replaced by the photos and videos in them (not deeper), by name.

    Raises InputError if a path is missing, a file is of an unknown kind, a folder holds no photo or video,
    or two files from different folders would write to the same output.
    """
    paths: list[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            inside = sorted(p for p in given.iterdir() if p.is_file() and _kind(p))
            if not inside:
                raise InputError(
                    f"photos or videos in the folder {given}",
                    "none" if any(given.iterdir()) else "an empty folder",
                    f"use one with {', '.join(PHOTO_SUFFIXES + VIDEO_SUFFIXES[:3])}",
                )
            paths += inside
        elif not given.is_file():
            raise InputError(f"a photo, video or folder at {given}", "nothing there", "check the path")
        elif not _kind(given):
            raise InputError(
                f"a photo or video, by its ending, at {given}", repr(given.suffix), f"{FIX_PHOTO}, or a video"
            )
        else:
            paths.append(given)
    if not paths:
        raise InputError("at least one photo, video or folder", "none", "name one")
    return _named(list(dict.fromkeys(paths)))


def _kind(path: Path) -> Literal["photo", "video"] | None:
    suffix = path.suffix.lower()
    return "photo" if suffix in PHOTO_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else None


def _named(paths: list[Path]) -> list[Source]:
    """Outputs are named by the stem; `a.jpg` beside `a.png` become `a_jpg` and `a_png`."""
    stems = [p.stem for p in paths]
    names = [p.name.replace(".", "_") if stems.count(p.stem) > 1 else p.stem for p in paths]
    for name in names:
        if names.count(name) > 1:
            same = [str(p) for p, n in zip(paths, names, strict=True) if n == name]
            raise InputError("inputs of different names", " and ".join(same[:2]), "run them apart, each with its --out")
    return [Source(p, _kind(p), name) for p, name in zip(paths, names, strict=True)]


def read_photo(path: str | Path) -> UInt8[np.ndarray, "H W 3"]:
    """An upright RGB photo: EXIF rotation applied, grey and 16 bit brought to 8-bit colour, alpha laid over white.

    Raises InputError if the file is missing, not a picture, or cut short (OpenCV would fill the rest with grey).
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"a photo at {path}", "no such file", "check the path")
    content = path.read_bytes()
    check_whole(path, content)
    encoded = np.frombuffer(content, np.uint8)
    try:
        with _silent_decoders():
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    except cv2.error as error:  # such as the limit on the number of pixels
        raise InputError(f"a photo at {path}", f"one OpenCV refuses ({error.err})", FIX_PHOTO) from error
    if image is None:
        raise InputError(f"a photo at {path}", "a damaged file that can't be decoded", FIX_PHOTO)
    image_rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return image_rgb if content[:2] == b"\xff\xd8" else _over_white(image_rgb, encoded)


def _over_white(image_rgb: np.ndarray, encoded: np.ndarray) -> np.ndarray:
    """What is transparent shows white rather than the colour that happens to be stored there, mostly black."""
    raw = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if raw is None or raw.ndim != 3 or raw.shape[2] != 4 or raw.shape[:2] != image_rgb.shape[:2]:
        return image_rgb
    alpha = raw[:, :, 3:].astype(np.float32) / np.iinfo(raw.dtype).max
    return np.round(image_rgb * alpha + 255 * (1 - alpha)).astype(np.uint8)


@contextmanager
def _silent_decoders() -> Iterator[None]:
    """Close the process's stderr: libpng and FFmpeg write there by themselves what our own error line says better."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Video:
    """A video file, read frame by frame. Raises InputError if it can't be opened or its first frame not be decoded."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        with _silent_decoders():
            capture = self._open()
            readable = capture.isOpened() and capture.read()[0]
        self.fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
        self.frame_count = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        """As the file states it; some state it wrongly, so only good for a progress bar."""
        capture.release()
        if not readable:
            raise InputError(
                f"a video at {self.path}", "a file without readable frames", "give an MP4, MOV, AVI or MKV"
            )

    def first_image(self) -> UInt8[np.ndarray, "H W 3"]:
        """The first frame."""
        return next(self.frames()).image_rgb

    def _open(self) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)

    def frames(self, stride: int = 1, max_frames: int | None = None) -> Iterator[Frame]:
        """Every stride-th frame from the first, at most max_frames of them; skipped frames are not converted."""
        capture, index, given = self._open(), 0, 0
        try:
            while (max_frames is None or given < max_frames) and capture.grab():
                if index % stride == 0:
                    decoded, image = capture.retrieve()
                    if not decoded:
                        return
                    yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), index, index / self.fps)
                    given += 1
                index += 1
        finally:
            capture.release()
