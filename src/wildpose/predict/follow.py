"""People through a video: each frame starts from the poses of the last; now and then the whole frame is searched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.estimator import PoseEstimator, check_image
from wildpose.predict.people import box_around, find_people, fit_score, is_repeat
from wildpose.predict.placement import Camera
from wildpose.types import Pose3D

SEARCH_EVERY = 8
"""Frames between two searches of the whole frame."""
KEEP_SCORE = 0.2
"""Fit score under which someone who was followed is lost; lower than that for finding, for there is a history."""
FRAME_S = 1 / 30
"""Between two frames whose times aren't told."""
REMEMBERED_S = 3.0
"""Someone out of sight for longer is forgotten."""
NEAR, ROAMS, FARTHEST = 0.6, 2.5, 3.5
"""Someone found again is the lost person if no farther than the first from the old place, in box sides, more by the
second for each second out of sight (half of what a sprinter covers), but at most the third..."""
ALIKE = 0.4
"""...and if the smaller of the two boxes has at least this share of the other's longer side. Low, for the last pose
before somebody is lost, or cut off by the picture's edge, is often half of them."""
SHRINKS = 0.9
"""Least share of the size of the frame before that somebody is believed to have: a pose that falls apart over a few
frames, before they are lost, says nothing of how large they will be when found again."""

WINDOW_SHRINKS = 0.63
"""Least share of its width and height of a second before that a followed person's window has. A pose of which some
limbs are unsure gives a smaller box, and that a pose with fewer still: so people got lost on dark backgrounds."""
SURE = 0.25
"""Confidence from which a joint counts for where somebody is. Higher than elsewhere: one on something else draws the
window there, and the next pose with it."""
WAITED_S = 1.0
"""So long the window where somebody was lost is looked into again in every frame."""


@dataclass(frozen=True)
class Tracked:
    """A pose and the number of the person that it belongs to, the same in every frame."""

    id: int
    pose: Pose3D
    interpolated: bool = False
    """Not seen in this frame, but shortly before and after: the pose lies between those."""


