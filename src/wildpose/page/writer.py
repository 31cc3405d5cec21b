"""Fill the page: `page.html` with style, scripts, poses and pictures put in. The page loads nothing, from nowhere."""

import base64
import html
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from wildpose.skeleton import MPII16
from wildpose.write import FrameResult, Recording, rate_hz, to_json, whole_file

MOST_FRAMES, MOST_JPEG_BYTES = 400, 12_000_000
"""A page holds at most so many frames and bytes of pictures (base64 adds a third); of more, evenly spread ones."""
PHOTO_PX, FRAME_PX = 1280, 640
"""Longer side of a photo, and of a video's frames, in the page."""
QUALITY = 78


class PagePictures:
    """The pictures of a page, few enough however many frames come: when full, every other one is dropped."""

    def __init__(self, longer_side_px: int):
        self.longer_side_px = longer_side_px
        self.jpegs: dict[int, bytes] = {}
        """By the frame's place in the recording."""
        self._every, self._count = 1, 0

    def add(self, image_rgb: UInt8[np.ndarray, "H W 3"]) -> None:
        """Take the next frame's picture."""
        if self._count % self._every == 0:
            self.jpegs[self._count] = _jpeg(image_rgb, self.longer_side_px)
        self._count += 1
        while len(self.jpegs) > 1 and (len(self.jpegs) > MOST_FRAMES or self._bytes() > MOST_JPEG_BYTES):
            self._every *= 2
            self.jpegs = {place: jpeg for place, jpeg in self.jpegs.items() if place % self._every == 0}

    def _bytes(self) -> int:
        return sum(map(len, self.jpegs.values()))


def write_page(path: Path, name: str, recording: Recording, jpegs: dict[int, bytes], alone: bool = False) -> None:
    """Write the page of one source: the frames that have a picture. `name` is shown as its title.

    alone: nothing else is written of this source.
    """
    frames = [recording.frames[place] for place in jpegs]
    stated_hz = recording.rate_hz * len(frames) / len(recording.frames)
    kept = replace(recording, frames=frames, rate_hz=rate_hz(frames, stated_hz))
    text = _page(name, kept, list(jpegs.values()), of=len(recording.frames), alone=alone)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def live_page(name: str) -> str:
    """A page for a camera: the window that frames it sends {frame, picture}, a frame of wildpose/1 and its bitmap."""
    nobody = FrameResult(0, 0.0, 640, 480, [])
    return _page(name, Recording([nobody], 1.0), [_jpeg(np.zeros((480, 640, 3), np.uint8), 64)], live=True)


def _page(name: str, recording: Recording, jpegs: list[bytes], **more: int | bool) -> str:
    data = {
        "name": name,
        "document": to_json(recording),
        "pictures": [base64.b64encode(jpeg).decode() for jpeg in jpegs],
        "bones": MPII16.bones,
        **more,
    }
    return _fill(name, json.dumps(data, allow_nan=False, separators=(",", ":")))


def _fill(name: str, data: str) -> str:
    """The template, cut at its marks and filled: nothing that a filling holds is taken for a mark."""
    folder = files("wildpose") / "page"
    text = {part: (folder / part).read_text(encoding="utf-8") for part in ("style.css", "drawing.js", "viewer.js")}
    fillings = {
        "@TITLE@": html.escape(name.encode("utf-8", "replace").decode()),
        "@STYLE@": text["style.css"],
        "@DATA@": data.replace("<", "\\u003c"),  # so that no name can end the script element
        "@SCRIPT@": text["drawing.js"] + text["viewer.js"],
    }
    rest, done = (folder / "page.html").read_text(encoding="utf-8"), []
    for mark, filling in fillings.items():
        before, _, rest = rest.partition(mark)
        done += [before, filling]
    return "".join([*done, rest])


def _jpeg(image_rgb: np.ndarray, longer_side_px: int) -> bytes:
    zoom = longer_side_px / max(image_rgb.shape[:2])
    if zoom < 1:
        size = [max(1, round(side * zoom)) for side in image_rgb.shape[1::-1]]
        image_rgb = cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA)
    encoded, content = cv2.imencode(
        ".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    assert encoded
    return content.tobytes()
