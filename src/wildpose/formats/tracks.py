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
    seen: dict[int, dict[int, np.ndarray]] = {}
    for place, frame in enumerate(recording.frames):
        for person in frame.people:
            seen.setdefault(person.id, {})[place] = _y_up(world.turn(person.pose.joints_mm))
    found = []
    for person, poses in sorted(seen.items()):
        first, last = min(poses), max(poses)
        joints_mm = np.full((last - first + 1, MPII16.n, 3), np.nan)
        for place, pose in poses.items():
            joints_mm[place - first] = pose
        time_s = np.array([frame.time_s for frame in recording.frames[first : last + 1]], np.float64)
        found.append(Track(person, time_s, joints_mm))
    return found


def _y_up(world_mm: np.ndarray) -> np.ndarray:
    """From right, away, up to right, up, towards the camera."""
    return world_mm[:, [0, 2, 1]] * [1.0, 1.0, -1.0]
