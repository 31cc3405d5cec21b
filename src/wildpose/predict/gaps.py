"""Short gaps in a person's track, filled in a straight line between the frames before and after, and marked."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from wildpose.predict.follow import Tracked
from wildpose.predict.inputs import Frame

LONGEST_GAP_S = 0.4
"""Between the frames around a gap. In a longer one people do what no straight line shows."""
MOST_HELD, MOST_HELD_BYTES = 10, 100_000_000
"""Frames that wait for what comes after a gap, and the bytes of their pictures: bounds memory."""

Seen = tuple[Frame, list[Tracked]]


def fill_gaps(frames: Iterable[Seen], max_people: int) -> Iterator[Seen]:
    """The same frames, in order; someone who is missing in a few and comes back with the same id is put in between.

    A frame is passed on as soon as nobody who is missing in it can still come back in time: at once, as a rule. Frames
    that already show max_people get nobody more.
    """
    held: deque[Seen] = deque()
    last_seen: dict[int, tuple[float, Tracked]] = {}
    for frame, people in frames:
        for person in people:
            if held and person.id in last_seen:
                _fill(held, last_seen[person.id], (frame.time_s, person), max_people)
            last_seen[person.id] = frame.time_s, person
        held.append((frame, people))
        last_seen = {id: seen for id, seen in last_seen.items() if frame.time_s - seen[0] < LONGEST_GAP_S}
        most = may_wait(frame, MOST_HELD)
        while held and (len(held) > most or not _awaited(held[0], last_seen)):
            for id in _awaited(held[0], last_seen):  # waited for in vain: a gap is filled as a whole or not at all
                del last_seen[id]
            yield held.popleft()
    yield from held


def may_wait(frame: Frame, most: int) -> int:
    """How many such frames may be kept waiting: fewer of large pictures."""
    return min(most, MOST_HELD_BYTES // max(frame.image_rgb.nbytes, 1))


def _awaited(seen: Seen, last_seen: dict[int, tuple[float, Tracked]]) -> set[int]:
    """Who was there a moment before, is missing in a frame, and not yet given up."""
    frame, people = seen
    here = {person.id for person in people}
    return {id for id, (time_s, _) in last_seen.items() if id not in here and time_s < frame.time_s}


def _fill(held: deque[Seen], before: tuple[float, Tracked], after: tuple[float, Tracked], max_people: int) -> None:
    if after[0] - before[0] > LONGEST_GAP_S + 1e-6:
        return
    for frame, people in held:
        missing = frame.time_s > before[0] and all(person.id != after[1].id for person in people)
        if missing and len(people) < max_people:
            people.append(between(before[1], after[1], (frame.time_s - before[0]) / (after[0] - before[0])))
            people.sort(key=lambda person: person.id)


def between(a: Tracked, b: Tracked, share: float) -> Tracked:
    """A person part of the way from one pose to another, marked as interpolated, as unsure as the less sure of both."""

    def mixed(name: str) -> np.ndarray:
        start, end = getattr(a.pose, name), getattr(b.pose, name)
        return (start + share * (end - start)).astype(np.float32)

    pose = replace(
        b.pose,
        joints_px=mixed("joints_px"),
        joints_mm=mixed("joints_mm"),
        confidence=np.minimum(a.pose.confidence, b.pose.confidence),
        box_xywh=mixed("box_xywh"),
        score=min(a.pose.score, b.pose.score),
    )
    return Tracked(a.id, pose, interpolated=True)
