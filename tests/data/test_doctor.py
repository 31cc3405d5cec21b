"""The doctor recognises every kind of data set, finds what is missing or damaged, and says who supplies it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_3dhp import FRAMES, VALID, write_train
from made_human36m import CAMERAS, write_index
from made_mpii import write_hrnet
from made_sets import (
    JPEG,
    MADE,
    archives,
    coco,
    index,
    legacy,
    lspet,
    mpii,
    packed,
    put,
    rendered,
    three_d_test,
    three_d_train,
    triple,
)
from scipy.io import savemat
from test_studio_reader import shard, write_set

from wildpose.cli import main
from wildpose.data import doctor_2d, doctor_3d
from wildpose.data.doctor import KINDS, diagnose
from wildpose.data.finding import photo_state
from wildpose.data.mpi_inf_3dhp import TEST_FRAMES


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published sizes of the sets, scaled down to those of the made ones."""
    monkeypatch.setattr(doctor_2d, "TRAIN_PEOPLE", 2)
    monkeypatch.setattr(doctor_2d, "VALIDATION_PEOPLE", 1)
    monkeypatch.setattr(doctor_3d, "ACTIONS", ("Directions",))
    monkeypatch.setattr(doctor_3d, "CAMERA_NAMES", tuple(CAMERAS))
    monkeypatch.setattr(doctor_3d, "SEQUENCES", ("S1/Seq1",))
    for ts in TEST_FRAMES:
        monkeypatch.setitem(TEST_FRAMES, ts, (FRAMES, sum(VALID.get(ts, [1] * FRAMES))))


@pytest.fixture
def only_s11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_3d, "SUBJECTS", {"test": ("S11",)})


def run(folder: Path, capsys: pytest.CaptureFixture, *more: str) -> tuple[int, str]:
    """Exit code of the command, and what it says."""
    capsys.readouterr()
    try:
        main(["data", "doctor", str(folder), *more])
        code = 0
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("title", MADE)
def test_every_kind_is_recognised_and_sound(title: str, tmp_path: Path, capsys, small, request):
    if "archives" in title:
        request.getfixturevalue("only_s11")
    MADE[title](tmp_path)
    code, text = run(tmp_path, capsys, "--decode")
    assert code == 0 and f"{tmp_path}: {title}\n" in text and text.rstrip().endswith("sound"), text


WITH_PHOTOS = (
    {*MADE}
    - {"rendered set: studio train", "LSP", "Human3.6M, official archives", "packed photos"}
    - {
        "MPI-INF-3DHP, training set"  # of a camera with less than two frames it says that there are none
    }
)


def test_no_kind_is_left_untested():
    assert len(MADE) == len(KINDS) + 1  # LSP and LSPET are one kind of file


@pytest.mark.parametrize("title", sorted(WITH_PHOTOS))
def test_missing_and_damaged_photos_are_named(title: str, tmp_path: Path, capsys, small):
    MADE[title](tmp_path)
    photos = sorted(path for path in tmp_path.rglob("*.jpg"))
    photos[0].write_bytes(JPEG[:-20])
    for photo in photos[1:8]:
        photo.unlink()
    code, text = run(tmp_path, capsys)
    assert code == 1 and f"1 photos damaged: {photos[0].relative_to(tmp_path)} (cut short); " in text
    if len(photos) > 8:
        five = ", ".join(str(photo.relative_to(tmp_path)) for photo in photos[1:6])
        assert "7 photos missing: " in text and five in text
        assert " and 2 more; " in text


def damaged(make, name: str, how=None):
    """That set, with a file deleted, or changed."""

    def build(root: Path) -> None:
        make(root)
        [path] = root.glob(name)
        if how is None:
            path.unlink()
        else:
            path.write_bytes(how(path.read_bytes()))

    return build


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def unfinished(root: Path) -> None:
    write_set(root, [(shard(3, 0), 3)], complete=False)


def undecided(root: Path) -> None:
    savemat(root / "joints.mat", {"joints": np.ones((14, 2, 9))})


def spare_hrnet(root: Path) -> None:
    write_hrnet(root)
    put(root, [f"images/{i:09d}.jpg" for i in range(3)])
    (root / "annot" / "valid.json").unlink()


def nan_row(root: Path) -> None:
    """Among more rows than the reader samples when it opens the file."""
    frames = list(range(1, 301))
    write_index(root, lambda arrays: arrays["S"].__setitem__((777, 3, 1), np.nan), frames=frames)


