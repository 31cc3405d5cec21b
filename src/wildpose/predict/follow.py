"""People through a video: each frame starts from the poses of the last; now and then the whole frame is searched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.estimator import PoseEstimator, check_image
from wildpose.predict.people import box_around, find_people, fit_score, is_repeat
from wildpose.types import Pose3D

SEARCH_EVERY = 8
"""Frames between two searches of the whole frame."""
KEEP_SCORE = 0.2
"""Fit score under which someone who was followed is lost; lower than that for finding, for there is a history."""
FRAME_S = 1 / 30
"""Between two frames whose times aren't told."""
REMEMBERED_S = 3.0
"""Someone out of sight for longer is forgotten."""
NEAR, ROAMS = 0.6, 2.5
"""Someone found again is the lost person if no farther than this from the old place, in box sides, and in box sides
more for each second out of sight: half of what a sprinter covers..."""
ROAMS_S = 1.2
"""...for so long: who hasn't been seen for longer may be anywhere, so that only the old place tells them..."""
ALIKE = 0.4
"""...and if the smaller of the two boxes has at least this share of the other's longer side. Low, for the last pose
before somebody is lost, or cut off by the picture's edge, is often half of them."""
SHRINKS = 0.9
"""Least share of the size of the frame before that somebody is believed to have: a pose that falls apart over a few
frames, before they are lost, says nothing of how large they will be when found again."""


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
        self._next_id, self._until_search = 0, 0
        self._now_s = 0.0

    def start(self, poses: list[Pose3D]) -> list[Tracked]:
        """Begin with known people, such as those in boxes given for the first frame; no others will be looked for."""
        self._until_search = -1
        self.people = [self._number(pose) for pose in poses]
        return self.people

    def step(self, image_rgb: UInt8[np.ndarray, "H W 3"], time_s: float | None = None) -> list[Tracked]:
        """The people in the next frame. time_s: its time; None: a thirtieth of a second after the frame before."""
        check_image(image_rgb)
        before_s, self._now_s = self._now_s, self._now_s + FRAME_S if time_s is None else time_s
        pyramid = ImagePyramid(image_rgb)
        followed = self._follow(pyramid)
        if self._until_search < 0:  # people were given
            self.people = followed
            return followed
        if len(followed) < max(1, len(self.people)):  # someone was lost
            self._until_search = 0
        self._remember(followed, before_s)
        if self._until_search == 0:
            found = find_people(self.model, self.detector, pyramid, self.max_people)
            followed = self._add_new(followed, found)
            self._until_search = SEARCH_EVERY
        self._until_search -= 1
        self.people = sorted(followed, key=lambda person: person.id)
        for person in self.people:
            self._sides[person.id] = max(_side(person.pose), SHRINKS * self._sides.get(person.id, 0.0))
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
        boxes = np.array([box_around(person.pose) for person in self.people]).reshape(-1, 4)
        given = self._until_search < 0
        kept: list[Tracked] = []
        for person, pose in zip(self.people, poses_in_boxes(self.model, pyramid, boxes), strict=True):
            lost = fit_score(pose) < KEEP_SCORE or is_repeat(pose, [other.pose for other in kept])
            if given or not lost:
                kept.append(Tracked(person.id, pose))
        return kept

    def _add_new(self, followed: list[Tracked], found: list[Pose3D]) -> list[Tracked]:
        new = [pose for pose in found if not is_repeat(pose, [person.pose for person in followed])]
        people = followed + [self._number(pose) for pose in new]
        return people[: self.max_people]

    def _number(self, pose: Pose3D) -> Tracked:
        """The number of the nearest lost person where one fits, or else a new one."""
        fitting = [
            (away(pose, person.pose), person)
            for person, seen_s in self._lost
            if looks_like(pose, person.pose, self._sides.get(person.id, 0.0), self._now_s - seen_s)
        ]
        if fitting:
            person = min(fitting, key=lambda pair: pair[0])[1]
            self._lost = [entry for entry in self._lost if entry[0] is not person]
            return Tracked(person.id, pose)
        self._next_id += 1
        return Tracked(self._next_id - 1, pose)


def away(a: Pose3D, b: Pose3D) -> float:
    """Distance of the middles of two people's boxes, in longer sides of the larger box."""
    box_a, box_b = box_around(a), box_around(b)
    middles = (box_a[:2] + box_a[2:] / 2) - (box_b[:2] + box_b[2:] / 2)
    return float(np.linalg.norm(middles) / max(box_a[2:].max(), box_b[2:].max()))


def looks_like(a: Pose3D, b: Pose3D, believed_side: float = 0.0, apart_s: float = 0.0) -> bool:
    """Whether two poses from frames apart may be one person's, by place and size.

    believed_side: how large the person of `b` was before that pose, if larger: any size in between will do.
    apart_s: the time between both.
    """
    side = _side(a)
    nearest = float(np.clip(side, _side(b), max(_side(b), believed_side)))
    reach = NEAR + (ROAMS * apart_s if apart_s <= ROAMS_S else 0.0)
    return away(a, b) <= reach and min(side, nearest) >= ALIKE * max(side, nearest)


def _side(pose: Pose3D) -> float:
    """The longer side of a person's box."""
    return float(box_around(pose)[2:].max())
