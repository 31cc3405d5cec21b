"""What goes wrong with real files and disks: each case gives a result or one clear line, never a traceback."""

import io
import json
import os
import resource
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from bombs import BOMBS, png
from fake_weights import draw_person

from wildpose import cli
from wildpose.errors import InputError
from wildpose.predict.inputs import Video, camera_source, list_sources, read_photo
from wildpose.predict.photo_files import MOST_PIXELS

BOX = (150, 40, 130, 200)


def person_png(path: Path, noise: int = 0) -> Path:
    image = np.random.default_rng(0).integers(0, noise + 1, (280, 420, 3)).astype(np.uint8)
    draw_person(image, BOX)
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def walk_mp4(path: Path, frames: int = 5) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (420, 280))
    for step in range(frames):
        image = np.zeros((280, 420, 3), np.uint8)
        draw_person(image, (BOX[0] + 8 * step, *BOX[1:]))
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return path


def run(*args) -> int:
    """Exit code of `wildpose predict`."""
    try:
        cli.main(["predict", *map(str, args)])
    except SystemExit as stopped:
        return stopped.code
    return 0


@pytest.mark.parametrize("suffix", BOMBS)
def test_bombs_are_refused_by_their_header(tmp_path, suffix):
    path = tmp_path / f"bomb.{suffix}"
    path.write_bytes(BOMBS[suffix])
    with pytest.raises(InputError, match=r"at most [12]00 megapixels"):
        read_photo(path)


def test_a_hundred_megapixels_are_read(tmp_path):
    assert MOST_PIXELS >= 12500 * 8000
    path = tmp_path / "large.png"
    path.write_bytes(png(12500, 8000, 8000))
    assert read_photo(path).shape == (8000, 12500, 3)


def test_colours_are_right_in_every_format(tmp_path):
    image = np.full((40, 60, 3), (200, 50, 10), np.uint8)
    for suffix in ("jpg", "png", "webp", "bmp", "tiff"):
        cv2.imwrite(str(tmp_path / f"a.{suffix}"), image[..., ::-1])
        assert np.abs(read_photo(tmp_path / f"a.{suffix}").astype(int) - (200, 50, 10)).max() < 8, suffix


def test_a_cmyk_jpeg_has_its_colours(tmp_path):
    pictures = pytest.importorskip("PIL.Image", reason="needs Pillow to write CMYK")
    pictures.new("RGB", (60, 40), (200, 50, 10)).convert("CMYK").save(tmp_path / "press.jpg")
    assert np.abs(read_photo(tmp_path / "press.jpg").astype(int) - (200, 50, 10)).max() < 30


