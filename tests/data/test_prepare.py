"""From official archives to what the readers read: frames, cameras, the damaged sequence, resuming, refusals."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_3dhp import FRAMES as FRAMES_3DHP
from made_3dhp import write_train
from made_archives import (
    FRAMES,
    GREY_STEP,
    camera_of,
    pack_subject,
    room_pose,
    write_cdf,
    write_metadata,
    write_subject,
    write_video,
)

from wildpose.cli import main
from wildpose.data.human36m import CAMERA_NAMES, load_human36m
from wildpose.data.human36m_prepare import prepare_human36m
from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp
from wildpose.data.mpi_inf_3dhp_prepare import prepare_mpi_inf_3dhp
from wildpose.errors import InputError
from wildpose.skeleton import H36M17, MPII16

STRIDES = {"train": 5, "test": 3}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("archives")
    write_metadata(root / "metadata.xml")
    write_subject(root, "S11")
    return root


@pytest.fixture
def archives(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "archives"))


def silent(line: str) -> None:
    pass


def test_frames_poses_and_cameras_belong_together(archives: Path, tmp_path: Path):
    told: list[str] = []
    [index] = prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=told.append)
    assert index == tmp_path / "out" / "annotation_body3d" / "stride3" / "h36m_test.npz"
    assert "S11_Directions_2.54138969 left out" in told[0] and "119 sequences, 357 images" in told[-1]
    people = load_human36m(tmp_path / "out", "test", 3)
    assert len(people) == 119 * 3 and people.frame[:3].tolist() == [1, 4, 7]
    assert len(set(people.action)) == 15
    names = [str(people.path(i)) for i in range(len(people))]
    i = next(i for i, name in enumerate(names) if name.endswith("S11_Photo_2.58860488_000004.jpg"))
    sample = people.load(i)
    assert abs(sample.image_rgb.mean() - 4 * GREY_STEP) < 8  # the fourth frame, not the third or fifth
    camera = camera_of("S11", CAMERA_NAMES.index("58860488"))
    wrist = camera.R @ room_pose(4)[H36M17.index("left_wrist")] + camera.t_mm
    np.testing.assert_allclose(sample.joints_cam_mm[MPII16.index("left_wrist")], wrist, atol=0.01)
    np.testing.assert_allclose(sample.camera.project(sample.joints_cam_mm), sample.joints_px, atol=0.01)
    np.testing.assert_allclose(sample.camera.R, camera.R, atol=1e-9)
    assert not any("S11_Directions_2.54138969" in name for name in names)


def test_archives_give_the_same_as_folders_and_strides_live_side_by_side(archives: Path, tmp_path: Path):
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)
    loose = load_human36m(tmp_path / "out", "test", 3).joints_px
    pack_subject(archives, "S11")
    shutil.rmtree(archives / "S11")
    prepare_human36m(archives, tmp_path / "packed", STRIDES, ("S11",), told=silent)
    np.testing.assert_array_equal(load_human36m(tmp_path / "packed", "test", 3).joints_px, loose)
    prepare_human36m(archives, tmp_path / "packed", {"train": 5, "test": 64}, ("S11",), told=silent)
    assert len(load_human36m(tmp_path / "packed", "test", 64)) == 119


def test_a_run_that_was_cut_off_goes_on_with_what_is_missing(archives: Path, tmp_path: Path):
    videos = archives / "S11" / "Videos"
    cut = sorted(videos.glob("*.mp4"))[60]
    whole = cut.read_bytes()
    cut.write_bytes(whole[:20])
    with pytest.raises(InputError, match=rf"a video at .*{cut.stem}\.mp4, got a file that can't be opened"):
        prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)
    assert not list((tmp_path / "out").rglob("h36m_*.npz"))
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.jpg")}
    assert 0 < len(times) < 357
    cut.write_bytes(whole)
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)
    assert len(load_human36m(tmp_path / "out", "test", 3)) == 357
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert not [p for p in (tmp_path / "out").rglob("*") if p.name.startswith(".")]  # no drafts
    for video in videos.glob("*.mp4"):  # nothing is decoded again
        video.write_bytes(b"")
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)


def test_a_picture_that_was_removed_is_made_again(archives: Path, tmp_path: Path):
    """The video is read up to there, which is no sign that it ends there."""
    told: list[str] = []
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)
    gone = sorted((tmp_path / "out").rglob("S11_Photo_2.58860488_000001.jpg"))[0]
    before = gone.read_bytes()
    gone.unlink()
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=told.append)
    assert gone.read_bytes() == before and not any("left out" in line and "the video has" in line for line in told)


def test_a_video_may_end_a_little_before_its_poses(archives: Path, tmp_path: Path):
    write_video(archives / "S11" / "Videos" / "Eating.55011271.mp4", frames=FRAMES - 2)
    told: list[str] = []
    prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=told.append)
    assert f"S11_Eating_2.55011271: the video has {FRAMES - 2} frames" in " ".join(told)
    assert len(load_human36m(tmp_path / "out", "test", 3)) == 356


def poses(root: Path) -> Path:
    return root / "S11" / "MyPoseFeatures" / "D3_Positions"


def replace_cdf(name: str, values, variable: str = "Pose"):
    def damage(root: Path) -> None:
        (poses(root) / f"{name}.cdf").unlink()
        write_cdf(poses(root) / f"{name}.cdf", values, variable)

    return damage


def edit_metadata(old: str, new: str):
    def damage(root: Path) -> None:
        text = (root / "metadata.xml").read_text()
        assert old in text
        (root / "metadata.xml").write_text(text.replace(old, new))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda r: (r / "metadata.xml").unlink(), r"metadata\.xml, got no such file; it comes with"),
        (lambda r: (r / "metadata.xml").write_text("<xml><w0>"), r"XML in .*metadata\.xml"),
        (edit_metadata("w0>", "w1>"), r"elements w0 and mapping in .*metadata\.xml, got only mapping, w1"),
        (edit_metadata("<w0>[", "<w0>[7 "), r"w0 of 300 in .*got shape \(301,\)"),
        (edit_metadata("<td>16</td>", "<td>17</td>"), r"names of 30 takes of S11 in metadata\.xml, got 28"),
        (lambda r: shutil.rmtree(r / "S11" / "Videos"), r"got 1 missing \(Videos_S11\.tgz or S11/Videos\); fetch them"),
        (lambda r: (poses(r) / "Posing.cdf").unlink(), r"30 takes in .*got 1 missing \(Posing\.cdf\)"),
        (lambda r: (poses(r) / "Posing.cdf").write_bytes(b"\0" * 99), r"a CDF file with Pose at .*Posing\.cdf"),
        (lambda r: (poses(r) / "Posing.cdf").write_bytes((poses(r) / "Posing.cdf").read_bytes()[:700]), r"Posing\.cdf"),
        (replace_cdf("Posing", np.ones((FRAMES, 96)), "Angles"), r"a CDF file with Pose at .*Posing\.cdf"),
        (replace_cdf("Posing", np.ones((FRAMES, 64))), r"Pose of N x 96 in .*Posing\.cdf, got shape \(7, 64\)"),
        (replace_cdf("Posing", np.full((FRAMES, 96), np.nan)), r"finite Pose in .*Posing\.cdf, got nan at \[0, 0\]"),
        (
            lambda r: (r / "S11" / "Videos" / "Posing 1.60457274.mp4").unlink(),
            r"the videos of S11 in .*got 1 missing \(Posing 1\.60457274\.mp4\)",
        ),
    ],
)
def test_damaged_archives_are_refused(archives: Path, tmp_path: Path, damage, message: str):
    damage(archives)
    with pytest.raises(InputError, match=message):
        prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)
    assert not list((tmp_path / "out").rglob("h36m_*.npz"))


def test_a_truncated_archive_is_refused(archives: Path, tmp_path: Path):
    pack_subject(archives, "S11")
    shutil.rmtree(archives / "S11")
    path = archives / "Poses_D3_Positions_S11.tgz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"Poses_D3_Positions_S11\.tgz"):
        prepare_human36m(archives, tmp_path / "out", STRIDES, ("S11",), told=silent)


def test_the_command(archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    words = ["data", "prepare", "human36m", str(archives), "--out", str(tmp_path / "out"), "--subjects", "S11"]
    main(words)
    assert "stride64/h36m_test.npz" in capsys.readouterr().out
    assert len(load_human36m(tmp_path / "out", "test", 64)) == 119
    for more in (["--subjects", "S4"], ["--stride-test", "0"]):
        with pytest.raises(SystemExit) as stopped:
            main([*words, *more])
        assert stopped.value.code == 2


@pytest.fixture
def training(tmp_path: Path) -> Path:
    folder = write_train(tmp_path / "3dhp").parent
    (folder / "imageSequence").mkdir()
    for camera in range(14):
        write_video(folder / "imageSequence" / f"video_{camera}.avi", FRAMES_3DHP, "MJPG")
    return tmp_path / "3dhp"


def test_3dhp_frames_are_where_the_reader_looks(training: Path, capsys: pytest.CaptureFixture):
    main(["data", "prepare", "mpi-inf-3dhp", str(training), "--stride-train", "3"])
    assert "24 frames" in capsys.readouterr().out
    people = load_mpi_inf_3dhp(training, "train", stride=3).require_images()
    assert len(people) == 8 * 3
    for i in (0, 1, 2):  # frames 1, 4 and 7
        assert abs(people.load(i).image_rgb.mean() - GREY_STEP * (1 + 3 * i)) < 8
    times = {path: path.stat().st_mtime_ns for path in training.rglob("*.jpg")}
    assert prepare_mpi_inf_3dhp(training, 3, silent) == 24
    assert {path: path.stat().st_mtime_ns for path in training.rglob("*.jpg")} == times


def test_3dhp_refusals_come_after_the_rest_is_done(training: Path):
    videos = training / "S1" / "Seq1" / "imageSequence"
    write_video(videos / "video_2.avi", 4, "MJPG")
    (videos / "video_5.avi").unlink()
    with pytest.raises(InputError, match=r"8 frames in .*video_2\.avi, got 4; .*video_5\.avi, got no such file"):
        prepare_mpi_inf_3dhp(training, 1, silent)
    assert (training / "S1/Seq1/imageFrames/video_8/frame_000008.jpg").is_file()
    with pytest.raises(InputError, match=r"annot\.mat in .*got none; fetch"):
        prepare_mpi_inf_3dhp(training / "nowhere", 1, silent)
