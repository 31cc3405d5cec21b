"""Photos come out of a pack as they went in, and whatever is wrong with a pack is said."""

import multiprocessing
import shutil
import tarfile

import cv2
import numpy as np
import pytest
from made_human36m import write_index, write_photo
from made_mpii import write_bearpaw
from scipy.io import savemat
from test_coco import write_coco

from wildpose.data.coco import load_coco
from wildpose.data.human36m import load_human36m
from wildpose.data.lsp import load_lspet
from wildpose.data.mpii import load_mpii
from wildpose.data.packed import FOLDER, INDEX, PackedPhotos, pack, packed_bytes, packed_in
from wildpose.data.packed import _pack_at as packed_at
from wildpose.data.sample import read_photo
from wildpose.errors import InputError


@pytest.fixture
def root(tmp_path):
    """Eleven small pictures in two folders, one with a name that isn't ASCII."""
    root, rng = tmp_path / "set", np.random.default_rng(0)
    for folder, count in (("S1/Walking 1", 6), ("übung", 5)):
        (root / folder).mkdir(parents=True)
        for k in range(count):
            picture = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            (root / folder / f"{k}.jpg").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    return root


def test_every_photo_comes_back_when_the_loose_ones_are_gone(root):
    loose = {path: (path.read_bytes(), read_photo(path)) for path in sorted(root.rglob("*.jpg"))}
    told = []
    folder = pack(root, tar_bytes=5000, told=lambda *counts: told.append(counts))
    assert len(list(folder.glob("*.tar"))) == len(told) > 1 and told[-1] == (11, 11)
    for path in loose:
        path.unlink()
    for path, (content, image) in loose.items():
        assert packed_bytes(path) == content
        np.testing.assert_array_equal(read_photo(path), image)
    with multiprocessing.get_context("fork").Pool(3) as pool:  # as loaders do, all at once
        assert pool.map(packed_bytes, loose) == [content for content, _ in loose.values()]


def test_the_tars_are_plain_and_the_same_for_everyone(root, tmp_path):
    shutil.copytree(root, tmp_path / "again")  # other times of change
    ours, theirs = pack(root, 5000), pack(tmp_path / "again", 5000)
    assert [p.read_bytes() for p in sorted(ours.iterdir())] == [p.read_bytes() for p in sorted(theirs.iterdir())]
    names = []
    for path in sorted(ours.glob("*.tar")):
        with tarfile.open(path) as tar:
            names += tar.getnames()
    assert names == sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))


def test_an_interrupted_pack_goes_on(root):
    whole = {path.name: path.read_bytes() for path in pack(root, 5000).iterdir()}
    (root / FOLDER / INDEX).unlink()
    (root / FOLDER / "000001.tar").unlink()
    first = (root / FOLDER / "000000.tar").stat().st_mtime_ns
    assert {path.name: path.read_bytes() for path in pack(root, 5000).iterdir()} == whole
    assert (root / FOLDER / "000000.tar").stat().st_mtime_ns == first


def test_links_are_packed_as_the_photos_they_lead_to(root):
    photo = root / "S1/Walking 1/0.jpg"
    (root / "soft.jpg").symlink_to(photo)
    (root / "hard.jpg").hardlink_to(photo)
    content = photo.read_bytes()
    pack(root, 5000)
    for path in (root / "soft.jpg", root / "hard.jpg", photo):
        path.unlink()
    assert [packed_bytes(root / name) for name in ("soft.jpg", "hard.jpg", "S1/Walking 1/0.jpg")] == [content] * 3


def test_photos_that_changed_or_came_since_are_packed_again(root):
    pack(root, 5000)
    changed, new, as_long = root / "S1/Walking 1/3.jpg", root / "S1/new.jpg", root / "übung/4.jpg"
    changed.write_bytes(changed.read_bytes() + b"and more")
    as_long.write_bytes(as_long.read_bytes()[::-1])
    new.write_bytes(b"new")
    loose = {path: path.read_bytes() for path in root.rglob("*.jpg")}
    pack(root, 5000)
    for path in loose:
        path.unlink()
    packed = PackedPhotos(root)
    assert {path: packed.read(path.relative_to(root).as_posix()) for path in loose} == loose


