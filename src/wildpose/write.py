"""Results as JSON, format wildpose/1: a public promise. Files appear whole or not at all."""

import json
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wildpose.predict.follow import Tracked
from wildpose.predict.placement import Camera, World, pelvis_cam_mm, stature_mm
from wildpose.predict.smooth import Smoothing
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D

FORMAT = "wildpose/1"
POSE_SHAPES = {"joints_px": (MPII16.n, 2), "joints_mm": (MPII16.n, 3), "confidence": (MPII16.n,), "box_xywh": (4,)}
"""Arrays of a Pose3D."""
POSE_FLOATS = 6 * MPII16.n + 4
"""Numbers in them."""


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


def rate_hz(frames: Sequence[FrameResult], stated_hz: float) -> float:
    """Mean rate of frames by their times; as stated where that is so to a thousandth, or there is one frame."""
    span_s = frames[-1].time_s - frames[0].time_s
    if span_s <= 0:
        return stated_hz
    hz = (len(frames) - 1) / span_s
    return stated_hz if abs(hz / stated_hz - 1) < 1e-3 else hz


class FrameStore(Sequence[FrameResult]):
    """Frames as plain numbers, so that hours of video fit into memory: objects are made when they are asked for."""

    def __init__(self, frames: Iterable[FrameResult] = ()):
        self._frames, self._ends = array("d"), array("q")
        """Index, time, width, height of each frame; and where its people end."""
        self._people, self._scores, self._values = array("q"), array("d"), array("f")
        """Id and `interpolated` of each person; score; POSE_SHAPES, one after the other."""
        for frame in frames:
            self.append(frame)

    def append(self, frame: FrameResult) -> None:
        """Take the next frame."""
        self._frames.extend((frame.index, frame.time_s, frame.width, frame.height))
        for person in frame.people:
            self._people.extend((person.id, person.interpolated))
            self._scores.append(person.pose.score)
            for name in POSE_SHAPES:
                self._values.frombytes(np.ascontiguousarray(getattr(person.pose, name), np.float32).tobytes())
        self._ends.append(len(self._scores))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place):
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        index, time_s, width, height = self._frames[4 * place : 4 * place + 4]
        people = [self._person(k) for k in range(self._ends[place - 1] if place else 0, self._ends[place])]
        return FrameResult(int(index), time_s, int(width), int(height), people)

    def _person(self, k: int) -> Tracked:
        values = np.array(self._values[k * POSE_FLOATS : (k + 1) * POSE_FLOATS], np.float32)
        parts, start = {}, 0
        for name, shape in POSE_SHAPES.items():
            size = int(np.prod(shape))
            parts[name] = values[start : start + size].reshape(shape)
            start += size
        id, interpolated = self._people[2 * k : 2 * k + 2]
        return Tracked(id, Pose3D(**parts, score=self._scores[k]), bool(interpolated))


@dataclass(frozen=True)
class Recording:
    """All that was seen in one photo, video or camera."""

    frames: Sequence[FrameResult]
    rate_hz: float
    """Frames of `frames` per second; 1 for a photo."""
    camera: Camera | None = None
    """Places people in mm; None: they are only known relative to their own pelvis."""
    smoothing: Smoothing | None = None
    """What the frames were smoothed with; None: not at all, or unknown."""
    world: World | None = None
    """Which way is up. None: nothing is written in world axes, TRC and BVH take the camera to be level."""


def with_stature(frames: Sequence[FrameResult], height_mm: float) -> FrameStore:
    """The same poses in the size of people who are height_mm tall: one factor a person, by its median stature."""
    seen: dict[int, list[float]] = {}
    for frame in frames:
        for person in frame.people:
            seen.setdefault(person.id, []).append(stature_mm(person.pose.joints_mm))
    factors = {id: height_mm / max(float(np.median(statures)), 1.0) for id, statures in seen.items()}
    return FrameStore(
        replace(frame, people=[_scaled(person, factors[person.id]) for person in frame.people]) for frame in frames
    )


def _scaled(person: Tracked, factor: float) -> Tracked:
    joints_mm = (person.pose.joints_mm * factor).astype(np.float32)
    return replace(person, pose=replace(person.pose, joints_mm=joints_mm))


def to_json(recording: Recording) -> dict[str, Any]:
    """The document that `write_json` writes: px to 0.01, mm to 0.1, confidence and score to 0.001."""
    return {**_head(recording), "frames": [_frame(frame, recording) for frame in recording.frames]}


def _head(recording: Recording) -> dict[str, Any]:
    camera, world = recording.camera, recording.world
    units = {"joints_px": "px", "joints_mm": "mm", "pelvis_cam_mm": "mm"}
    head = {
        "format": FORMAT,
        "units": units | ({"joints_world_mm": "mm", "pelvis_world_mm": "mm"} if world else {}),
        "joints": list(MPII16.joints),
        "rate_hz": round(recording.rate_hz, 4),
        "camera": camera
        and {name: round(getattr(camera, name), 3) for name in ("fx", "fy", "cx", "cy")}
        | {"assumed": camera.assumed, "source": camera.source},
        "smoothing": recording.smoothing and {"filter": "one-euro", **asdict(recording.smoothing)},
    }
    return head | ({"world": asdict(world)} if world else {})


def _frame(frame: FrameResult, recording: Recording) -> dict[str, Any]:
    return {
        "index": frame.index,
        "time_s": round(frame.time_s, 4),
        "width": frame.width,
        "height": frame.height,
        "people": [_person(person, recording) for person in frame.people],
    }


def _person(person: Tracked, recording: Recording) -> dict[str, Any]:
    pose, camera, world = person.pose, recording.camera, recording.world
    pelvis = camera and pelvis_cam_mm(pose, camera)
    written = {
        "id": person.id,
        "box_xywh": _rounded(pose.box_xywh, 2),
        "score": round(float(pose.score), 3),
        "joints_px": _rounded(pose.joints_px, 2),
        "confidence": _rounded(pose.confidence, 3),
        "joints_mm": _rounded(pose.joints_mm, 1),
        "pelvis_cam_mm": None if pelvis is None else _rounded(pelvis, 1),
        "interpolated": person.interpolated,
    }
    if world:
        written["joints_world_mm"] = _rounded(world.turn(pose.joints_mm), 1)
        written["pelvis_world_mm"] = None if pelvis is None else _rounded(world.turn(pelvis), 1)
    return written


def _rounded(values, digits: int) -> list:
    """Nested lists with few digits; via float64, for a rounded float32 would print all of its digits."""
    return (values.astype("float64").round(digits) + 0.0).tolist()  # + 0.0: no -0.0


def write_json(path: Path, recording: Recording) -> None:
    """Write one source as wildpose/1, a frame a line: hours of video never stand in memory as one text."""
    head = json.dumps(_head(recording), allow_nan=False)
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(head.removesuffix("}") + ', "frames": [')
        for place, frame in enumerate(recording.frames):
            line = json.dumps(_frame(frame, recording), allow_nan=False)
            file.write((",\n" if place else "\n") + line)
        file.write("\n]}\n")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` if all goes well and vanishes if not."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
