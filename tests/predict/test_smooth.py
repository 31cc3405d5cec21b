"""The one-euro filter against its authors' formula written out in scalars, and what both sides of it promise."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from made_recordings import seen, standing_mm

from wildpose.bench import smoothing as bench
from wildpose.predict.gaps import LONGEST_GAP_S, MOST_HELD, fill_gaps
from wildpose.predict.inputs import Frame
from wildpose.predict.smooth import OneEuro, Smoothing, smooth_people

CAMERA, FILE = Smoothing(ahead_frames=0), Smoothing()
PICTURE = np.zeros((2, 2, 3), np.uint8)


def at(index: int, people: list, rate_hz: float = 20.0):
    return Frame(PICTURE, index, index / rate_hz), people


def someone(x_mm: float, id: int = 0):
    """A standing person so far to the right of the camera's axis."""
    return seen(standing_mm(), (x_mm, 0.0, 4000.0), id)


def written_out(values: list[float], rate: float, min_cutoff: float, beta: float, derivative_cutoff: float) -> list:
    """Casiez et al., CHI 2012, appendix A, for one number (speed in the same unit)."""

    def alpha(cutoff: float) -> float:
        tau, te = 1.0 / (2 * pi * cutoff), 1.0 / rate
        return 1.0 / (1.0 + tau / te)

    filtered, last, last_slope = [], values[0], 0.0
    for k, value in enumerate(values):
        slope = 0.0 if k == 0 else (value - last) * rate
        last_slope = slope if k == 0 else alpha(derivative_cutoff) * slope + (1 - alpha(derivative_cutoff)) * last_slope
        share = alpha(min_cutoff + beta * abs(last_slope))
        last = value if k == 0 else share * value + (1 - share) * last
        filtered.append(last)
    return filtered


def test_it_is_the_filter_of_the_paper():
    values = np.random.default_rng(0).normal(0, 1, 40).cumsum()
    one = OneEuro(Smoothing(min_cutoff_hz=1.2, beta=0.7, speed_cutoff_hz=0.9), values[:1, None])
    got = [values[0], *(float(one.step(value[None, None], 1 / 25, np.ones(1))[0, 0]) for value in values[1:])]
    np.testing.assert_allclose(got, written_out(values.tolist(), 25.0, 1.2, 0.7, 0.9), rtol=1e-9)


def test_turning_the_axes_turns_the_result():
    path = np.random.default_rng(1).normal(0, 1, (20, 16, 3)).cumsum(0)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(
        bench.smoothed(path @ turn, 30.0, FILE), bench.smoothed(path, 30.0, FILE) @ turn, atol=1e-9
    )


def test_neither_resolution_nor_the_unit_changes_what_it_does():
    walk = [someone(20.0 * k * (k % 3)) for k in range(12)]
    large = [replace(p, pose=replace(p.pose, joints_px=p.pose.joints_px * 4)) for p in walk]
    small, enlarged = (
        [p[0].pose.joints_px for _, p in smooth_people((at(k, [one]) for k, one in enumerate(row)), CAMERA)]
        for row in (walk, large)
    )
    np.testing.assert_allclose(np.array(enlarged), 4 * np.array(small), rtol=1e-4)
    assert np.abs(np.array(small) - [p.pose.joints_px for p in walk]).max() > 2


@pytest.mark.parametrize("smoothing", [CAMERA, FILE])
def test_rest_stays_where_it_is_and_every_frame_comes_in_order(smoothing):
    frames = [at(k, [someone(100.0), someone(700.0, 3)][: 1 + k % 2]) for k in range(9)]
    got = list(smooth_people(frames, smoothing))
    assert [frame.index for frame, _ in got] == list(range(9))
    for (_, people), (_, given) in zip(got, frames, strict=True):
        assert [person.id for person in people] == [person.id for person in given]
        for person, one in zip(people, given, strict=True):
            np.testing.assert_allclose(person.pose.joints_px, one.pose.joints_px, atol=1e-3)
            np.testing.assert_allclose(person.pose.joints_mm, one.pose.joints_mm, atol=1e-3)
            assert (person.pose.confidence == one.pose.confidence).all()


