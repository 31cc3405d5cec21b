"""Steady poses over time: the one-euro filter of Casiez, Roussel and Vogel (CHI 2012), for each person, twice.

The filter is a low-pass whose cut-off grows with the speed: joints at rest stay still, quick ones are hardly held back.
It looks at the past only and so lags behind. Where a few frames can be waited for, as in a file, they are filtered
backwards too, and the mean of both lags nowhere. docs/video.md has the figures.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import pi

import numpy as np
from jaxtyping import Float

from wildpose.predict.follow import Tracked
from wildpose.predict.gaps import Seen, may_wait
from wildpose.predict.inputs import Frame
from wildpose.types import Pose3D

STATURE_MM = 1700.0
"""One body length of joints_mm. That of joints_px is the longer side of the joints' extent, so that neither the number
of pixels nor the distance from the camera changes what the filter does."""
SHORTEST_STEP_S = 1e-3
"""Frames of a camera may bear nearly the same time."""


@dataclass(frozen=True)
class Smoothing:
    """How much is smoothed. `wildpose bench smoothing` compares the defaults with others."""

    min_cutoff_hz: float = 1.5
    """Cut-off for a joint at rest: lower is steadier and slower."""
    beta: float = 3.0
    """Hz that the cut-off grows by for each body length a second of speed: higher lags less and shakes more."""
    speed_cutoff_hz: float = 1.0
    """Cut-off of the speed itself."""
    forget_s: float = 0.5
    """Someone out of sight for longer starts afresh: where they were says nothing any more."""
    ahead_frames: int = 4
    """Frames that are waited for, to filter from both sides; a camera waits for none."""


class OneEuro:
    """The filter for N points of D dimensions that move together in time. All dimensions of a point share a cut-off, by
    the length of its velocity: turning the axes turns the result."""

    def __init__(
        self,
        smoothing: Smoothing,
        values: Float[np.ndarray, "N D"],
        speeds: Float[np.ndarray, "N D"] | None = None,
    ):
        """Begins with values, and with their change per second if that is known."""
        self.smoothing, self.values = smoothing, values
        self.speeds = np.zeros_like(values) if speeds is None else speeds

    def step(self, values: Float[np.ndarray, "N D"], step_s: float, body: Float[np.ndarray, " N"]) -> np.ndarray:
        """The next values, smoothed. step_s: since those before. body: a body length in each point's unit."""
        step_s = max(step_s, SHORTEST_STEP_S)
        speeds = (values - self.values) / step_s
        self.speeds = self.speeds + _share(self.smoothing.speed_cutoff_hz, step_s) * (speeds - self.speeds)
        pace = np.linalg.norm(self.speeds, axis=-1) / body
        cutoff_hz = self.smoothing.min_cutoff_hz + self.smoothing.beta * pace
        self.values = self.values + _share(cutoff_hz, step_s)[:, None] * (values - self.values)
        return self.values


def _share(cutoff_hz, step_s: float):
    """Of the new value in the smoothed one: 1 / (1 + tau / step) with the time constant tau of the cut-off."""
    return 1 / (1 + 1 / (2 * pi * cutoff_hz * step_s))


@dataclass(frozen=True)
class Moment:
    """Points at a time, as seen, and the state of the filter that has come to them from the past."""

    time_s: float
    points: Float[np.ndarray, "N D"]
    body: Float[np.ndarray, " N"]
    values: Float[np.ndarray, "N D"]
    speeds: Float[np.ndarray, "N D"]

    @classmethod
    def after(
        cls, before: "Moment | None", time_s: float, points: np.ndarray, body: np.ndarray, smoothing: Smoothing
    ) -> "Moment":
        """The filter's next state; a new filter if there is nothing before, or not for `forget_s`."""
        if before is None or time_s - before.time_s > smoothing.forget_s:
            return cls(time_s, points, body, points, np.zeros_like(points))
        one = OneEuro(smoothing, before.values, before.speeds)
        one.step(points, time_s - before.time_s, body)
        return cls(time_s, points, body, one.values, one.speeds)


def from_both_sides(now: Moment, later: list[Moment], smoothing: Smoothing) -> Float[np.ndarray, "N D"]:
    """Mean of the filter from the past and of one that comes back from the last of the later moments."""
    way = [now]
    for moment in later:
        if moment.time_s - way[-1].time_s > smoothing.forget_s:
            break
        way.append(moment)
    back = OneEuro(smoothing, way[-1].points, -way[-1].speeds)
    for near, far in zip(way[-2::-1], way[:0:-1], strict=True):
        back.step(near.points, far.time_s - near.time_s, near.body)
    return (now.values + back.values) / 2


def smooth_people(frames: Iterable[Seen], smoothing: Smoothing) -> Iterator[Seen]:
    """The same frames with the same people, `ahead_frames` later; fewer if the pictures are very large.

    Joints in px and in mm are smoothed; confidence, box and score stay those of the frame.
    """
    held: deque[tuple[Frame, list[tuple[Tracked, Moment]]]] = deque()
    latest: dict[int, Moment] = {}
    for frame, people in frames:
        recent = frame.time_s - smoothing.forget_s
        latest = {id: moment for id, moment in latest.items() if moment.time_s >= recent}
        for person in people:
            points, body = _points(person.pose)
            latest[person.id] = Moment.after(latest.get(person.id), frame.time_s, points, body, smoothing)
        held.append((frame, [(person, latest[person.id]) for person in people]))
        while len(held) > may_wait(frame, smoothing.ahead_frames):
            yield _settled(held, smoothing)
    while held:
        yield _settled(held, smoothing)


def _settled(held: deque[tuple[Frame, list[tuple[Tracked, Moment]]]], smoothing: Smoothing) -> Seen:
    """The first of the held frames, with what is known of those after it."""
    frame, people = held.popleft()
    shown = []
    for person, now in people:
        later = [moment for _, others in held for other, moment in others if other.id == person.id]
        values = from_both_sides(now, later, smoothing) if smoothing.ahead_frames else now.values
        shown.append(replace(person, pose=_pose(person.pose, values)))
    return frame, shown


def _points(pose: Pose3D) -> tuple[Float[np.ndarray, "32 3"], Float[np.ndarray, " 32"]]:
    """Joints in px (with a zero in the third place), then in mm; and a body length for each."""
    count = len(pose.joints_px)
    points = np.zeros((2 * count, 3))
    points[:count, :2], points[count:] = pose.joints_px, pose.joints_mm
    extent_px = float((pose.joints_px.max(0) - pose.joints_px.min(0)).max())
    return points, np.repeat([max(extent_px, 1.0), STATURE_MM], count)


def _pose(pose: Pose3D, points: Float[np.ndarray, "32 3"]) -> Pose3D:
    px, mm = points[: len(points) // 2, :2], points[len(points) // 2 :]
    return replace(pose, joints_px=px.astype(np.float32), joints_mm=mm.astype(np.float32))
