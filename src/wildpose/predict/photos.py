"""A photo from its file: upright RGB pixels, and what its EXIF says of the lens."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from wildpose.errors import InputError
from wildpose.predict.exif import TIFF_STARTS, focal_35mm, orientation
from wildpose.predict.photo_files import FIX, check_whole, may_be_clear

STDIN = Path("-")
BLEND_ROWS = 512
"""Rows of a picture with alpha that are blended at a time: large pictures don't stand in memory as floats."""
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True)
class Photo:
    """One picture from a file."""

    image_rgb: UInt8[np.ndarray, "H W 3"]
    focal_35mm: float | None = None
    """Focal length of the lens as it would be on 35 mm film, in mm, if the file says so."""


def read_photo(path: str | Path) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of `open_photo`."""
    return open_photo(path).image_rgb


def open_photo(path: str | Path) -> Photo:
    """An upright RGB photo: EXIF rotation applied, grey and 16 bit brought to 8-bit colour, alpha laid over white.

    path: a file, or "-" for standard input. Raises InputError if it is missing, not a picture, larger than 200
    megapixels (100 with alpha or progressive), or cut short (OpenCV would fill the rest with grey).
    """
    path = Path(path)
    content = _content(path)
    check_whole(path, content)
    encoded = np.frombuffer(content, np.uint8)
    try:
        with silent_decoders():
            image_rgb = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
            if image_rgb is not None and may_be_clear(content):
                _lay_over_white(image_rgb, encoded, multiplied=content.startswith(TIFF_STARTS))
    except cv2.error as error:  # such as its own limit on the number of pixels
        raise InputError(f"a photo at {path}", f"one OpenCV refuses ({error.err})", FIX) from error
    if image_rgb is None:
        raise InputError(f"a photo at {path}", "a damaged file that can't be decoded", FIX)
    return Photo(_upright(image_rgb, orientation(content)), focal_35mm(content))


def _content(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    if not path.is_file():
        raise InputError(f"a photo at {path}", "no such file", "check the path")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"a readable photo at {path}", error.strerror or "an error", "check its rights") from error


def _upright(image_rgb: np.ndarray, orientation: int) -> np.ndarray:
    """EXIF's eight ways to store a picture: the last four have rows and columns exchanged."""
    if orientation in (5, 6, 7, 8):
        image_rgb = cv2.transpose(image_rgb)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)  # 1: left and right, 0: top and bottom, -1: both
    return image_rgb if flip is None else cv2.flip(image_rgb, flip)


def _lay_over_white(image_rgb: np.ndarray, encoded: np.ndarray, multiplied: bool) -> None:
    """What is transparent shows white rather than the colour that happens to be stored there, mostly black.

    multiplied: 8-bit colours come from the decoder with alpha multiplied in, as libtiff has it.
    """
    raw = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if raw is None or raw.ndim != 3 or raw.shape[2] != 4 or raw.shape[:2] != image_rgb.shape[:2]:
        return
    for start in range(0, len(raw), BLEND_ROWS):
        alpha = raw[start : start + BLEND_ROWS, :, 3:].astype(np.float32) / np.iinfo(raw.dtype).max
        part = image_rgb[start : start + BLEND_ROWS]
        part[:] = np.round(part * (1 if multiplied and raw.dtype == np.uint8 else alpha) + 255 * (1 - alpha))


@contextmanager
def silent_decoders() -> Iterator[None]:
    """Close the process's stderr: libpng and FFmpeg write there by themselves what our own error line says better.

    One thread at a time: two that overlap would put back each other's closed stderr.
    """
    with _ONE_AT_A_TIME:
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
