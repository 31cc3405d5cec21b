"""Results as JSON, format wildpose/1: a public promise. Files appear whole or not at all."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpose.predict.follow import Tracked
from wildpose.skeleton import MPII16

FORMAT = "wildpose/1"


@dataclass(frozen=True)
class FrameResult:
    """The people of one photo or video frame, in that picture's pixels."""

    index: int
    """Frame number in the source, from 0."""
    time_s: float
    """Since the source's first frame."""
    width: int
    height: int
    people: Sequence[Tracked]


def to_json(frames: Sequence[FrameResult]) -> dict[str, Any]:
    """The document that `write_json` writes: px to 0.01, mm to 0.1, confidence and score to 0.001."""
    return {
        "format": FORMAT,
        "units": {"joints_px": "px", "joints_mm": "mm"},
        "joints": list(MPII16.joints),
        "frames": [_frame(frame) for frame in frames],
    }


def _frame(frame: FrameResult) -> dict[str, Any]:
    return {
        "index": frame.index,
        "time_s": round(frame.time_s, 4),
        "width": frame.width,
        "height": frame.height,
        "people": [_person(person) for person in frame.people],
    }


def _person(person: Tracked) -> dict[str, Any]:
    pose = person.pose
    return {
        "id": person.id,
        "box_xywh": _rounded(pose.box_xywh, 2),
        "score": round(float(pose.score), 3),
        "joints_px": _rounded(pose.joints_px, 2),
        "confidence": _rounded(pose.confidence, 3),
        "joints_mm": _rounded(pose.joints_mm, 1),
    }


def _rounded(values, digits: int) -> list:
    """Nested lists with few digits; via float64, for a rounded float32 would print all of its digits."""
    return (values.astype("float64").round(digits) + 0.0).tolist()  # + 0.0: no -0.0


def write_json(path: Path, frames: Sequence[FrameResult]) -> None:
    """Write the frames of one source as wildpose/1."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(to_json(frames), allow_nan=False) + "\n")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` if all goes well and vanishes if not."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
