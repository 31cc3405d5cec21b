"""What counts as a photo or a video; and that nothing makes FFmpeg open other files than the one given."""

import os
import struct

import cv2
import numpy as np
import pytest
from test_robust import person_png, run, walk_mp4

from wildpose.errors import InputError
from wildpose.predict.file_kinds import HEAD_BYTES, kind_of
from wildpose.predict.inputs import Video, list_sources

CODES = {"mp4": "mp4v", "mov": "mp4v", "avi": "MJPG", "mkv": "MJPG", "webm": "VP80", "mpg": "PIM1", "vob": "PIM1"}
CODES |= {"mts": "mpg2", "m2ts": "mpg2", "ts": "mp4v", "3gp": "mp4v", "wmv": "WMV2", "asf": "WMV2", "flv": "FLV1"}


@pytest.mark.parametrize("suffix", CODES)
def test_videos_are_told_by_their_first_bytes(tmp_path, suffix, capfd):
    path = tmp_path / f"a.{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*CODES[suffix]), 25.0, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    assert kind_of(path.read_bytes()[:HEAD_BYTES], "a") == "video"
    (source,) = list_sources([tmp_path])
    assert source.kind == "video" and len(list(Video(source.path).frames())) == 1


def test_pictures_of_many_megabytes_before_the_rest_of_a_mov_are_no_trouble():
    assert kind_of(struct.pack(">I", 600_000_000) + b"mdat" + bytes(100), "a") == "video"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
def test_photos_are_told_by_their_first_bytes(suffix):
    assert kind_of(cv2.imencode(suffix, np.zeros((40, 60, 3), np.uint8))[1].tobytes()[:HEAD_BYTES], "a") == "photo"


@pytest.mark.parametrize(
    "head", [b"RIFF\0\0\0\0WAVE", b"\x1a\x45\xdf\xa3 <MPD", b"c=IN IP4 127.0.0.1", b"<?xml", b"mdatmdat", b"Go" * 200]
)
def test_nothing_else_is_taken_for_either(head):
    with pytest.raises(InputError, match="file of another kind"):
        kind_of(head, "a")


SCRIPTS = {
    "ffconcat": "ffconcat version 1.0\nfile '{name}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_called_a_video_opens_no_other_file(tmp_path, weights_path, monkeypatch, capfd, kind):
    """Hostile or accidental: the "video" is a text that names another file, which FFmpeg would read."""
    walk_mp4(tmp_path / "secret.mp4")
    (tmp_path / "clip.mp4").write_text(SCRIPTS[kind].format(name="secret.mp4"))
    monkeypatch.chdir(tmp_path)
    if kind == "ffconcat":
        assert cv2.VideoCapture("clip.mp4", cv2.CAP_FFMPEG).read()[0], "the danger: OpenCV plays it"
    assert run("clip.mp4", "--out", "o", "--weights", weights_path) == 2
    said = capfd.readouterr().err
    assert "file of another kind" in said and "clip.mp4" in said and not (tmp_path / "o").exists()


@pytest.mark.parametrize(("make", "says"), [
    (lambda path: None, "no such file"),
    (lambda path: path.mkdir(), "no such file"),
    (lambda path: path.touch(), "an empty file"),
    (lambda path: path.write_bytes(person_png(path.with_suffix(".png")).read_bytes()), "a photo"),
    (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(50)), "HEIC"),
    (lambda path: os.mkfifo(path), "no such file"),
])  # fmt: skip
def test_what_is_no_video_is_told_in_one_line(tmp_path, make, says):
    make(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=says):
        Video(tmp_path / "a.mp4")
