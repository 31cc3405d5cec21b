"""`wildpose predict` and `wildpose demo` from the command line to the files."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_weights import draw_person

from wildpose import cli
from wildpose.cli import demo as demo_module
from wildpose.errors import InputError

BOX = (150, 40, 130, 200)


@pytest.fixture
def photo(tmp_path) -> tuple[Path, np.ndarray]:
    """A photo of one dotted person, and the truth."""
    image = np.zeros((280, 420, 3), np.uint8)
    truth = draw_person(image, BOX)
    cv2.imwrite(str(tmp_path / "person.png"), image[..., ::-1])
    return tmp_path / "person.png", truth


@pytest.fixture
def clip(tmp_path) -> tuple[Path, list[np.ndarray]]:
    """Seven frames of a dotted person who goes to the right."""
    writer = cv2.VideoWriter(str(tmp_path / "walk.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (420, 280))
    truths = []
    for step in range(7):
        image = np.zeros((280, 420, 3), np.uint8)
        truths.append(draw_person(image, (BOX[0] + 12 * step, *BOX[1:])))
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return tmp_path / "walk.mp4", truths


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_photo_gives_json_and_overlay(photo, weights_path, tmp_path, capsys):
    path, truth = photo
    out = tmp_path / "deep" / "out"
    cli.main(["predict", str(path), "--out", str(out), "--weights", str(weights_path), "--no-flip"])
    assert names(out) == ["person.json", "person_overlay.jpg"]
    document = json.loads((out / "person.json").read_text())
    (frame,) = document["frames"]
    assert (frame["index"], frame["time_s"], frame["width"], frame["height"]) == (0, 0.0, 420, 280)
    (person,) = frame["people"]
    assert np.abs(np.array(person["joints_px"]) - truth).max() < 6
    overlay = cv2.imread(str(out / "person_overlay.jpg"))
    assert overlay.shape[0] >= 280 and overlay.shape[1] > overlay.shape[0] * 420 / 280
    assert "1 person" in capsys.readouterr().out


def test_given_boxes_win(photo, weights_path, tmp_path):
    path, truth = photo
    boxes = ["--box", "150,40,130,200", "--box=-20,-10,60,90.5"]
    out = ["--out", str(tmp_path / "o"), "--no-pictures"]
    cli.main(["predict", str(path), *out, "--weights", str(weights_path), "--no-flip", *boxes])
    assert names(tmp_path / "o") == ["person.json"]
    people = json.loads((tmp_path / "o" / "person.json").read_text())["frames"][0]["people"]
    assert [p["id"] for p in people] == [0, 1]
    assert [p["box_xywh"] for p in people] == [[150, 40, 130, 200], [-20, -10, 60, 90.5]]
    assert np.abs(np.array(people[0]["joints_px"]) - truth).max() < 6


def test_a_video_gives_frames_sheet_movie_and_json(clip, weights_path, tmp_path):
    path, truths = clip
    out = tmp_path / "o"
    limits = ["--stride", "2", "--max-frames", "3"]
    cli.main(["predict", str(path), "--out", str(out), "--weights", str(weights_path), "--no-flip", *limits])
    assert names(out) == [
        *("walk.json", "walk_frames/000000.jpg", "walk_frames/000002.jpg", "walk_frames/000004.jpg"),
        *("walk_overlay.webm", "walk_sheet.jpg"),
    ]
    frames = json.loads((out / "walk.json").read_text())["frames"]
    assert [(f["index"], f["time_s"]) for f in frames] == [(0, 0.0), (2, 0.2), (4, 0.4)]
    for frame in frames:
        (person,) = frame["people"]
        assert person["id"] == 0 and person["interpolated"] is False
        assert np.abs(np.array(person["joints_px"]) - truths[frame["index"]]).max() < 8
    movie = cv2.VideoCapture(str(out / "walk_overlay.webm"))
    assert movie.get(cv2.CAP_PROP_FPS) == 5 and [movie.read()[0] for _ in range(4)] == [True] * 3 + [False]


def test_what_was_smoothed_says_so(clip, photo, weights_path, tmp_path):
    options = ("--weights", str(weights_path), "--no-flip", "--no-pictures", "--max-frames", "3")
    out = ("--out", str(tmp_path / "o"), *options)
    found = {}
    for name, source, flags in (
        ("on", clip[0], ()), ("off", clip[0], ("--no-smooth",)), ("photo", photo[0], ("--smooth",)),
    ):  # fmt: skip
        cli.main(["predict", str(source), *out, *flags])
        found[name] = json.loads((tmp_path / "o" / f"{source.stem}.json").read_text())
    assert found["off"]["smoothing"] is None and found["photo"]["smoothing"] is None
    assert found["on"]["smoothing"]["filter"] == "one-euro" and found["on"]["smoothing"]["ahead_frames"] == 4
    on, off = ([f["people"][0]["joints_px"] for f in found[name]["frames"]] for name in ("on", "off"))
    assert on != off and np.abs(np.array(on) - np.array(off)).max() < 8


def test_a_photo_is_placed_by_its_own_lens_unless_told_otherwise(photo, weights_path, tmp_path):
    from test_exif import jpeg_with, tiff_block

    (tmp_path / "phone.jpg").write_bytes(jpeg_with(tiff_block(26)))
    out = ["--out", str(tmp_path / "o"), "--weights", str(weights_path), "--no-flip", "--no-pictures"]
    cameras = []
    for flags in ([], ["--fov", "50"], ["--pitch-deg", "-12.5"]):
        cli.main(["predict", str(tmp_path / "phone.jpg"), *out, *flags])
        document = json.loads((tmp_path / "o" / "phone.json").read_text())
        cameras.append(document["camera"])
    assert [camera["source"] for camera in cameras] == ["exif", "given", "exif"]
    assert cameras[0]["fx"] == pytest.approx(26 / 43.267 * np.hypot(60, 40), abs=0.01)
    assert document["world"] == {"pitch_deg": -12.5, "assumed": False}


def spoil_text(folder, photo):
    (folder / "letter.jpg").write_text("Dear network,\nthis is no photo.\n")
    return [str(folder / "letter.jpg")]


def spoil_cut(folder, photo):
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    content = cv2.imencode(".jpg", image)[1].tobytes()
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])
    return [str(folder / "cut.jpg")]


def spoil_empty_folder(folder, photo):
    (folder / "empty").mkdir()
    return [str(folder / "empty")]


def spoil_video(folder, photo):
    (folder / "clip.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 3000)
    return [str(folder / "clip.mp4")]


def spoil_damaged(folder, photo):
    content = bytearray(photo.read_bytes())
    content[16:24] = b"\xff" * 8  # a PNG 4 billion px wide and high
    (folder / "wide.png").write_bytes(content)
    return [str(folder / "wide.png")]


BAD = {
    "missing file": (lambda f, p: [str(f / "absent.jpg")], "absent.jpg"),
    "one of two missing": (lambda f, p: [str(p), str(f / "absent.jpg")], "absent.jpg"),
    "text named jpg": (spoil_text, "a text file"),
    "truncated jpeg": (spoil_cut, "cut short"),
    "a bomb": (spoil_damaged, "200 megapixels"),
    "empty folder": (spoil_empty_folder, "empty folder"),
    "not a video": (spoil_video, "readable frames"),
    "unknown ending": (lambda f, p: [str(Path(__file__))], "'.py'"),
    "box outside": (lambda f, p: [str(p), "--box", "420,10,50,50"], "420 x 280"),
    "box of three": (lambda f, p: [str(p), "--box", "1,2,3"], "--box X,Y,W,H"),
    "flat box": (lambda f, p: [str(p), "--box", "1,2,0,9"], "w, h > 0"),
    "stride 0": (lambda f, p: [str(p), "--stride", "0"], "--stride"),
    "max people 0": (lambda f, p: [str(p), "--max-people", "0"], "--max-people"),
    "threads 0": (lambda f, p: [str(p), "--threads", "0"], "--threads"),
    "camera at infinity": (lambda f, p: [str(p), "--intrinsics", "900,900,inf,100"], "--intrinsics"),
    "max frames 0": (lambda f, p: [str(p), "--max-frames", "0"], "--max-frames"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_line_and_leaves_nothing(case, photo, weights_path, tmp_path, capfd):
    make, says = BAD[case]
    args = make(tmp_path, photo[0])
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["predict", *args, "--out", str(out), "--weights", str(weights_path)])
    printed = capfd.readouterr()
    assert stopped.value.code == 2
    assert printed.err.startswith("error: expected ") and printed.err.count("\n") == 1, printed.err
    assert says in printed.err and "; " in printed.err
    assert not out.exists()


def test_half_a_weights_file(photo, weights_path, tmp_path, capfd):
    half = tmp_path / "half.onnx"
    half.write_bytes(weights_path.read_bytes()[:900])
    with pytest.raises(SystemExit) as stopped:
        cli.main(["predict", str(photo[0]), "--out", str(tmp_path / "out"), "--weights", str(half)])
    printed = capfd.readouterr().err
    assert stopped.value.code == 2 and printed.count("\n") == 1 and "half.onnx" in printed
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file(photo, weights_path, tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["predict", str(photo[0]), "--out", str(photo[0]), "--weights", str(weights_path)])
    assert stopped.value.code == 2 and "choose another --out" in capfd.readouterr().err


def test_an_error_in_the_midst_of_a_video_leaves_nothing(clip, weights_path, tmp_path, monkeypatch):
    from wildpose import movie

    def fail_late(image, *args):
        fail_late.calls += 1
        if fail_late.calls == 3:
            raise RuntimeError("a bug")
        return draw(image, *args)

    fail_late.calls, draw = 0, movie.draw_result
    monkeypatch.setattr(movie, "draw_result", fail_late)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main(["predict", str(clip[0]), "--out", str(tmp_path / "o"), "--weights", str(weights_path)])
    assert list((tmp_path / "o").iterdir()) == []


def test_predict_works_where_torch_cannot_be_imported(photo, weights_path, tmp_path):
    code = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "scipy", "matplotlib", "numba", "safetensors"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
from wildpose.cli import main
main(sys.argv[1:])
"""
    args = ["predict", str(photo[0]), "--out", str(tmp_path / "o"), "--weights", str(weights_path)]
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "o") == ["person.json", "person_overlay.jpg"]


def test_demo_on_a_given_clip_says_where_to_look(clip, weights_path, tmp_path, capsys):
    out = tmp_path / "d"
    cli.main(["demo", "--video", str(clip[0]), "--out", str(out), "--weights", str(weights_path), "--max-frames", "2"])
    printed = capsys.readouterr().out
    for name in ("walk.html", "walk_sheet.jpg", "walk_overlay.webm", "walk.json", "walk_frames"):
        assert str(out / name) in printed and (out / name).exists()


def test_demo_without_network_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(InputError, match="go online, or name a video"):
        demo_module.demo_clip()
    assert names(tmp_path) == []


def test_demo_refuses_a_clip_of_other_content(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        wheel.writestr(demo_module.MEMBER, b"something else")
    with pytest.raises(InputError, match="other content"):
        demo_module._extract(tmp_path / "x.whl")
