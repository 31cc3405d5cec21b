import numpy as np
import pytest
from fake_weights import draw_person

from wildpose import PoseEstimator
from wildpose.predict import follow
from wildpose.predict.follow import PeopleFollower


@pytest.fixture(scope="module")
def estimator(weights_path):
    return PoseEstimator(weights_path, flip=False)


def frame(*boxes) -> tuple[np.ndarray, list[np.ndarray]]:
    image = np.zeros((240, 420, 3), np.uint8)
    return image, [draw_person(image, box) for box in boxes]


def test_a_walking_person_keeps_the_number_and_is_searched_for_once(estimator, monkeypatch):
    searches = []
    find = follow.find_people
    monkeypatch.setattr(follow, "find_people", lambda *args: searches.append(1) or find(*args))
    follower = PeopleFollower(estimator)
    for step in range(6):
        image, (truth,) = frame((40 + 18 * step, 50, 110, 150))
        (person,) = follower.step(image)
        assert person.id == 0
        assert np.abs(person.pose.joints_px - truth).max() < 6
    assert len(searches) == 1


def test_someone_lost_is_dropped_and_someone_new_gets_a_new_number(estimator):
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0])] == [0]
    assert follower.step(frame()[0]) == []
    assert [p.id for p in follower.step(frame((250, 60, 110, 150))[0])] == [1]


def test_someone_hidden_for_a_while_gets_the_old_number_back_and_a_stranger_elsewhere_does_not(estimator):
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0])] == [0]
    for expected, box in ((1, (290, 60, 110, 150)), (0, (60, 50, 110, 150)), (1, (280, 60, 110, 150))):
        for _ in range(3):
            assert follower.step(frame()[0]) == []
        assert [p.id for p in follower.step(frame(box)[0])] == [expected]


@pytest.mark.parametrize(("box", "expected"), [((60, 90, 55, 75), 0), ((75, 105, 35, 48), 1)])
def test_someone_half_of_whom_was_seen_is_the_same_and_someone_much_smaller_is_not(estimator, box, expected):
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0])] == [0]
    assert follower.step(frame()[0]) == []
    assert [p.id for p in follower.step(frame(box)[0])] == [expected]


@pytest.mark.parametrize(("frames", "expected"), [(1, 0), (20, 1)])
def test_someone_whose_pose_falls_apart_before_they_are_lost_is_the_same_and_who_is_small_for_long_is_small(
    estimator, frames, expected
):
    """A third of the size for a frame is an error, for twenty frames it is somebody far away."""
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 30, 132, 180))[0])] == [0]
    for _ in range(frames):
        assert [p.id for p in follower.step(frame((84, 90, 44, 60))[0])] == [0]
    assert follower.step(frame()[0]) == []
    assert [p.id for p in follower.step(frame((40, 30, 132, 180))[0])] == [expected]


@pytest.mark.parametrize(("shrinks", "whole"), [(follow.WINDOW_SHRINKS, True), (0.0, False)])
def test_who_is_seen_in_part_for_a_moment_is_followed_with_a_window_for_all_of_them(
    estimator, monkeypatch, shrinks, whole
):
    monkeypatch.setattr(follow, "WINDOW_SHRINKS", shrinks)
    follower = PeopleFollower(estimator)
    image, (truth,) = frame((40, 50, 110, 150))
    part = image.copy()
    part[140:] = 0  # the legs, say, against something dark
    for shown in (image, part, part, part):
        assert [p.id for p in follower.step(shown)] == [0]
    (person,) = follower.step(image)
    assert (np.abs(person.pose.joints_px - truth).max() < 6) == whole


def test_someone_out_of_sight_for_long_is_forgotten(estimator, monkeypatch):
    monkeypatch.setattr(follow, "REMEMBERED_S", 3 * follow.FRAME_S)  # each empty frame is searched, which takes time
    follower = PeopleFollower(estimator)
    follower.step(frame((40, 50, 110, 150))[0])
    for _ in range(4):
        follower.step(frame()[0])
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0])] == [1]


@pytest.mark.parametrize(("away_s", "expected"), [(0.1, 1), (0.6, 0), (2.0, 0), (3.5, 1)])
def test_someone_out_of_sight_may_have_gone_on_as_far_as_people_get_in_that_time(estimator, away_s, expected):
    """1.4 box sides: too far for a tenth of a second; after three seconds everybody is forgotten."""
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0], 0.0)] == [0]
    assert follower.step(frame()[0], 0.03) == []
    assert [p.id for p in follower.step(frame((250, 50, 110, 150))[0], away_s)] == [expected]


def test_given_people_are_followed_and_nobody_else(estimator):
    boxes = [(40, 50, 110, 150), (250, 60, 110, 150)]
    image, truths = frame(*boxes)
    follower = PeopleFollower(estimator)
    follower.start(estimator.predict(image, [boxes[1]]))
    image, truths = frame(boxes[0], (262, 62, 110, 150))
    (person,) = follower.step(image)
    assert person.id == 0
    assert np.abs(person.pose.joints_px - truths[1]).max() < 6


def test_someone_lost_and_found_again_in_one_frame_keeps_the_number(estimator, monkeypatch):
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame((40, 50, 110, 150))[0])] == [0]
    monkeypatch.setattr(follow, "KEEP_SCORE", 2.0)  # whatever the last frame's box shows is refused
    image, (truth,) = frame((60, 50, 110, 150))
    (person,) = follower.step(image)
    assert person.id == 0 and np.abs(person.pose.joints_px - truth).max() < 6


def test_somebody_there_is_no_room_for_does_not_use_up_a_lost_ones_number(estimator, monkeypatch):
    """A first, hidden for a moment while B passes by and is followed; then B goes, and A is still there."""
    a, b = (40, 50, 110, 150), (280, 60, 110, 150)
    follower = PeopleFollower(estimator)
    assert [p.id for p in follower.step(frame(a)[0])] == [0]
    assert [p.id for p in follower.step(frame(b)[0])] == [1]
    for _ in range(20):  # searched for meanwhile, too, and found
        assert [p.id for p in follower.step(frame(a, b)[0])] == [1]
    seen = [[p.id for p in follower.step(frame(a)[0])] for _ in range(10)]
    assert seen[-1] == [0]
