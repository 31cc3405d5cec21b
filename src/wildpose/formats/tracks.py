"""One person through a recording, as the formats of motion capture want it: one file a person, one row a frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from wildpose.predict.placement import World
from wildpose.skeleton import MPII16
from wildpose.write import Recording


@dataclass(frozen=True)
class Track:
    """From the first to the last frame with this person; NaN where it was not seen in between."""

    person: int
    time_s: Float[np.ndarray, " T"]
    joints_mm: Float[np.ndarray, "T 16 3"]
    """Relative to the pelvis: +x right, +y up, +z towards the camera, level."""


def tracks(recording: Recording) -> list[Track]:
    """One of each person, in the order of their ids. Where nobody says which way is up, the camera counts as level."""
    world = recording.world or World()
    spans: dict[int, tuple[int, int]] = {}
    for place, frame in enumerate(recording.frames):
        for person in frame.people:
            spans[person.id] = spans.get(person.id, (place, place))[0], place
    joints_mm = {id: np.full((last - first + 1, MPII16.n, 3), np.nan) for id, (first, last) in spans.items()}
    time_s = np.zeros(len(recording.frames))
    for place, frame in enumerate(recording.frames):
        time_s[place] = frame.time_s
        for person in frame.people:
            joints_mm[person.id][place - spans[person.id][0]] = _y_up(world.turn(person.pose.joints_mm))
    return [Track(id, time_s[spans[id][0] : spans[id][1] + 1], joints_mm[id]) for id in sorted(spans)]


def _y_up(world_mm: np.ndarray) -> np.ndarray:
    """From right, away, up to right, up, towards the camera."""
    return world_mm[:, [0, 2, 1]] * [1.0, 1.0, -1.0]