def test_a_pack_that_is_all_there_is_of_photos_is_never_replaced(root):
    folder = pack(root, 5000)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in list((root / "S1").rglob("*.jpg")):
        path.unlink()
    (root / "S1" / "new.jpg").write_bytes(b"new")
    with pytest.raises(InputError, match=r"nowhere else \(S1/Walking 1/0\.jpg.*unpack them before"):
        pack(root, 5000)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_damaged_tar_is_not_replaced_by_what_happens_to_be_loose(root):
    cut = pack(root, 5000) / "000000.tar"
    cut.write_bytes(cut.read_bytes()[:300])
    for path in list((root / "S1").rglob("*.jpg")):
        path.unlink()
    with pytest.raises(InputError, match="a damaged tar"):
        pack(root, 5000)
    assert cut.stat().st_size == 300


def test_names_of_a_folder_that_packs_have(root):
    pack(root, 5000)
    assert packed_in(root / "S1" / "Walking 1") == {f"{k}.jpg" for k in range(6)}
    assert packed_in(root / "übung") == {f"{k}.jpg" for k in range(5)}
    assert packed_in(root) == packed_in(root / "S1") == set()


def test_what_is_wrong_is_said(root, tmp_path):
    with pytest.raises(InputError, match="photos"):
        pack(tmp_path / "set" / "S1" / "nothing")
    folder = pack(root, 5000)
    packed = PackedPhotos(root)
    assert packed.read("S1/none.jpg") is None and packed.read("zzz") is None
    assert packed_bytes(tmp_path / "a.jpg") is None
    with pytest.raises(InputError, match=r"none\.jpg"):
        read_photo(root / "S1" / "none.jpg")
    cut = folder / "000000.tar"
    cut.write_bytes(cut.read_bytes()[:600])
    with pytest.raises(InputError, match="cut short"):
        packed.read("S1/Walking 1/0.jpg")
    cut.unlink()
    with pytest.raises(InputError, match="whole pack"):
        packed.read("S1/Walking 1/0.jpg")


def test_no_reader_misses_photos_that_are_packed(tmp_path):
    """Whatever asks for photos before a run finds those whose loose files were deleted."""
    made = {"mpii": write_bearpaw, "coco": write_coco, "human36m": write_index, "lspet": write_lspet}
    for name, write in made.items():
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    for path in ("mpii/images/000000001.jpg", "coco/val2017/000000000139.jpg", "lspet/images/im00001.jpg"):
        write_photo(tmp_path / path, 200)
    for name in dict.fromkeys(np.load(next(tmp_path.glob("human36m/*/*/h36m_test.npz")))["imgname"].tolist()):
        write_photo(tmp_path / "human36m" / "images" / name, 200)
    readers = {
        "mpii": lambda root: load_mpii(root, "val").require_images(),
        "coco": lambda root: load_coco(root, "val").require_images(),
        "human36m": lambda root: load_human36m(root, "test").require_images(),
        "lspet": load_lspet,
    }
    for name, read in readers.items():
        root = tmp_path / name
        pack(root)
        for path in list(root.rglob("*.jpg")):
            path.unlink()
        people = read(root)
        assert people.load(len(people) - 1).image_rgb.shape == (50, 40, 3)
    (tmp_path / "human36m" / FOLDER / INDEX).unlink()
    packed_at.cache_clear()
    with pytest.raises(InputError, match=r"24 images under .*got 24 missing \(images/S9/S9_Directions_1\.54138969/"):
        readers["human36m"](tmp_path / "human36m")


def write_lspet(root):
    joints = np.ones((14, 3, 1))
    joints[:, :2] = np.arange(28).reshape(14, 2, 1)
    savemat(root / "joints.mat", {"joints": joints})
