"""One source from file to results on disk: read, predict, draw, write. Nothing appears there before it is whole."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from wildpose.errors import InputError
from wildpose.formats.save import save
from wildpose.movie import VideoDrawing
from wildpose.page.writer import FRAME_PX, PHOTO_PX, PagePictures, write_page
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.follow import PeopleFollower, Tracked
from wildpose.predict.gaps import Seen, fill_gaps
from wildpose.predict.inputs import Frame, Moment, Source, Video
from wildpose.predict.photos import open_photo
from wildpose.predict.placement import Camera, World, camera_with_focal_35mm, camera_with_fov
from wildpose.predict.smooth import Smoothing, smooth_people
from wildpose.view import draw_result, write_picture
from wildpose.write import FrameResult, FrameStore, Recording, rate_hz, with_stature

SMOOTH = Smoothing()
"""What a video is smoothed with unless asked otherwise."""
CAMERA_MOVIE_HZ = 15.0
"""Pictures a second of a camera's overlay video: it shows what we are quick enough to look at, not what it states."""


class OutputError(InputError):
    """The results can't be written where they should be: no other input will fare better."""


def predict_video(
    estimator: PoseEstimator,
    video: Video | str | Path,
    boxes: Sequence[Sequence[int | float]] | None = None,
    max_people: int = 1,
    stride: int = 1,
    max_frames: int | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    smoothing: Smoothing | None = SMOOTH,
    camera: Camera | None = None,
    fov_deg: float | None = None,
    most_hz: float | None = None,
) -> Iterator[tuple[Frame, FrameResult]]:
    """Frame after frame with the people in it, whose ids stay from frame to frame. At most a few frames are kept.

    boxes: of the people in the first frame taken, (x, y, w, h) in px; None: people are looked for.
    smoothing: of each person's joints over time, short gaps filled first; frames come some frames later than they are
    read. A camera's come at once: no gap is filled, and the smoothing knows the past only. None: every frame as the
    network saw it. camera: that took the video, as for PoseEstimator.predict; or fov_deg, the angle of view across
    a frame's longer side. most_hz: frames taken a second at most; None: all of them.
    Raises InputError, with the first frame, for a file that isn't a video or boxes that don't fit.
    """
    video = video if isinstance(video, Video) else Video(video)
    seen = _see(estimator, video.frames(stride, max_frames, start, end, most_hz), boxes, max_people, camera, fov_deg)
    if smoothing and video.camera is None:
        seen = smooth_people(fill_gaps(seen, max_people), smoothing)
    elif smoothing:
        seen = smooth_people(seen, live(smoothing))
    for frame, people in seen:
        height, width = frame.image_rgb.shape[:2]
        yield frame, FrameResult(frame.index, frame.time_s, width, height, people)


def live(smoothing: Smoothing) -> Smoothing:
    """Of a camera, whose future isn't known."""
    return replace(smoothing, ahead_frames=0)


