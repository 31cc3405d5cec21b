"""`wildpose serve` over HTTP: files and webcam pictures in, pages out; what is too much, what is bad, what is left."""

import http.client
import json
import threading
import time
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
from fake_weights import draw_person
from served import BOX, clip, encoded, person, serving, truth_px

from wildpose.serve.app import BUSY


@pytest.fixture
def server(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch) as running:
        yield running


def test_a_photo_becomes_a_page_with_its_pose(server):
    said = server.predict(encoded(person()), name="someone.png")
    data = server.document(said["result"])
    assert data["name"] == "someone.png"
    [found] = data["document"]["frames"][0]["people"]
    assert np.abs(np.array(found["joints_px"]) - truth_px()).max() < 6
    assert server.left() == [f"page-{said['result']}.html"]  # the upload is gone


def test_a_video_tells_how_far_it_is_and_becomes_a_page(server, tmp_path, monkeypatch):
    monkeypatch.setattr("wildpose.serve.work.REPORT_EVERY_S", 0.0)
    _, headers, lines = server.ask("POST", "/predict?name=walk.mp4", clip(tmp_path))
    *progress, last = map(json.loads, lines.splitlines())
    assert headers["content-type"].startswith("application/x-ndjson")
    assert progress == [{"frames": count, "of": 7} for count in range(8)]
    frames = server.document(last["result"])["document"]["frames"]
    assert [frame["index"] for frame in frames] == list(range(7))
    pelvis_x = [frame["people"][0]["joints_px"][6][0] for frame in frames]
    assert pelvis_x[-1] - pelvis_x[0] == pytest.approx(24, abs=6)  # 4 px a frame, held back a little by the smoothing
    assert server.left() == [f"page-{last['result']}.html"]


def test_of_a_quick_video_every_other_frame_is_taken(server, tmp_path):
    said = server.predict(clip(tmp_path, 8, rate_hz=60.0), name="quick.mp4")
    document = server.document(said["result"])["document"]
    assert [frame["index"] for frame in document["frames"]] == [0, 2, 4, 6] and document["rate_hz"] == 30.0


def test_several_people_are_found_if_asked_for(server):
    image = np.zeros((280, 640, 3), np.uint8)
    for x in (60, 400):
        draw_person(image, (x, *BOX[1:]))
    counts = []
    for people in (1, 2):
        key = server.predict(encoded(image), name="two.png", people=people)["result"]
        counts.append(len(server.document(key)["document"]["frames"][0]["people"]))
    assert counts == [1, 2]
    for people in ("0", "11", "x", "-1", "\u0663"):
        status, _, said = server.ask("POST", f"/predict?{urlencode({'people': people})}", b"x")
        assert status == 400 and "people from 1 to 10" in json.loads(said)["error"]


def test_only_the_latest_results_are_kept(server):
    keys = [server.predict(encoded(person()), name="a.png")["result"] for _ in range(5)]
    assert [server.ask("GET", f"/results/{key}")[0] for key in keys] == [404, 404, 200, 200, 200]
    assert server.left() == sorted(f"page-{key}.html" for key in keys[2:])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"hello", "a file of another kind"),
        (encoded(person())[:-200], "one cut short"),
        (encoded(person())[:60], "one cut short"),
        (b"\0\0\0\x18ftypmp42" + bytes(500), "a file without readable frames"),
        (b"\0\0\0\x18ftypheic" + bytes(500), "a HEIC or AVIF picture"),
    ],
    ids=["empty", "text", "cut", "header", "no frames", "heic"],
)
def test_a_bad_file_gets_one_line_that_names_it(server, content, said):
    error = server.predict(content, name="C:\\secret\\holiday.jpg")["error"]
    assert said in error and "holiday.jpg" in error and "secret" not in error and "\n" not in error
    assert str(server.temporary) not in error
    assert server.left() == []
    assert "result" in server.predict(encoded(person()), name="next.png")  # and the app goes on


@pytest.mark.parametrize("script", ["ffconcat version 1.0\nfile {}\n", "#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"])
def test_no_file_is_opened_that_an_upload_names(server, tmp_path, script):
    """FFmpeg follows such scripts whatever they are called; OpenCV's own reader shows that here, too."""
    clip(tmp_path)
    (tmp_path / "script.mp4").write_text(script.format("made.mp4"))
    if script.startswith("ffconcat"):
        assert cv2.VideoCapture(str(tmp_path / "script.mp4"), cv2.CAP_FFMPEG).isOpened()
    for name in (tmp_path / "made.mp4", "made.mp4"):
        error = server.predict(script.format(name).encode(), name=str(tmp_path / "made.mp4"))["error"]
        assert "a file of another kind" in error and str(tmp_path) not in error


