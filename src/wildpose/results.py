"""One source from file to results on disk: read, predict, draw, write. Nothing appears there before it is whole."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from wildpose.errors import InputError
from wildpose.predict.estimator import PoseEstimator, check_boxes
from wildpose.predict.follow import PeopleFollower, Tracked
from wildpose.predict.inputs import Frame, Source, Video, read_photo
from wildpose.view import contact_sheet, draw_close_up, draw_result, write_picture
from wildpose.write import FrameResult, write_json

VIDEO_HEIGHT = (360, 720)
SHEET_PICTURES = 16


@dataclass(frozen=True)
class Job:
    """What `wildpose predict` was asked to do with each source."""

    estimator: PoseEstimator
    out: Path
    boxes: Sequence[Sequence[int | float]] | None = None
    """Of the people in a photo or in a video's first frame; None: look for people."""
    max_people: int = 1
    stride: int = 1
    """Every stride-th frame of a video is taken."""
    max_frames: int | None = None
    pictures: bool = True

    def check(self, sources: Sequence[Source]) -> None:
        """Open every source before any work, and make the output folder. Raises InputError for the first bad one."""
        for source in sources:
            image = read_photo(source.path) if source.kind == "photo" else Video(source.path).first_image()
            check_boxes(self.boxes or (), image.shape[:2])
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"a folder at {self.out}", error.strerror or "an error", "choose another --out") from error

    def run(self, source: Source) -> str:
        """Predict, write, and say so in one line."""
        try:
            return self._photo(source) if source.kind == "photo" else self._video(source)
        except OSError as error:
            raise InputError(
                f"to write into {self.out}", str(error), "make room there or choose another --out"
            ) from error

    def _photo(self, source: Source) -> str:
        image = read_photo(source.path)
        poses = self.estimator.predict(image, self.boxes, self.max_people)
        people = [Tracked(i, pose) for i, pose in enumerate(poses)]
        written = [self.out / f"{source.stem}.json"]
        if self.pictures:
            written.append(self.out / f"{source.stem}_overlay.jpg")
            write_picture(written[-1], draw_result(image, people, columns=max(1, len(people))))
        write_json(written[0], [FrameResult(0, 0.0, image.shape[1], image.shape[0], people)])
        return f"{source.path}: {_people(len(people))}; wrote {', '.join(map(str, written))}"

    def _video(self, source: Source) -> str:
        video = Video(source.path)
        follower = PeopleFollower(self.estimator, self.max_people)
        drawing = VideoDrawing(self.out, source.stem, video.fps / self.stride, self._columns) if self.pictures else None
        frames: list[FrameResult] = []
        total = min(-(-video.frame_count // self.stride), self.max_frames or video.frame_count)
        try:
            for frame in tqdm(
                video.frames(self.stride, self.max_frames), source.path.name, total, unit="frame", disable=None
            ):
                image = frame.image_rgb
                if self.boxes and not frames:
                    people = follower.start(self.estimator.predict(image, self.boxes))
                else:
                    people = follower.step(image)
                frames.append(FrameResult(frame.index, frame.time_s, image.shape[1], image.shape[0], people))
                if drawing:
                    drawing.add(frame, people)
            written = drawing.finish() if drawing else []
        finally:
            if drawing:
                drawing.clean_up()
        write_json(self.out / f"{source.stem}.json", frames)
        written = [self.out / f"{source.stem}.json", *written]
        with_people = sum(bool(frame.people) for frame in frames)
        return f"{source.path}: people in {with_people} of {len(frames)} frames; wrote {', '.join(map(str, written))}"

    @property
    def _columns(self) -> int:
        return len(self.boxes) if self.boxes else self.max_people


class VideoDrawing:
    """Overlay of each frame, contact sheet and overlay video. All under temporary names until `finish`."""

    def __init__(self, out: Path, stem: str, fps: float, columns: int):
        self.out, self.stem, self.fps, self.columns = out, stem, fps, columns
        self.folder = out / f".{stem}_frames.{os.getpid()}"
        self.movie_path = out / f".{stem}_overlay.{os.getpid()}.mp4"
        self.movie: cv2.VideoWriter | None = None
        self.sheet: list[tuple[str, np.ndarray]] = []
        self._every, self._count = 1, 0

    def add(self, frame: Frame, people: Sequence[Tracked]) -> None:
        """Draw the next frame."""
        self.folder.mkdir(exist_ok=True)
        picture_rgb = draw_result(frame.image_rgb, people, self.columns, VIDEO_HEIGHT)
        write_picture(self.folder / f"{frame.index:06d}.jpg", picture_rgb)
        height, width = (size // 2 * 2 for size in picture_rgb.shape[:2])  # the codec wants even sizes
        if self.movie is None:
            codec = cv2.VideoWriter_fourcc(*"mp4v")
            self.movie = cv2.VideoWriter(str(self.movie_path), cv2.CAP_FFMPEG, codec, self.fps, (width, height))
        if self.movie.isOpened():
            self.movie.write(cv2.cvtColor(picture_rgb[:height, :width], cv2.COLOR_RGB2BGR))
        self._keep_for_sheet(frame, people)

    def _keep_for_sheet(self, frame: Frame, people: Sequence[Tracked]) -> None:
        """Evenly spread over however many frames will come: when full, drop every other one and take half as often."""
        if self._count % self._every == 0:
            picture = draw_close_up(frame.image_rgb, people, self.columns)
            self.sheet.append((f"frame {frame.index}, {frame.time_s:.2f} s", picture))
        self._count += 1
        if len(self.sheet) > SHEET_PICTURES:
            self.sheet, self._every = self.sheet[::2], self._every * 2

    def finish(self) -> list[Path]:
        """Give everything its name; returns what was written."""
        if self.movie is None:
            return []
        sheet_path = self.out / f"{self.stem}_sheet.jpg"
        captions, pictures = zip(*self.sheet, strict=True)
        write_picture(sheet_path, contact_sheet(pictures, captions))
        frames = self.out / f"{self.stem}_frames"
        shutil.rmtree(frames, ignore_errors=True)
        os.replace(self.folder, frames)
        written = [frames, sheet_path]
        works = self.movie.isOpened()
        self.movie.release()
        if works:
            written.append(self.out / f"{self.stem}_overlay.mp4")
            os.replace(self.movie_path, written[-1])
        return written

    def clean_up(self) -> None:
        """Remove what has no name yet, after an error."""
        if self.movie is not None:
            self.movie.release()
        self.movie_path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _people(count: int) -> str:
    return "no person found" if count == 0 else "1 person" if count == 1 else f"{count} people"
