"""Pictures of a video: overlay of each frame, contact sheet, and an overlay video that browsers play."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from wildpose.errors import InputError
from wildpose.predict.follow import Tracked
from wildpose.predict.inputs import Frame, check_utf8
from wildpose.predict.own_files import is_own_folder
from wildpose.predict.photos import silent_decoders
from wildpose.view import contact_sheet, draw_close_up, draw_result, write_picture

VIDEO_HEIGHT = (360, 720)
MOST_HZ = 60.0
"""Pictures a second of the overlay video: more are seldom shown, and a rate that isn't so is often stated."""
STILL_S = 10.0
"""A picture after which nothing comes for longer is shown no longer than that."""
SHEET_PICTURES = 16
CODEC, SUFFIX = "VP80", ".webm"
"""VP8 in WebM: browsers play it, and OpenCV's wheels write it. They have no encoder for H.264 or AV1; browsers don't
play MPEG-4 Part 2 (mp4v); VP9 took five times VP8's time here."""


class VideoDrawing:
    """Overlay of each frame, contact sheet and overlay video. All under temporary names until `finish`.

    fps: of the frames that will come; the video shows each until the time of the next, whatever their real rate.
    Raises InputError if the folder that the overlays go to holds something else.
    """

    def __init__(self, out: Path, stem: str, fps: float, columns: int):
        self.out, self.stem, self.fps, self.columns = out, stem, min(fps, MOST_HZ), columns
        self.frames = out / f"{stem}_frames"
        if self.frames.exists() and not (self.frames.is_dir() and is_own_folder(self.frames)):
            fix = "give another --out, or move it"
            raise InputError(f"nothing but the overlays of an earlier run in {self.frames}", "something else", fix)
        check_utf8(out)
        self.folder = out / f".{stem}_frames.{os.getpid()}"
        self.movie_path = out / f".{stem}_overlay.{os.getpid()}{SUFFIX}"
        self.movie: cv2.VideoWriter | None = None
        self.sheet: list[tuple[str, np.ndarray]] = []
        self._every, self._count = 1, 0
        self._begun_s, self._written = 0.0, 0
        self._shown: np.ndarray | None = None  # the last picture: to be written until the next one's time

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
            self._begun_s = frame.time_s
        if self.movie.isOpened():
            self._write_until(frame.time_s)
            self._shown = cv2.cvtColor(picture_rgb[:height, :width], cv2.COLOR_RGB2BGR)
        self._keep_for_sheet(frame, people)

    def _write_until(self, time_s: float) -> None:
        """The last picture as often as its time takes: once in a video of constant rate, not at all if too short."""
        late_s = time_s - self._begun_s - self._written / self.fps - STILL_S
        self._begun_s += max(late_s, 0.0)
        for _ in range(self._written, round((time_s - self._begun_s) * self.fps)):
            self.movie.write(self._shown)
            self._written += 1

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
        shutil.rmtree(self.frames, ignore_errors=True)
        os.replace(self.folder, self.frames)
        written = [self.frames, sheet_path]
        works = self.movie.isOpened()
        if works:
            self.movie.write(self._shown)
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
