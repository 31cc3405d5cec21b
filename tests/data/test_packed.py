"""Photos come out of a pack as they went in, and whatever is wrong with a pack is said."""

import multiprocessing
import shutil
import tarfile

import cv2
import numpy as np
import pytest

from wildpose.data.packed import FOLDER, INDEX, PackedPhotos, pack, packed_bytes
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


def test_what_is_wrong_is_said(root, tmp_path):
    with pytest.raises(InputError, match="photos"):
        pack(tmp_path / "set" / "S1" / "nothing")
    folder = pack(root, 5000)
    packed = PackedPhotos(root)
    assert packed.read("S1/none.jpg") is None and packed.read("zzz") is None
    assert packed_bytes(tmp_path / "a.jpg") is None
    with pytest.raises(InputError, match=r"none\.jpg"):
        read_photo(root / "S1" / "none.jpg")
    (root / "S1" / "new.jpg").write_bytes(b"new")
    with pytest.raises(InputError, match="earlier pack"):
        pack(root, 5000)
    cut = folder / "000000.tar"
    cut.write_bytes(cut.read_bytes()[:600])
    with pytest.raises(InputError, match="cut short"):
        packed.read("S1/Walking 1/0.jpg")
    cut.unlink()
    with pytest.raises(InputError, match="whole pack"):
        packed.read("S1/Walking 1/0.jpg")