def test_what_is_too_large_or_too_long_is_refused(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch, upload_bytes=100_000, video_s=0.5, picture_bytes=1000) as server:
        status, _, said = server.ask("POST", "/predict", bytes(100_001))
        assert status == 413 and "at most 0.1 MB" in json.loads(said)["error"]
        error = server.predict(clip(tmp_path), name="walk.mp4")["error"]
        assert error.startswith("expected a video of at most 0.5 seconds in walk.mp4, got 1 seconds")
        server.ask("POST", "/webcam")
        assert server.ask("POST", "/webcam/picture", bytes(1001))[0] == 413
        assert server.left() == []


def test_a_video_that_lies_about_its_length_ends_at_the_limit(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch, frames=3) as server:
        said = server.predict(clip(tmp_path), name="walk.mp4")
        assert len(server.document(said["result"])["document"]["frames"]) == 3


def test_one_prediction_at_a_time_and_a_browser_that_leaves_ends_its_own(server, tmp_path, monkeypatch):
    inside, go_on = threading.Event(), threading.Event()

    def endless(*_):
        while True:
            inside.set()
            go_on.wait(60)
            yield {"frames": 1, "of": 2}

    monkeypatch.setattr("wildpose.serve.app.predict_upload", endless)
    leaver = http.client.HTTPConnection("127.0.0.1", server.port)
    leaver.request("POST", "/predict?name=a.png", encoded(person()))
    assert inside.wait(60)
    for path in ("/predict", "/webcam"):
        status, _, said = server.ask("POST", path, encoded(person()))
        assert (status, json.loads(said)["error"]) == (409, BUSY)
    assert server.ask("GET", "/")[0] == 200  # others may look
    leaver.sock.close()
    leaver.close()
    go_on.set()
    monkeypatch.undo()
    until = time.monotonic() + 60
    while server.ask("POST", "/webcam")[0] == 409 and time.monotonic() < until:
        time.sleep(0.02)
    assert server.left() == [] and server.ask("POST", "/webcam/picture", b"")[0] == 400


def test_a_full_disk_is_said(server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wildpose.serve.app.kind_of", full)
    status, _, said = server.ask("POST", "/predict?name=a.png", encoded(person()))
    assert (status, json.loads(said)["error"]) == (507, "no room for a.png on this machine: No space left on device")
    assert server.left() == []


def test_a_bug_of_ours_is_said_and_the_app_goes_on(server, monkeypatch, capfd):
    monkeypatch.setattr("wildpose.serve.work.write_page", lambda *_, **__: 1 / 0)
    assert "the terminal" in server.predict(encoded(person()), name="a.png")["error"]
    assert "ZeroDivisionError" in capfd.readouterr().err
    monkeypatch.undo()
    assert "result" in server.predict(encoded(person()), name="a.png")


def test_a_webcam_is_followed_and_becomes_a_page(server):
    assert server.ask("POST", "/webcam/picture", b"")[0] == 404  # not begun
    assert server.ask("POST", "/webcam")[0] == 200
    seen = []
    for step in range(4):
        status, _, said = server.ask("POST", "/webcam/picture", encoded(person(6 * step), ".jpg"))
        assert status == 200
        seen.append(json.loads(said)["frame"])
    assert np.abs(np.array(seen[0]["people"][0]["joints_px"]) - truth_px()).max() < 6
    assert [frame["people"][0]["id"] for frame in seen] == [0] * 4
    assert [frame["index"] for frame in seen] == [0, 1, 2, 3] and seen[0]["time_s"] == 0
    status, _, said = server.ask("POST", "/webcam/end")
    data = server.document(json.loads(said)["result"])
    assert data["name"] == "webcam" and data["document"]["frames"] == seen
    assert server.ask("POST", "/webcam/end")[0] == 404


def test_a_webcam_whose_picture_was_the_last_one_taken_becomes_a_page(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch, frames=3) as server:
        server.ask("POST", "/webcam")
        said = [json.loads(server.ask("POST", "/webcam/picture", encoded(person(), ".jpg"))[2]) for _ in range(3)]
        assert [one["full"] for one in said] == [False, False, True]
        status, _, end = server.ask("POST", "/webcam/end")
        assert status == 200 and len(server.document(json.loads(end)["result"])["document"]["frames"]) == 3


def test_a_webcam_that_falls_silent_makes_room(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch, silence_s=0.0) as server:
        assert server.ask("POST", "/webcam")[0] == server.ask("POST", "/webcam")[0] == 200


def test_a_webcam_that_is_in_use_does_not(server):
    assert (server.ask("POST", "/webcam")[0], server.ask("POST", "/webcam")[0]) == (200, 409)
    assert server.ask("POST", "/webcam/end")[0] == 400  # nothing was seen
