"""An uploaded file, or pictures of a webcam, to a page with the viewer. Knows nothing of HTTP."""

import secrets
import time
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from wildpose.errors import InputError
from wildpose.page.writer import FRAME_PX, PHOTO_PX, PagePictures, write_page
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.follow import PeopleFollower, Tracked
from wildpose.predict.inputs import Frame, Video
from wildpose.predict.photo_files import check_whole
from wildpose.predict.photos import open_photo
from wildpose.predict.placement import camera_with_focal_35mm, camera_with_fov
from wildpose.predict.smooth import smooth_people
from wildpose.results import SMOOTH, live, predict_video
from wildpose.serve.uploads import Limits
from wildpose.write import FrameResult, Recording, rate_hz, to_json

REPORT_EVERY_S = 0.2


class Results:
    """The pages made last, as files in a folder of ours, under names that can't be guessed."""

    KEPT = 3

    def __init__(self, folder: Path):
        self.folder = folder
        self.pages: dict[str, Path] = {}

    def add(self, name: str, recording: Recording, jpegs: dict[int, bytes]) -> str:
        """Write a page; returns its key. The oldest goes when there are too many."""
        key = secrets.token_urlsafe(16)
        path = self.folder / f"page-{key}.html"
        write_page(path, name, recording, jpegs, alone=True)
        self.pages[key] = path
        while len(self.pages) > self.KEPT:
            self.pages.pop(next(iter(self.pages))).unlink(missing_ok=True)
        return key


def predict_upload(
    estimator: PoseEstimator,
    results: Results,
    path: Path,
    name: str,
    kind: Literal["photo", "video"],
    max_people: int,
    limits: Limits,
) -> Iterator[dict[str, Any]]:
    """Says how far it is, {"frames", "of"}, some times a second; at last {"result"}, the key of its page.

    path: of the uploaded file, under a name of ours. Closing the iterator stops the work.
    Raises InputError, which speaks of `name`.
    """
    try:
        if kind == "photo":
            yield {"result": results.add(name, *_photo(estimator, path, max_people))}
        else:
            yield from _video(estimator, results, path, name, max_people, limits)
    except InputError as error:
        told = [part.replace(str(path), name) for part in (error.expected, error.got, error.fix)]
        raise InputError(*told) from error


def _photo(estimator: PoseEstimator, path: Path, max_people: int) -> tuple[Recording, dict[int, bytes]]:
    photo = open_photo(path)
    image, focal_mm = photo.image_rgb, photo.focal_35mm
    height, width = size_hw = image.shape[:2]
    camera = camera_with_focal_35mm(size_hw, focal_mm) if focal_mm else camera_with_fov(size_hw)
    poses = estimator.predict(image, max_people=max_people, camera=camera)
    people = [Tracked(i, pose) for i, pose in enumerate(poses)]
    pictures = PagePictures(PHOTO_PX)
    pictures.add(image)
    return Recording([FrameResult(0, 0.0, width, height, people)], 1.0, camera), pictures.jpegs


def _video(
    estimator: PoseEstimator, results: Results, path: Path, name: str, max_people: int, limits: Limits
) -> Iterator[dict[str, Any]]:
    video = Video(path)
    stated_s = video.frame_count / video.fps
    if stated_s > limits.video_s:
        expected = f"a video of at most {limits.video_s:g} seconds in {name}"
        raise InputError(expected, f"{stated_s:.0f} seconds", "cut it, or use `wildpose predict`, which has no limit")
    of = video.expected_frames(ceil(video.fps / limits.video_hz), limits.frames, None, None)
    yield {"frames": 0, "of": of}
    frames: list[FrameResult] = []
    pictures, said = PagePictures(FRAME_PX), time.monotonic()
    most = {"max_frames": limits.frames, "most_hz": limits.video_hz}
    for frame, result in predict_video(estimator, video, max_people=max_people, **most):
        pictures.add(frame.image_rgb)
        frames.append(result)
        if time.monotonic() - said > REPORT_EVERY_S:
            said = time.monotonic()
            yield {"frames": len(frames), "of": of}
    if not frames:
        raise InputError(f"a video in {name}", "a file without readable frames", "check that it plays elsewhere")
    camera = camera_with_fov((frames[0].height, frames[0].width))
    recording = Recording(frames, rate_hz(frames, min(video.fps, limits.video_hz)), camera, SMOOTH)
    yield {"result": results.add(name, recording, pictures.jpegs)}


class Webcam:
    """The pictures of one webcam as they come: people followed and smoothed, and kept for a page."""

    NAME = "webcam"

    def __init__(self, estimator: PoseEstimator, max_people: int, limits: Limits):
        self.limits = limits
        self.frames: list[FrameResult] = []
        self.pictures = PagePictures(FRAME_PX)
        self.last = time.monotonic()
        self._begun: float | None = None  # with the first picture
        self._next: Frame | None = None
        seen = self._see(PeopleFollower(estimator, max_people))
        self._results = smooth_people(seen, live(SMOOTH))  # gives each frame as it gets it

    def _see(self, follower: PeopleFollower):
        while self._next is not None:
            yield self._next, list(follower.step(self._next.image_rgb, self._next.time_s))

    def step(self, picture: bytes) -> dict[str, Any]:
        """The next picture, a JPEG: returns its frame in format wildpose/1. Raises InputError, also for one more when
        it is `full`."""
        if self.full:
            raise InputError(f"at most {self.limits.frames} pictures of a webcam", "one more", "stop and start again")
        image = _decode(picture)
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        self._next = Frame(image, len(self.frames), now - self._begun)
        frame, people = next(self._results)
        self.last = time.monotonic()
        height, width = image.shape[:2]
        self.frames.append(FrameResult(frame.index, frame.time_s, width, height, people))
        self.pictures.add(image)
        camera = camera_with_fov((height, width))
        return to_json(Recording(self.frames[-1:], 1.0, camera))["frames"][0]

    @property
    def full(self) -> bool:
        """Whether no further picture will be taken."""
        return len(self.frames) >= self.limits.frames

    def finish(self, results: Results) -> str:
        """The key of the page of all that was seen. Raises InputError if that is nothing."""
        if not self.frames:
            raise InputError("a picture of the webcam", "none", "wait until the first one is shown")
        camera = camera_with_fov((self.frames[0].height, self.frames[0].width))
        recording = Recording(self.frames, rate_hz(self.frames, 1.0), camera, live(SMOOTH))
        return results.add(self.NAME, recording, self.pictures.jpegs)


def _decode(picture: bytes) -> np.ndarray:
    check_whole(Path("the webcam"), picture)
    image_rgb = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image_rgb is None:
        raise InputError("a picture of the webcam", "one that can't be decoded", "try another browser")
    return image_rgb