class PeopleFollower:
    """Feed it the frames of one video, in order."""

    def __init__(self, estimator: PoseEstimator, max_people: int = 1):
        self.model, self.detector, self.max_people = estimator.model, estimator.detector, max_people
        self.people: list[Tracked] = []
        self._lost: list[tuple[Tracked, float]] = []  # last seen, and at what time
        self._sides: dict[int, float] = {}  # how large each was believed to be when last seen
        self._windows: dict[int, np.ndarray] = {}  # boxes that the next poses are looked for in
        self._next_id, self._until_search = 0, 0
        self._now_s = 0.0

    def start(self, poses: list[Pose3D]) -> list[Tracked]:
        """Begin with known people, such as those in boxes given for the first frame; no others will be looked for."""
        self._until_search = -1
        self.people = [self._number(pose) for pose in poses]
        return self.people

    def step(
        self, image_rgb: UInt8[np.ndarray, "H W 3"], time_s: float | None = None, camera: Camera | None = None
    ) -> list[Tracked]:
        """The people in the next frame. time_s: its time; None: a thirtieth of a second after the frame before.
        camera: as for PoseEstimator.predict."""
        check_image(image_rgb)
        before_s, self._now_s = self._now_s, self._now_s + FRAME_S if time_s is None else time_s
        pyramid = ImagePyramid(image_rgb, camera)
        followed = self._follow(pyramid)
        if self._until_search >= 0:  # nobody was given
            if len(followed) < max(1, len(self.people)):  # someone was lost
                self._until_search = 0
            self._remember(followed, before_s)
            if self._until_search == 0:
                found = find_people(self.model, self.detector, pyramid, self.max_people)
                followed = self._add_new(followed, found)
                self._until_search = SEARCH_EVERY
            self._until_search -= 1
        self.people = sorted(followed, key=lambda person: person.id)
        still = WINDOW_SHRINKS ** max(self._now_s - before_s, 0.0)
        for person in self.people:
            self._sides[person.id] = max(_side(person.pose), SHRINKS * self._sides.get(person.id, 0.0))
            self._windows[person.id] = _window(_box(person.pose), self._windows.get(person.id), still)
        return self.people

    def _remember(self, followed: list[Tracked], before_s: float) -> None:
        """Keep in mind who has just vanished, and forget who has been away for too long.

        Before the search: it may well find again in this very frame whom the last frame's box has missed.
        """
        here = {person.id for person in followed}
        vanished = [(person, before_s) for person in self.people]
        self._lost = [
            (person, seen_s)
            for person, seen_s in self._lost + vanished
            if person.id not in here and self._now_s - seen_s <= REMEMBERED_S
        ]

    def _follow(self, pyramid: ImagePyramid) -> list[Tracked]:
        given = self._until_search < 0
        vanished = {person.id: seen_s for person, seen_s in self._lost if self._now_s - seen_s <= WAITED_S}
        people = [*self.people, *(person for person, _ in self._lost if person.id in vanished)]
        boxes = np.array([self._windows.get(p.id, _box(p.pose)) for p in people]).reshape(-1, 4)
        kept: list[Tracked] = []
        for person, pose in zip(people, poses_in_boxes(self.model, pyramid, boxes), strict=True):
            lost = fit_score(pose) < KEEP_SCORE or is_repeat(pose, [other.pose for other in kept])
            if person.id in vanished:
                lost = lost or not self._may_be(person, vanished[person.id], pose)
            if given or not lost:
                kept.append(Tracked(person.id, pose))
        return kept if given else kept[: self.max_people]

    def _may_be(self, person: Tracked, seen_s: float, pose: Pose3D) -> bool:
        return looks_like(pose, person.pose, self._sides.get(person.id, 0.0), self._now_s - seen_s)

    def _add_new(self, followed: list[Tracked], found: list[Pose3D]) -> list[Tracked]:
        new = [pose for pose in found if not is_repeat(pose, [person.pose for person in followed])]
        room = max(0, self.max_people - len(followed))  # nobody beyond it uses up a number, or a lost person's
        return [*followed, *map(self._number, new[:room])][: self.max_people]

    def _number(self, pose: Pose3D) -> Tracked:
        """The number of the nearest lost person where one fits, or else a new one."""
        fitting = [
            (away(pose, person.pose), person) for person, seen_s in self._lost if self._may_be(person, seen_s, pose)
        ]
        if fitting:
            person = min(fitting, key=lambda pair: pair[0])[1]
            self._lost = [entry for entry in self._lost if entry[0] is not person]
            return Tracked(person.id, pose)
        self._next_id += 1
        return Tracked(self._next_id - 1, pose)


def away(a: Pose3D, b: Pose3D, side: float = 0.0) -> float:
    """Distance of the middles of two people's boxes, in longer sides of the larger one, or in `side` px if more."""
    box_a, box_b = _box(a), _box(b)
    middles = (box_a[:2] + box_a[2:] / 2) - (box_b[:2] + box_b[2:] / 2)
    return float(np.linalg.norm(middles) / max(box_a[2:].max(), box_b[2:].max(), side))


def looks_like(a: Pose3D, b: Pose3D, believed_side: float = 0.0, apart_s: float = 0.0) -> bool:
    """Whether two poses from frames apart may be one person's, by place and size.

    believed_side: how large the person of `b` was before that pose, if larger: any size in between will do.
    apart_s: the time between both.
    """
    side = _side(a)
    nearest = float(np.clip(side, _side(b), max(_side(b), believed_side)))
    reach = min(NEAR + ROAMS * apart_s, FARTHEST)
    return away(a, b, believed_side) <= reach and min(side, nearest) >= ALIKE * max(side, nearest)


def _window(
    box: Float[np.ndarray, " 4"], last: Float[np.ndarray, " 4"] | None, still: float
) -> Float[np.ndarray, " 4"]:
    """The box with at least `still` of the last window's width and height, about that one's middle if it can be."""
    if last is None:
        return box
    size = np.maximum(box[2:], still * last[2:])
    middle = np.clip(last[:2] + last[2:] / 2, box[:2] + box[2:] - size / 2, box[:2] + size / 2)
    return np.concatenate([middle - size / 2, size])


def _box(pose: Pose3D) -> Float[np.ndarray, " 4"]:
    return box_around(pose, SURE)


def _side(pose: Pose3D) -> float:
    """The longer side of a person's box."""
    return float(_box(pose)[2:].max())
