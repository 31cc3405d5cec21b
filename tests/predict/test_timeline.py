"""When frames were taken, by the stamps in the file, whatever rate it states; and which of them are asked for."""

import json
import struct

import cv2
import numpy as np
import pytest
from test_robust import run, walk_mp4

from wildpose import cli
from wildpose.errors import InputError
from wildpose.movie import VideoDrawing
from wildpose.predict.inputs import Frame, Moment, Timeline, Video
from wildpose.write import FrameResult, rate_hz

CLUSTER, SIMPLE_BLOCK, TIME, DEFAULT_DURATION, VOID = b"\x1f\x43\xb6\x75", b"\xa3", b"\xe7", b"\x23\xe3\x83", b"\xec"
STAMPS_MS = [0, 31, 52, 190, 223, 260, 900, 930, 1000]


def number(content: bytes, at: int) -> tuple[int, int]:
    """A length of EBML (RFC 8794, 4.4), and where it ends."""
    size = 8 - content[at].bit_length() + 1
    value = int.from_bytes(content[at : at + size]) & ((1 << 7 * size) - 1)
    return value, at + size


def recording(path, stamps_ms) -> None:
    """WebM as browsers record it: no rate stated, blocks with the times at which pictures came."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), 30.0, (64, 48))
    for level in range(len(stamps_ms)):
        writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    writer.release()
    content = bytearray(path.read_bytes())
    at = content.index(DEFAULT_DURATION)
    length, start = number(content, at + 3)
    content[at : start + length] = VOID + bytes([0x80 | (start + length - at - 2)]) + bytes(start + length - at - 2)
    _, at = number(content, content.index(CLUSTER) + 4)
    for stamp_ms in stamps_ms:
        while content[at : at + 1] != SIMPLE_BLOCK:  # the cluster's own time, 0, comes first
            length, start = number(content, at + 1)
            at = start + length
        length, start = number(content, at + 1)
        struct.pack_into(">h", content, start + 1, stamp_ms)
        at = start + length
    path.write_bytes(content)


def test_a_browsers_recording_has_the_times_that_it_was_recorded_at(tmp_path):
    recording(tmp_path / "r.webm", STAMPS_MS)
    video = Video(tmp_path / "r.webm")
    frames = list(video.frames())
    assert [frame.time_s for frame in frames] == pytest.approx([ms / 1000 for ms in STAMPS_MS])
    assert video.fps > 240 and video.expected_frames(1, None, None, None) is None, "OpenCV makes up a rate"
    part = video.frames(start=Moment.parse("0.2"), end=Moment.parse("0.93"))
    assert [frame.index for frame in part] == [4, 5, 6]
    assert [frame.index for frame in video.frames(most_hz=10.0)] == [0, 3, 6, 8]


def test_what_is_written_of_it_is_in_real_time(tmp_path, weights_path):
    recording(tmp_path / "r.webm", STAMPS_MS)
    args = ["predict", str(tmp_path / "r.webm"), "--out", str(tmp_path), "--format", "json,csv", "--html"]
    cli.main([*args, "--weights", str(weights_path), "--box", "10,5,30,40"])
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["rate_hz"] == 8.0, "eight steps in a second"
    movie = cv2.VideoCapture(str(tmp_path / "r_overlay.webm"))
    count = 0
    while movie.grab():
        count += 1
    assert count == 61 and movie.get(cv2.CAP_PROP_FPS) == 60, "a second and the last picture"


def test_constant_rates_are_said_more_exactly_by_the_rate_than_by_rounded_stamps():
    timeline = Timeline(30.0)
    assert [timeline.at(i, 7.0 + round(1000 * i / 30) / 1000) for i in range(90)] == [i / 30 for i in range(90)]


@pytest.mark.parametrize("stamps", [[0.0] * 5, [5.0, 5.1, 5.2, 0.0, 0.1]])
def test_without_stamps_that_go_on_frames_are_a_stated_step_apart(stamps):
    timeline = Timeline(10.0)
    assert [timeline.at(i, stamp) for i, stamp in enumerate(stamps)] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_the_rate_is_that_of_the_times_or_as_stated_where_they_agree():
    def frames(*times_s):
        return [FrameResult(i, time_s, 64, 48, []) for i, time_s in enumerate(times_s)]

    assert rate_hz(frames(0.0, 0.5, 2.0), 30.0) == 1.0
    assert rate_hz(frames(0.0, 0.0333, 0.0667), 30.0) == 30.0
    assert rate_hz(frames(4.0), 30.0) == 30.0


def drawn(tmp_path, hz: float, times_s) -> int:
    """Pictures in the overlay video of frames at those times."""
    drawing = VideoDrawing(tmp_path, "v", hz, 1)
    for index, time_s in enumerate(times_s):
        drawing.add(Frame(np.zeros((48, 64, 3), np.uint8), index, time_s), [])
    movie = cv2.VideoCapture(str(drawing.finish()[-1]))
    count = 0
    while movie.grab():
        count += 1
    return count


@pytest.mark.parametrize(
    ("hz", "times_s", "pictures"),
    [
        (10.0, [3.0, 3.1, 3.2, 3.3], 4),  # of constant rate: each once
        (10.0, [0.0, 0.5, 0.6], 7),
        (10.0, [0.0, 0.02, 0.04, 0.1], 2),  # quicker than it is shown
        (5.0, [0.0, 3600.0, 3600.2], 52),  # an hour in which nothing came is shown for ten seconds
    ],
)
def test_the_overlay_video_shows_each_picture_until_the_time_of_the_next(tmp_path, hz, times_s, pictures):
    assert drawn(tmp_path, hz, times_s) == pictures


@pytest.mark.parametrize(("text", "index"), [("0", 0), ("0.3", 3), ("0.31", 4), ("7f", 7)])
def test_moments_are_seconds_or_frames(text, index):
    assert Moment.parse(text).index(10.0) == index


@pytest.mark.parametrize("text", ["", "f", "-1", "-3f", "1.5f", "nan", "inf", "two"])
def test_other_moments_are_refused(text):
    with pytest.raises(InputError, match="a moment of a video"):
        Moment.parse(text)


def test_a_part_of_a_video(tmp_path):
    video = Video(walk_mp4(tmp_path / "walk.mp4", 9))
    span = (2, None, Moment.parse("0.2"), Moment.parse("7f"))
    assert [frame.index for frame in video.frames(*span)] == [2, 4, 6]
    assert video.expected_frames(*span) == 3
    assert [frame.time_s for frame in video.frames(*span)] == pytest.approx([0.2, 0.4, 0.6])


def test_a_part_without_frames_is_an_error(tmp_path, weights_path, capfd):
    walk = walk_mp4(tmp_path / "walk.mp4")
    assert run(walk, "--start", "90", "--out", tmp_path / "o", "--weights", weights_path) == 2
    assert "--start" in capfd.readouterr().err and not (tmp_path / "o").exists()


def test_a_video_that_lies_about_its_length(tmp_path):
    path = tmp_path / "liar.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for k in range(5):
        writer.write(np.full((48, 64, 3), 40 * k, np.uint8))
    writer.release()
    content = path.read_bytes()
    for name, offset in ((b"avih", 24), (b"strh", 40)):  # dwTotalFrames, dwLength
        at = content.index(name) + offset
        assert struct.unpack_from("<I", content, at)[0] == 5
        content = content[:at] + struct.pack("<I", 900_000_000) + content[at + 4 :]
    path.write_bytes(content)
    video = Video(path)
    assert len(list(video.frames())) == 5
    assert video.expected_frames(1, 3, None, None) == 3