def test_bad_files_are_skipped_listed_at_the_end_and_told_by_the_exit_code(tmp_path, weights_path, capfd):
    folder = tmp_path / "in"
    folder.mkdir()
    person_png(folder / "b.png")
    (folder / "a.jpg").write_text("no photo")
    (folder / "c.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 3000)
    (folder / "d.png").write_bytes(BOMBS["png"])
    assert run(folder, "--out", tmp_path / "o", "--weights", weights_path, "--no-pictures") == 1
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["b.json"]
    printed = capfd.readouterr()
    lines = printed.err.splitlines()
    assert lines[-4] == "3 of 4 inputs could not be used:"
    assert [name in line for name, line in zip(("a.jpg", "c.mp4", "d.png"), lines[-3:], strict=True)] == [True] * 3
    assert "b.json" in printed.out and "Traceback" not in printed.err


def test_ctrl_c_leaves_whole_files_of_what_was_done(tmp_path, weights_path, monkeypatch, capsys):
    from wildpose import movie

    draw, calls = movie.draw_result, []

    def stop_later(*args):
        calls.append(args)
        if len(calls) == 4:  # each frame is drawn once, and the first few once more for the sheet
            raise KeyboardInterrupt
        return draw(*args)

    monkeypatch.setattr(movie, "draw_result", stop_later)
    out = tmp_path / "o"
    formats = ("--format", "json,npz,csv,trc,bvh", "--html")
    assert run(walk_mp4(tmp_path / "walk.mp4"), "--out", out, "--weights", weights_path, *formats) == 130
    assert sorted(path.name for path in out.iterdir()) == [
        *("walk.csv", "walk.html", "walk.json", "walk.npz", "walk_frames", "walk_overlay.webm"),
        *("walk_person0.bvh", "walk_person0.trc", "walk_sheet.jpg"),
    ]
    frames = json.loads((out / "walk.json").read_text())["frames"]
    assert [frame["index"] for frame in frames] == [0, 1, 2]
    assert np.load(out / "walk.npz")["frames"].tolist() == [0, 1, 2]
    printed = capsys.readouterr()
    assert "3 frames" in printed.out and printed.err.strip().endswith("stopped")


def test_ctrl_c_loses_no_frame_that_waits_to_be_smoothed(tmp_path, weights_path, monkeypatch, capsys):
    from wildpose.predict.follow import PeopleFollower

    step, seen = PeopleFollower.step, []

    def ctrl_c_in_the_third(self, *frame):
        seen.append(frame)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return step(self, *frame)

    monkeypatch.setattr(PeopleFollower, "step", ctrl_c_in_the_third)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    out = tmp_path / "o"
    assert run(walk_mp4(tmp_path / "walk.mp4"), "--out", out, "--weights", weights_path, "--no-pictures") == 130
    assert len(seen) == 3
    assert [frame["index"] for frame in json.loads((out / "walk.json").read_text())["frames"]] == [0, 1, 2]
    assert "3 frames" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_before_the_first_frame_leaves_nothing(tmp_path, weights_path, monkeypatch):
    from wildpose import movie

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(movie, "draw_result", stop)
    out = tmp_path / "o"
    assert run(walk_mp4(tmp_path / "walk.mp4"), "--out", out, "--weights", weights_path) == 130
    assert list(out.iterdir()) == []


def test_an_unwritable_place_is_named_and_stops_everything(tmp_path, weights_path, capfd):
    files = [person_png(tmp_path / name) for name in ("a.png", "b.png")]
    assert run(*files, "--out", "/proc/nowhere/o", "--weights", weights_path) == 2
    printed = capfd.readouterr().err
    assert printed.count("\n") == 1 and "/proc/nowhere" in printed and "choose another --out" in printed


@pytest.mark.parametrize("kind", ["photo", "video"])
def test_a_full_disk_is_told_and_leaves_no_halves(tmp_path, weights_path, capfd, kind):
    """The limit on file sizes fails as a full disk does: with an error in the midst of writing."""
    source = person_png(tmp_path / "a.png", noise=60) if kind == "photo" else walk_mp4(tmp_path / "a.mp4")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, before[1]))
    try:
        code = run(source, "--out", tmp_path / "o", "--weights", weights_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    printed = capfd.readouterr().err
    assert code == 2 and "to write into" in printed and "Traceback" not in printed
    assert list((tmp_path / "o").iterdir()) == []


def test_a_photo_from_standard_input(tmp_path, weights_path, monkeypatch):
    content = person_png(tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert run("-", "--out", tmp_path / "o", "--weights", weights_path) == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["stdin.json", "stdin_overlay.jpg"]
    assert len(json.loads((tmp_path / "o" / "stdin.json").read_text())["frames"][0]["people"]) == 1


def test_results_among_the_photos_are_not_read_the_next_time(tmp_path, weights_path):
    photos = [person_png(tmp_path / name) for name in ("a.png", "mine_overlay.jpg")]
    (tmp_path / "b_sheet.jpg").write_bytes(photos[1].read_bytes())  # a photo of the user's that is called so
    for _ in range(2):
        assert run(tmp_path, "--out", tmp_path, "--weights", weights_path) == 0
        assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["a", "b_sheet", "mine_overlay"]
    assert [s.stem for s in list_sources([tmp_path / "a*"])] == ["a"]
    assert [s.stem for s in list_sources([tmp_path / "a_overlay.jpg"])] == ["a_overlay"]  # named, it is read


def test_a_colon_in_a_videos_name_is_no_protocol(tmp_path, weights_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    walk_mp4(tmp_path / "shot:1.mp4")
    assert run("shot:1.mp4", "--out", ".", "--weights", weights_path) == 0
    assert Path("shot:1.json").is_file() and Path("shot:1_overlay.webm").stat().st_size > 1000


def test_patterns_name_the_files_that_they_match(tmp_path):
    for name in ("a1.jpg", "a2.png", "b1.jpg", "a3.txt", "odd[1].jpg"):
        (tmp_path / name).touch()
    assert [s.path.name for s in list_sources([tmp_path / "a*"])] == ["a1.jpg", "a2.png"]
    assert [s.path.name for s in list_sources([tmp_path / "odd[1].jpg"])] == ["odd[1].jpg"]
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a4.jpg").touch()
    assert [s.path.name for s in list_sources([tmp_path / "**" / "a*.jpg"])] == ["a1.jpg", "a4.jpg"]
    with pytest.raises(InputError, match="nothing there"):
        list_sources([tmp_path / "z*"])


def test_a_camera_is_watched(tmp_path, weights_path, monkeypatch, capfd):
    """A file stands in for the device: camera 0 shows it, camera 1 isn't there."""
    walk = walk_mp4(tmp_path / "walk.mp4")
    opened = {0: str(walk), 1: str(tmp_path / "absent.mp4")}
    monkeypatch.setattr(Video, "_open", lambda self: cv2.VideoCapture(opened[self.camera]))
    out = ("--out", tmp_path / "o", "--weights", weights_path, "--no-pictures")
    assert run("--camera", 0, "--max-frames", 4, *out) == 0
    document = json.loads((tmp_path / "o" / "camera0.json").read_text())
    frames = document["frames"]
    assert [(frame["index"], len(frame["people"])) for frame in frames] == [(k, 1) for k in range(4)]
    times = [frame["time_s"] for frame in frames]
    assert times == sorted(times) and times[0] < times[-1] < 60  # by the clock: the device's own rate is only a promise
    assert document["rate_hz"] == pytest.approx(3 / (times[-1] - times[0]), rel=0.01)
    assert run("--camera", 1, *out) == 2 and "plugged in" in capfd.readouterr().err
    assert camera_source(3).stem == "camera3"


def test_a_tiny_photo_gives_a_result(tmp_path, weights_path):
    for side in (1, 32):
        cv2.imwrite(str(tmp_path / f"t{side}.png"), np.full((side, side, 3), 90, np.uint8))
        assert run(tmp_path / f"t{side}.png", "--out", tmp_path / "o", "--weights", weights_path) == 0


def spoiled(content: bytes, random: np.random.Generator) -> bytes:
    """Cut off somewhere, or with some bits flipped, or both."""
    if random.random() < 0.4:
        content = content[: random.integers(0, len(content))]
    damaged = bytearray(content)
    for _ in range(random.integers(0, 12) if damaged else 0):
        damaged[random.integers(0, len(damaged))] ^= 1 << random.integers(0, 8)
    return bytes(damaged)


def test_two_hundred_damaged_files_give_an_error_or_a_picture(tmp_path, capfd):
    random = np.random.default_rng(7)
    picture = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    writer = cv2.VideoWriter(str(tmp_path / "v.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    for k in range(4):
        writer.write(np.full((48, 64, 3), 60 * k, np.uint8))
    writer.release()
    whole = {
        ".jpg": (cv2.imencode(".jpg", picture)[1].tobytes(), 60),
        ".png": (cv2.imencode(".png", picture)[1].tobytes(), 60),
        ".mp4": ((tmp_path / "v.mp4").read_bytes(), 80),
    }
    refused = 0
    for suffix, (content, count) in whole.items():
        for k in range(count):
            path = tmp_path / f"{k}{suffix}"
            path.write_bytes(spoiled(content, random))
            try:
                if suffix == ".mp4":
                    found = [frame.image_rgb for frame in Video(path).frames(max_frames=20)]
                else:
                    found = [read_photo(path)]
                assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in found)
            except InputError:
                refused += 1
            os.unlink(path)
    assert 60 < refused < 200
    assert capfd.readouterr().err == ""
