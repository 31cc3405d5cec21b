"""Whole sets: same bytes with any number of workers and after a kill; bad input is said in one line."""

import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
from test_motion import bvh_text

from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.studio import generate as module
from wildpose.studio.check import check_set
from wildpose.studio.generate import generate
from wildpose.studio.look import contact_sheet

SMALL = {"images": 7, "seed": 3, "size_px": 64, "progress": False}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHARD_IMAGES", 3)
        yield generate("outdoor", tmp_path_factory.mktemp("whole") / "set", **SMALL)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_workers_write_the_same_bytes(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_IMAGES", 3)
    assert contents(generate("outdoor", tmp_path / "two", workers=2, **SMALL)) == contents(whole)


def test_a_killed_run_is_partial_and_goes_on_to_the_same_bytes(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_IMAGES", 3)
    real, calls = module.record, []

    def killed(shot):
        calls.append(shot)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(shot)

    monkeypatch.setattr(module, "record", killed)
    with pytest.raises(KeyboardInterrupt):
        generate("outdoor", tmp_path / "set", **SMALL)
    assert "partial" in check_set(tmp_path / "set")
    with pytest.raises(InputError, match="3 of 7"):
        StudioSet(tmp_path / "set")
    assert len(StudioSet(tmp_path / "set", partial=True)) == 3
    monkeypatch.setattr(module, "record", real)
    generate("outdoor", tmp_path / "set", **SMALL)
    assert contents(tmp_path / "set") == contents(whole)


def test_a_damaged_shard_is_rendered_again(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_IMAGES", 3)
    shutil.copytree(whole, tmp_path / "set")
    (tmp_path / "set" / "shard-00001.npz").write_bytes(b"gone")
    generate("outdoor", tmp_path / "set", **SMALL)
    assert contents(tmp_path / "set") == contents(whole)


def test_a_complete_set_is_left_alone_and_another_is_refused(whole, monkeypatch):
    monkeypatch.setattr(module, "_records", None)  # nothing may be rendered
    assert generate("outdoor", whole, **SMALL) == whole
    with pytest.raises(InputError, match="seed"):
        generate("outdoor", whole, **(SMALL | {"seed": 4}))


def test_check_and_look(whole, tmp_path):
    assert "7 pictures, complete" in check_set(whole)
    sheet = contact_sheet(whole, tmp_path / "sheet.png", count=7, columns=4)
    assert sheet.stat().st_size > 10_000
    nowhere, no_picture = tmp_path / "nowhere" / "sheet.jpg", tmp_path / "sheet.txt"
    for change in ({"first": 7}, {"count": 0}, {"out": no_picture}, {"out": nowhere}):
        with pytest.raises(InputError):
            contact_sheet(**({"folder": whole, "out": tmp_path / "other.png"} | change))
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_complete_set_that_lacks_pictures_is_refused(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "set")
    manifest = json.loads((whole / "manifest.json").read_text())
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest | {"shards": manifest["shards"][:2]}))
    with pytest.raises(InputError, match=r"expected 7 pictures .* got 6"):
        check_set(tmp_path / "set")


@pytest.mark.parametrize(
    "change",
    [
        {"images": 0},
        {"seed": -1},
        {"workers": 0},
        {"size_px": 8},
        {"kind": "moon"},
        {"split": "val"},
        {"motion": "nowhere"},
    ],
)
def test_arguments_out_of_range(tmp_path, change):
    with pytest.raises(InputError):
        generate(**({"kind": "studio", "out": tmp_path / "x"} | SMALL | change))
    assert not (tmp_path / "x").exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError):
        generate("studio", tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_broken_motion_file_is_said_with_two_workers_too_and_leaves_nothing(tmp_path):
    """Said before any worker starts: a pool whose workers fail to start would start new ones for ever."""
    (tmp_path / "motion").mkdir()
    (tmp_path / "motion" / "walk.bvh").write_text("HIERARCHY\n")
    with pytest.raises(InputError, match=r"walk\.bvh"):
        generate("studio", tmp_path / "x", workers=2, motion=tmp_path / "motion", **SMALL)
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_said_before_anything_is_rendered(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(1, 1, 10))
    with pytest.raises(InputError, match="free"):
        generate("studio", tmp_path / "x", **SMALL)


def test_a_file_that_is_no_panorama(tmp_path):
    np.savez(tmp_path / "flat.npz", radiance_bgr=np.zeros((4, 4, 3), np.float16))
    with pytest.raises(InputError, match="equirectangular"):
        generate("outdoor", tmp_path / "x", panoramas=tmp_path, **SMALL)
    assert not (tmp_path / "x").exists()


def test_what_a_users_own_motion_serves_is_said(tmp_path, capsys):
    """walk_2.bvh is a clip of the train splits, walk_8.bvh one of outdoor test (protocol.clip_owner)."""
    motion = tmp_path / "motion"
    motion.mkdir()
    (motion / "walk_8.bvh").write_text(bvh_text({}, frames=3))
    with pytest.raises(InputError, match=r"serve studio train, got 1 that serve others"):
        generate("studio", tmp_path / "x", motion=motion, **SMALL)
    assert not (tmp_path / "x").exists()
    (motion / "walk_2.bvh").write_text(bvh_text({}, frames=3))
    data = StudioSet(generate("studio", tmp_path / "x", motion=motion, **(SMALL | {"images": 75, "progress": True})))
    assert "1 of 2 clips serve this set: Walking 1" in capsys.readouterr().err
    from_clip = data.frame >= 0
    assert set(data.action[from_clip]) == {"Walking"}
    assert 1 <= from_clip.sum() < (data.action == "Walking").sum() == 5