def no_frames(root: Path) -> None:
    write_train(root)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (damaged(rendered, "shard-00001.npz"), "shard-00001.npz, got no such file"),
        (damaged(rendered, "shard-00000.npz", half), "sha256"),
        (unfinished, "unfinished: 3 of 5 pictures; run `wildpose data studio --out"),
        (damaged(lspet, "joints.mat", half), "joints.mat"),
        (
            undecided,
            "ambiguous: joints.mat of LSP has joints of 3 x 14 x 2000, LSPET's 14 x 3 x N; this one has",
        ),
        (damaged(mpii, "mpii_annotations.json", half), "JSON in"),
        (damaged(mpii, "mpii_annotations.json"), "annotations are missing; fetch mpii_human_pose_v1_u12_2.zip: http"),
        (damaged(mpii, "gt_valid.mat", half), "gt_valid.mat"),
        (spare_hrnet, "annot/valid.json is missing; fetch it where annot/train.json came from"),
        (damaged(coco, "annotations/*.json", half), "person_keypoints_val2017.json"),
        (damaged(index, "annotation_body3d/cameras.pkl"), "`wildpose data prepare human36m` writes it"),
        (damaged(index, "annotation_body3d/*/h36m_test.npz", half), "h36m_test.npz"),
        (nan_row, "1 rows of S in"),
        (damaged(triple, "annotations/*subject11_camera.json"), "missing in annotations/: Human36M_subject11_camera"),
        (damaged(triple, "annotations/*subject9_data.json", half), "JSON in"),
        (damaged(legacy, "annotSampleTest.h5", half), "annotSampleTest.h5"),
        (damaged(archives, "metadata.xml"), "metadata.xml, got no such file; it comes with the authors' software"),
        (damaged(archives, "S11/*/*/Waiting.cdf", half), "Waiting.cdf"),
        (damaged(archives, "S11/Videos/Waiting.55011271.mp4"), "Waiting.55011271.mp4; fetch Videos_S11.tgz: http"),
        (archives, "12 archives missing: Poses_D3_Positions_S1.tgz, Videos_S1.tgz, Poses_D3_Positions_S5.tgz, "),
        (
            damaged(three_d_test, "*/TS3/annot_data.mat"),
            "1 of six test sequences missing: TS3; fetch the test set: https",
        ),
        (damaged(three_d_test, "*/TS3/annot_data.mat", half), "TS3/annot_data.mat"),
        (damaged(three_d_train, "S1/Seq1/camera.calibration"), "camera.calibration, got no such file"),
        (
            damaged(three_d_train, "S1/*/*/video_4/frame_000007.jpg"),
            "1 photos missing: S1/Seq1/imageFrames/video_4/",
        ),
        (no_frames, "8 cameras without frames: S1/Seq1/imageFrames/video_0, "),
        (damaged(packed, "photos.packed/000000.tar"), "1 tar files missing: 000000.tar"),
        (damaged(packed, "photos.packed/000000.tar", lambda b: b[:600]), "1 tar files cut short: 000000.tar"),
        (damaged(packed, "photos.packed/index.npz"), "the pack isn't finished; run `wildpose data pack`"),
    ],
)
def test_what_is_wrong_is_said(build, said: str, tmp_path: Path, capsys, small):
    build(tmp_path)
    code, text = run(tmp_path, capsys)
    assert code == 1 and said in text, text


def test_missing_sequences_are_named(tmp_path: Path, capsys):
    index(tmp_path)
    code, text = run(tmp_path, capsys)
    assert code == 1 and f"116 sequences missing in {tmp_path}" in text
    assert ": S9_Directions_1.58860488, S9_Directions_1.60457274, S9_Discussion_1.54138969, " in text


def test_counts_that_were_published_are_expected(tmp_path: Path, capsys):
    mpii(tmp_path)
    code, text = run(tmp_path, capsys)
    assert code == 1 and "22246 people to train and 2958 to validate expected" in text and "got 2 and 1" in text


def test_several_layouts_are_said_to_be_ambiguous(tmp_path: Path, capsys, small):
    mpii(tmp_path)
    write_hrnet(tmp_path)
    code, text = run(tmp_path, capsys)
    assert code == 0 and "ambiguous: bearpaw and hrnet annotations; bearpaw is read" in text
    index(tmp_path / "h36m")
    triple(tmp_path / "h36m")
    write_index(tmp_path / "h36m", folder="fps10", frames=[1, 6])
    _, text = run(tmp_path / "h36m", capsys)
    assert "ambiguous: Human3.6M is here as Human3.6M, index of .npz files and as Human3.6M, JSON by subject" in text
    assert "ambiguous: h36m_test.npz lies in fps10, fps50; the stride you give chooses" in text


def test_folders_inside_and_around(tmp_path: Path, capsys, small):
    for name, make in (("lspet", lspet), ("coco", coco)):
        (tmp_path / name).mkdir()
        make(tmp_path / name)
    (tmp_path / "holiday").mkdir()
    code, text = run(tmp_path, capsys)
    assert code == 0 and f"{tmp_path / 'lspet'}: LSPET" in text and f"{tmp_path / 'coco'}: COCO" in text
    assert "not recognised beside it: holiday" in text and "2 data sets: sound" in text
    code, text = run(tmp_path / "lspet" / "images", capsys)
    assert code == 1 and "the folder around it holds LSP or LSPET: name that one" in text


def test_what_it_does_not_know_it_says(tmp_path: Path, capsys):
    (tmp_path / "data_3d_h36m.npz").write_bytes(b"")
    code, text = run(tmp_path, capsys)
    assert code == 1 and "no data set is recognised" in text and "VideoPose3D's poses" in text
    for kind in KINDS:
        assert kind.title in text
    code, text = run(tmp_path / "nowhere", capsys)
    assert code == 2 and "not there" in text
    assert diagnose(tmp_path)[0].faults


def test_states_of_a_photo(tmp_path: Path):
    path = tmp_path / "a.jpg"
    assert photo_state(path) == "missing"
    png = cv2.imencode(".png", np.zeros((5, 5, 3), np.uint8))[1].tobytes()
    scrambled = JPEG[:20] + b"\xff" * (len(JPEG) - 22) + JPEG[-2:]
    for content, plain, decoded in (
        (b"", "empty", "empty"),
        (JPEG, None, None),
        (png, None, None),
        (JPEG[:-30], "cut short", "cut short"),
        (png[:-30], "cut short", "cut short"),
        (b"<html>404</html>", "no JPEG or PNG", "no JPEG or PNG"),
        (scrambled, None, "can't be decoded"),
    ):
        path.write_bytes(content)
        assert (photo_state(path), photo_state(path, decode=True)) == (plain, decoded)
