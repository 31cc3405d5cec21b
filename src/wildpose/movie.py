"""Pictures of a video: overlay of each frame, contact sheet, and an overlay video that browsers play."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from wildpose.predict.follow import Tracked
from wildpose.predict.inputs import Frame
from wildpose.predict.photos import silent_decoders
from wildpose.view import contact_sheet, draw_close_up, draw_result, write_picture

VIDEO_HEIGHT = (360, 720)
SHEET_PICTURES = 16
CODEC, SUFFIX = "VP80", ".webm"
"""VP8 in WebM: browsers play it, and OpenCV's wheels write it. They have no encoder for H.264 or AV1; browsers don't
play MPEG-4 Part 2 (mp4v); VP9 took five times VP8's time here."""


class VideoDrawing:
    """Overlay of each frame, contact sheet and overlay video. All under temporary names until `finish`."""

    def __init__(self, out: Path, stem: str, fps: float, columns: int):
        self.out, self.stem, self.fps, self.columns = out, stem, fps, columns
        self.folder = out / f".{stem}_frames.{os.getpid()}"
        self.movie_path = out / f".{stem}_overlay.{os.getpid()}{SUFFIX}"
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
            codec = cv2.VideoWriter_fourcc(*CODEC)
            with silent_decoders():
                path = str(self.movie_path.absolute())  # or FFmpeg would take "a:" in a name for a protocol
                self.movie = cv2.VideoWriter(path, cv2.CAP_FFMPEG, codec, self.fps, (width, height))
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
        if not self.sheet or self.movie is None:
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
            written.append(self.out / f"{self.stem}_overlay{SUFFIX}")
            os.replace(self.movie_path, written[-1])
        return written

    def clean_up(self) -> None:
        """Remove what has no name yet, after an error."""
        if self.movie is not None:
            self.movie.release()
        self.movie_path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