def _see(
    estimator: PoseEstimator,
    frames: Iterator[Frame],
    boxes,
    max_people: int,
    camera: Camera | None,
    fov_deg: float | None,
) -> Iterator[Seen]:
    """Each frame with the people as the network sees them."""
    follower = PeopleFollower(estimator, max_people)
    for place, frame in enumerate(frames):
        image = frame.image_rgb
        taken_by = camera or camera_with_fov(image.shape[:2], fov_deg)
        if boxes and place == 0:
            yield frame, list(follower.start(estimator.predict(image, boxes, camera=taken_by)))
        else:
            yield frame, list(follower.step(image, frame.time_s, taken_by))


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
    start: Moment | None = None
    end: Moment | None = None
    pictures: bool = True
    formats: Sequence[str] = ("json",)
    html: bool = False
    camera: Camera | None = None
    """That took all the pictures; None: one with the angle of view `fov_deg`."""
    fov_deg: float | None = None
    """None: a photo's EXIF says, or else DEFAULT_FOV_DEG is assumed."""
    world: World | None = None
    """Which way is up; None: nothing is written in world axes."""
    height_mm: float | None = None
    """Stature of everybody; None: the mean adult's bones that the weights were trained for."""
    smoothing: Smoothing | None = SMOOTH
    """Of videos and cameras; None: every frame as the network saw it."""

    def run(self, source: Source) -> str:
        """Predict, write, and say so in one line.

        Raises InputError for a source that can't be used, OutputError if nothing can be written. Stopped by Ctrl-C
        in a video, it writes what was done, prints the line and raises KeyboardInterrupt.
        """
        return self._photo(source) if source.kind == "photo" else self._video(source)

    def _photo(self, source: Source) -> str:
        photo = open_photo(source.path)
        image = photo.image_rgb
        camera = self._camera(image.shape[:2], photo.focal_35mm)
        poses = self.estimator.predict(image, self.boxes, self.max_people, camera)
        people = [Tracked(i, pose) for i, pose in enumerate(poses)]
        result = FrameResult(0, 0.0, image.shape[1], image.shape[0], people)
        recording = self._recording([result], 1.0, None, camera)
        with self._writing():
            written = []
            if self.pictures:
                written.append(self.out / f"{source.stem}_overlay.jpg")
                write_picture(written[-1], draw_result(image, people, columns=max(1, len(people))))
            page = PagePictures(PHOTO_PX) if self.html else None
            if page:
                page.add(image)
            written = self._save(source, recording, page) + written
        return f"{source.path}: {_people(len(people))}; wrote {', '.join(map(str, written))}"

    def _video(self, source: Source) -> str:
        video = Video.of(source)
        hz = video.fps / self.stride
        drawn_hz = hz if video.camera is None else min(hz, CAMERA_MOVIE_HZ)
        drawing = VideoDrawing(self.out, source.stem, drawn_hz, self._columns) if self.pictures else None
        page = PagePictures(FRAME_PX) if self.html else None
        frames = FrameStore()
        try:
            stopped = self._watch(source, video, frames, drawing, page)
            if stopped and not frames:
                raise KeyboardInterrupt
            if not frames:
                raise InputError(f"frames of {source.path} where asked for", "none", "change --start or --end")
            with self._writing():
                pictures = drawing.finish() if drawing else []
                camera = self._camera((frames[0].height, frames[0].width))
                smoothing = live(self.smoothing) if self.smoothing and video.camera is not None else self.smoothing
                recording = self._recording(frames, rate_hz(frames, hz), smoothing, camera)
                written = [*self._save(source, recording, page), *pictures]
        finally:
            if drawing:
                drawing.clean_up()
        with_people = sum(bool(frame.people) for frame in frames)
        line = f"{source.path}: people in {with_people} of {len(frames)} frames; wrote {', '.join(map(str, written))}"
        if stopped:
            print(printable(line))
            raise KeyboardInterrupt
        return line

    def _watch(
        self,
        source: Source,
        video: Video,
        frames: FrameStore,
        drawing: VideoDrawing | None,
        page: PagePictures | None,
    ) -> bool:
        """Predict and draw frame by frame into the given lists; returns whether Ctrl-C ended it."""
        span = (self.stride, self.max_frames, self.start, self.end)
        results = predict_video(
            self.estimator, video, self.boxes, self.max_people, *span, self.smoothing, self.camera, self.fov_deg
        )
        total = video.expected_frames(*span)
        try:
            with _ctrl_c_ends(video):
                for frame, result in tqdm(results, source.path.name, total, unit="frame", disable=None):
                    with self._writing():
                        if drawing:
                            drawing.add(frame, result.people)
                    if page:
                        page.add(frame.image_rgb)
                    frames.append(result)
        except KeyboardInterrupt:  # a second one, or from elsewhere
            return True
        return video.stopped

    def _camera(self, size_hw: tuple[int, int], focal_35mm: float | None = None) -> Camera:
        camera = self.camera or camera_with_fov(size_hw, self.fov_deg)
        return camera_with_focal_35mm(size_hw, focal_35mm) if camera.assumed and focal_35mm else camera

    def _recording(
        self, frames: Sequence[FrameResult], hz: float, smoothing: Smoothing | None, camera: Camera
    ) -> Recording:
        frames = with_stature(frames, self.height_mm) if self.height_mm else frames
        return Recording(frames, hz, camera, smoothing, self.world)

    def _save(self, source: Source, recording: Recording, page: PagePictures | None) -> list[Path]:
        written = save(recording, self.out, source.stem, self.formats)
        if page:
            written.insert(0, self.out / f"{source.stem}.html")
            shown = {place: jpeg for place, jpeg in page.jpegs.items() if place < len(recording.frames)}
            write_page(written[0], source.path.name if source.path.name != "-" else "stdin", recording, shown)
        return written

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Around all that writes: makes the folder, and names it if it, or the disk under it, refuses."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"to write into {self.out}", reason, "make room there or choose another --out") from error

    @property
    def _columns(self) -> int:
        return len(self.boxes) if self.boxes else self.max_people


@contextmanager
def _ctrl_c_ends(video: Video) -> Iterator[None]:
    """The first Ctrl-C ends the video: frames that wait to be smoothed still come. A second one interrupts at once."""

    def stop(*_) -> None:
        video.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not in a shell's background job
        if usual:
            signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: Ctrl-C doesn't come here
        usual = False
    try:
        yield
    finally:
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _people(count: int) -> str:
    return "no person found" if count == 0 else "1 person" if count == 1 else f"{count} people"


def printable(line: str) -> str:
    """With what the terminal can't show (of a file name that isn't UTF-8) as codes."""
    encoding = sys.stdout.encoding or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)
