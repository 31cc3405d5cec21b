"""Pictures of an earlier run aren't read as photos, and folders that only look like ours are nobody's to remove."""

import cv2
import numpy as np
import pytest

from wildpose import cli
from wildpose.errors import InputError
from wildpose.movie import VideoDrawing
from wildpose.predict.inputs import list_sources
from wildpose.predict.own_files import is_own_folder


def touch(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder, pattern: str = "") -> list[str]:
    given = folder / pattern if pattern else folder
    return [source.path.relative_to(folder).as_posix() for source in list_sources([given])]


@pytest.mark.parametrize("result", ["a.json", "a.npz", "a.csv", "a.html", "a_person0.trc", "a_person12.bvh"])
def test_an_overlay_with_results_of_any_format_beside_it_is_ours(tmp_path, result):
    touch(tmp_path, "a.jpg", "a_overlay.jpg", result)
    assert found(tmp_path) == ["a.jpg"]


def test_a_picture_that_only_bears_such_a_name_is_read(tmp_path):
    touch(tmp_path, "a.jpg", "a_overlay.jpg", "b.json", "_sheet.jpg")
    assert found(tmp_path) == ["_sheet.jpg", "a.jpg", "a_overlay.jpg"]


def test_frames_of_a_video_that_were_drawn_are_not_read(tmp_path):
    touch(tmp_path, "walk.mp4", "walk.json", "walk_sheet.jpg", "walk_frames/000000.jpg", "walk_frames/000001.jpg")
    touch(tmp_path, "mine_frames/000000.jpg", "deep/a.jpg")
    assert found(tmp_path, "**/*.jpg") == ["deep/a.jpg", "mine_frames/000000.jpg"]


@pytest.mark.parametrize(
    ("names", "own"),
    [
        (["v_sheet.jpg", "v_frames/000000.jpg", "v_frames/1000000.jpg"], True),
        (["v_frames/000000.jpg"], False),  # as `ffmpeg -i v.mp4 v_frames/%06d.jpg` leaves them
        (["v_sheet.jpg", "v_frames/000000.jpg", "v_frames/notes.txt"], False),
        (["v_sheet.jpg", "v_frames/000000.jpg", "v_frames/more/a.jpg"], False),
    ],
)
def test_a_folder_is_replaced_only_if_it_is_one_of_ours(tmp_path, names, own):
    touch(tmp_path, *names)
    before = sorted(path for path in tmp_path.rglob("*"))
    assert is_own_folder(tmp_path / "v_frames") == own
    if own:
        VideoDrawing(tmp_path, "v", 10.0, 1)
    else:
        with pytest.raises(InputError, match=r"nothing but the overlays of an earlier run in .*v_frames"):
            VideoDrawing(tmp_path, "v", 10.0, 1)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_second_run_replaces_the_first_ones_frames_and_a_folder_of_mine_stays(tmp_path, weights_path, capsys):
    clip = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for level in range(4):
        writer.write(np.full((48, 64, 3), 60 * level, np.uint8))
    writer.release()
    args = ["predict", str(clip), "--out", str(tmp_path), "--weights", str(weights_path), "--box", "10,5,30,40"]
    cli.main(args)
    cli.main([*args, "--max-frames", "2"])
    assert sorted(path.name for path in (tmp_path / "v_frames").iterdir()) == ["000000.jpg", "000001.jpg"]
    (tmp_path / "v_frames" / "mine.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="2"):
        cli.main(args)
    assert "v_frames" in capsys.readouterr().err and (tmp_path / "v_frames" / "mine.txt").read_text()
    assert not list(tmp_path.glob(".v*")), "and nothing is left over"
