"""People through a video: each frame starts from the poses of the last; now and then the whole frame is searched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.estimator import PoseEstimator, check_image
from wildpose.predict.people import MIN_SCORE, box_around, find_people, fit_score, is_repeat
from wildpose.types import Pose3D

SEARCH_EVERY = 8
"""Frames between two searches of the whole frame."""


@dataclass(frozen=True)
class Tracked:
    """A pose and the number of the person that it belongs to, the same in every frame."""

    id: int
    pose: Pose3D


class PeopleFollower:
    """Feed it the frames of one video, in order."""

    def __init__(self, estimator: PoseEstimator, max_people: int = 1):
        self.model, self.max_people = estimator.model, max_people
        self.people: list[Tracked] = []
        self._next_id, self._until_search = 0, 0

    def start(self, poses: list[Pose3D]) -> list[Tracked]:
        """Begin with known people, such as those in boxes given for the first frame; no others will be looked for."""
        self._until_search = -1
        self.people = [self._number(pose) for pose in poses]
        return self.people

    def step(self, image_rgb: UInt8[np.ndarray, "H W 3"]) -> list[Tracked]:
        """The people in the next frame."""
        check_image(image_rgb)
        pyramid = ImagePyramid(image_rgb)
        followed = self._follow(pyramid)
        if self._until_search < 0:  # people were given
            self.people = followed
            return followed
        if len(followed) < max(1, len(self.people)):  # someone was lost
            self._until_search = 0
        if self._until_search == 0:
            followed = self._add_new(followed, find_people(self.model, pyramid, self.max_people))
            self._until_search = SEARCH_EVERY
        self._until_search -= 1
        self.people = followed
        return followed

    def _follow(self, pyramid: ImagePyramid) -> list[Tracked]:
        boxes = np.array([box_around(person.pose) for person in self.people]).reshape(-1, 4)
        given = self._until_search < 0
        kept: list[Tracked] = []
        for person, pose in zip(self.people, poses_in_boxes(self.model, pyramid, boxes), strict=True):
            lost = fit_score(pose) < MIN_SCORE or is_repeat(pose, [other.pose for other in kept])
            if given or not lost:
                kept.append(Tracked(person.id, pose))
        return kept

    def _add_new(self, followed: list[Tracked], found: list[Pose3D]) -> list[Tracked]:
        new = [pose for pose in found if not is_repeat(pose, [person.pose for person in followed])]
        people = followed + [self._number(pose) for pose in new]
        return people[: self.max_people]

    def _number(self, pose: Pose3D) -> Tracked:
        self._next_id += 1
        return Tracked(self._next_id - 1, pose)
