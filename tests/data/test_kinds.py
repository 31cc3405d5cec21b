"""Sets that a run can learn from, opened as the command line opens them: who trains, who is held out, at which rate."""

import numpy as np
import pytest
from made_3dhp import FRAMES, write_train
from made_human36m import write_index, write_legacy, write_photo, write_triple
from made_mpii import write_hrnet
from test_coco import write_coco

from wildpose.data.human36m import load_human36m
from wildpose.data.kinds import KINDS_2D, KINDS_3D
from wildpose.data.mix import Mixed, Source, build_data
from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp
from wildpose.data.mpi_inf_3dhp_train import stride_in
from wildpose.data.mpii import load_mpii
from wildpose.data.packed import _pack_at as packed_at
from wildpose.data.packed import pack
from wildpose.errors import InputError
from wildpose.skeleton import MPII16


def photos_of(people) -> None:
    for i in range(len(people)):
        write_photo(people.path(i), 200)


def write_human36m(root, splits=("train", "test")) -> None:
    for split in splits:
        write_index(root, split=split)
        photos_of(load_human36m(root, split))


def write_3dhp(root, stride: int) -> None:
    write_train(root)
    photos_of(load_mpi_inf_3dhp(root, "train", stride=stride))


def write_both_coco(root) -> None:
    for split in ("train", "val"):
        write_coco(root, split=split)
        write_photo(root / f"{split}2017" / "000000000139.jpg", 200)


def test_coco_trains_on_train2017_and_is_watched_on_val2017(tmp_path):
    write_both_coco(tmp_path)
    people, watched = KINDS_2D["coco"].open(tmp_path)
    assert (len(people), len(watched)) == (2, 2)
    assert "train2017" in str(people.path(0)) and "val2017" in str(watched.path(0))
    assert people.mask[0, MPII16.index("pelvis")] and not watched.mask[0, MPII16.index("pelvis")]
    assert people.load(0).joints_cam_mm is None
    (tmp_path / "val2017" / "000000000139.jpg").unlink()
    assert KINDS_2D["coco"].open(tmp_path)[1] is None  # nothing to watch a run on, and nothing amiss
    (tmp_path / "train2017" / "000000000139.jpg").unlink()
    with pytest.raises(InputError, match=r"1 images under .*1 missing \(train2017/000000000139\.jpg\)"):
        KINDS_2D["coco"].open(tmp_path)


def test_mpii_of_hrnets_train_json_alone_has_nobody_to_be_watched_on(tmp_path):
    write_hrnet(tmp_path)
    (tmp_path / "annot" / "valid.json").unlink(missing_ok=True)
    photos_of(load_mpii(tmp_path, "train"))
    people, watched = KINDS_2D["mpii"].open(tmp_path)
    assert len(people) and watched is None


def test_human36m_trains_every_fifth_frame_of_five_subjects(tmp_path):
    write_human36m(tmp_path)
    people, watched = KINDS_3D["human36m"].open(tmp_path)
    assert set(people.subject) == {"S1"} and sorted(set(people.frame)) == [1, 6]
    assert {watched.load(i).subject for i in range(len(watched))} == {"S9", "S11"}
    people.path(0).unlink()
    with pytest.raises(InputError, match=r"4 images under .*got 1 missing \(images/S1/"):
        KINDS_3D["human36m"].open(tmp_path)


def test_human36m_of_frames_farther_apart_than_usual_trains_on_those(tmp_path):
    """`wildpose data prepare human36m --stride-train 10`."""
    write_index(tmp_path, split="train", folder="stride10", frames=list(range(1, 102, 10)))
    photos_of(load_human36m(tmp_path, "train"))
    people, _ = KINDS_3D["human36m"].open(tmp_path)
    assert sorted(set(people.frame)) == list(range(1, 102, 10))


def test_human36m_without_its_test_subjects_has_nothing_to_watch(tmp_path):
    write_human36m(tmp_path, ("train",))
    assert KINDS_3D["human36m"].open(tmp_path)[1] is None


def test_human36m_in_its_other_layouts(tmp_path):
    for subject in (1, 5, 6, 7, 8):
        write_triple(tmp_path / "json", subject, frames=6)
    photos_of(load_human36m(tmp_path / "json", "train", 5))
    people, watched = KINDS_3D["human36m"].open(tmp_path / "json")
    assert len(people) == 5 * 3 * 2 * 2 and watched is None  # subjects, takes, cameras, frames 0 and 5
    (tmp_path / "h5").mkdir()
    write_legacy(tmp_path / "h5")
    write_legacy(tmp_path / "h5", lambda arrays: arrays.update(subject=np.resize([1.0, 5.0], 16)), "Train")
    for split in ("train", "test"):
        photos_of(load_human36m(tmp_path / "h5", split, 5))
    people, watched = KINDS_3D["human36m"].open(tmp_path / "h5")
    assert set(people.subject) == {"S1", "S5"} and {watched.load(i).subject for i in range(4)} <= {"S9", "S11"}


def test_mpi_inf_3dhp_frames_of_two_strides_and_packed_ones_are_read_by_one_that_has_them_all(tmp_path):
    write_3dhp(tmp_path, stride=3)
    folder = tmp_path / "S1" / "Seq1" / "imageFrames" / "video_0"
    assert stride_in(folder) == 3
    photos_of(load_mpi_inf_3dhp(tmp_path, "train", stride=2))  # now 1 and 2 lie side by side, but not all of them
    assert stride_in(folder) == 2
    pack(tmp_path)
    for path in list(tmp_path.rglob("*.jpg")):
        path.unlink()
    packed_at.cache_clear()  # it had looked before there was a pack
    assert stride_in(folder) == 2 and len(KINDS_3D["mpi_inf_3dhp"].open(tmp_path)[0]) == 8 * len(range(0, FRAMES, 2))


def test_mpi_inf_3dhp_trains_on_the_frames_that_were_extracted(tmp_path):
    """`data prepare` takes any stride; S8 is held out, where it's here."""
    write_3dhp(tmp_path, stride=3)
    people, watched = KINDS_3D["mpi_inf_3dhp"].open(tmp_path)
    assert len(people) == 8 * len(range(0, FRAMES, 3)) and watched is None
    (tmp_path / "S8").mkdir()
    (tmp_path / "S1" / "Seq1").rename(tmp_path / "S8" / "Seq1")
    write_3dhp(tmp_path, stride=3)
    people, watched = KINDS_3D["mpi_inf_3dhp"].open(tmp_path)
    assert set(people.subject) == {"S1"} and len(watched) == 24 and watched.load(5).subject == "S8"


def test_every_3d_set_beside_every_2d_set_in_any_ratio(tmp_path):
    write_both_coco(tmp_path / "coco")
    write_human36m(tmp_path / "h36m")
    write_3dhp(tmp_path / "3dhp", stride=5)
    data = build_data(
        more_2d=[Source("coco", tmp_path / "coco", 1.0)],
        more_3d=[Source("human36m", tmp_path / "h36m", 3.0), Source("mpi_inf_3dhp", tmp_path / "3dhp", 1.0)],
    )
    assert isinstance(data.studio, Mixed) and data.studio.ends.tolist() == [48, 64]  # 16 frames of 3DHP, once each
    assert len(data.wild) == 2 and len(data.wild_val) == 2 and len(data.studio_val) == 4
    assert 3000 < data.bone_sum_mm < 5000
    assert [s["name"] for s in data.sources] == ["COCO train2017", "Human3.6M train", "MPI-INF-3DHP train"]
    assert all(s["terms"] for s in data.sources)
    assert len(data.in_phase(("coco:2",)).wild) == 2