def test_both_sides_cancel_the_lag_of_an_even_motion():
    """x grows by a step a frame: one side trails behind, the mean of both doesn't (away from the ends)."""
    track = np.tile(np.arange(60.0)[:, None, None] * 8, (1, 16, 3))
    late = track - bench.smoothed(track, 30.0, CAMERA)
    on_time = track - bench.smoothed(track, 30.0, FILE)
    assert late[30:50].min() > 4 and np.abs(on_time[30:50]).max() < 0.1 * late[30:50].min()


def test_a_long_absence_resets_and_a_short_one_does_not():
    for gap, carried in ((2, True), (15, False)):
        frames = [at(k, [someone(0.0)]) for k in range(5)] + [at(5 + gap + k, [someone(900.0)]) for k in range(2)]
        (_, (back,)) = list(smooth_people(frames, CAMERA))[5]
        assert (np.abs(back.pose.joints_px - someone(900.0).pose.joints_px).max() > 5) == carried


def test_a_stream_waits_for_no_more_than_it_must():
    read = []
    stream = smooth_people((read.append(k) or at(k, [someone(0.0)]) for k in range(100)), FILE)
    next(stream)
    assert len(read) == FILE.ahead_frames + 1
    live = smooth_people((read.append(k) or at(k, [someone(0.0)]) for k in range(100)), CAMERA)
    read.clear()
    next(live)
    assert len(read) == 1


def test_a_short_gap_is_filled_in_a_straight_line_and_marked():
    places = {0: 0.0, 1: 100.0, 4: 400.0, 5: 500.0}
    frames = [at(k, [someone(places[k])] if k in places else []) for k in range(6)]
    got = list(fill_gaps(frames, 1))
    assert [frame.index for frame, _ in got] == list(range(6))
    assert [people[0].interpolated for _, people in got] == [False, False, True, True, False, False]
    for k in (2, 3):
        expected = someone(100.0 * k).pose.joints_px  # at one depth, pixels move as evenly as the person
        np.testing.assert_allclose(got[k][1][0].pose.joints_px, expected, atol=1e-2)


def test_long_gaps_and_full_frames_and_other_people_are_left_alone():
    missing = int(LONGEST_GAP_S * 20) + 1
    long = [at(k, [someone(0.0)] if k in (0, missing) else []) for k in range(missing + 1)]
    assert sum(len(people) for _, people in fill_gaps(long, 1)) == 2
    other = [at(0, [someone(0.0)]), at(1, [someone(9.0, 1)]), at(2, [someone(0.0)])]
    assert [[p.id for p in people] for _, people in fill_gaps([(f, list(p)) for f, p in other], 1)] == [[0], [1], [0]]
    assert [[p.id for p in people] for _, people in fill_gaps(other, 2)] == [[0], [0, 1], [0]]


def test_what_waits_is_bounded_and_a_gap_is_filled_whole_or_not_at_all():
    """At 240 frames a second a third of a second is more than may be held."""
    read = []

    def stream():
        for k in range(80):
            read.append(k)
            yield at(k, [] if 2 <= k < 70 else [someone(0.0)], rate_hz=240.0)

    got = []
    for given in fill_gaps(stream(), 1):
        got.append(given)
        assert len(read) - len(got) <= MOST_HELD
    assert [frame.index for frame, _ in got] == list(range(80))
    assert sum(person.interpolated for _, people in got for person in people) == 0


def test_lag_and_jitter_are_measured_right():
    truth = bench.made_up_motion(0.5, 30.0, 10.0)
    assert bench.lag_frames(np.roll(truth, 3, axis=0), truth) == pytest.approx(3.0)
    fall = np.zeros((30, 16, 3))
    fall[..., 1] = 0.5 * 9810 * (np.arange(30)[:, None] / 30) ** 2
    assert bench.jitter_m_s2(fall, 30.0) == pytest.approx(9.81)


def test_smoothing_steadies_without_lag_and_quick_motion_is_not_made_worse():
    rows = bench.bench_smoothing([FILE, CAMERA], seconds=8.0)["rows"]
    for motion in bench.MOTIONS:
        none, file, camera = [row for row in rows if row["motion"] == motion]
        assert file["jitter_m_s2"] < 0.6 * none["jitter_m_s2"] and camera["jitter_m_s2"] < 0.6 * none["jitter_m_s2"]
        assert file["error_mm"] < none["error_mm"]
        assert file["lag_frames"] is None or file["lag_frames"] < 0.3 < camera["lag_frames"] < 1.5
