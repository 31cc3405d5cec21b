"""Pickles and .npz files: plain data comes out as pickle and NumPy wrote it, everything else is refused unrun."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from wildpose.data.npz import CHUNK_ROWS, read_npz, row_chunks
from wildpose.data.plain_pickle import read_plain_pickle
from wildpose.errors import InputError

HERE = Path("made.pkl")
CAMERAS = {
    ("S1", "54138969"): {
        "R": np.arange(9.0).reshape(3, 3),
        "T": np.array([[1.5], [2.0], [-3.0]], np.float32),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big endian": np.arange(4, dtype=">i2"),
        "names": np.array(["left", "right"]),
        "flag": np.array([True, False]),
        "w": 1000,
        "scalar": np.float64(2.5),
        "name": "camera ä",
        "long": 1 << 70,
        "nothing": [None, True, (), {}, (1, 2, 3, 4), b"\x00\xff", -7, 300, 70_000],
    }
}


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_out_as_it_went_in(protocol: int):
    assert same(read_plain_pickle(pickle.dumps(CAMERAS, protocol), HERE), CAMERAS)


def test_object_arrays_and_what_is_shared():
    shared = [1, 2]
    value = {"a": shared, "b": shared, "o": np.array([{"x": np.arange(3)}, None], dtype=object)}
    found = read_plain_pickle(pickle.dumps(value), HERE)
    assert same(found, value) and found["a"] is found["b"]


def test_what_python_2_wrote():
    """A dictionary with an array, pickled by protocol 2 under Python 2: bytes are strings."""
    data = (
        b"\x80\x02}q\x00U\x01Rq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85q\x04U\x01b"
        b"q\x05\x87q\x06Rq\x07(K\x01K\x02\x85q\x08cnumpy\ndtype\nq\tU\x02i2q\nK\x00K\x01\x87q\x0bRq\x0c(K\x03U\x01<q\rNNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89U\x04\x05\x00\x06\x00q\x0ftq\x10bs."
    )
    assert read_plain_pickle(data, HERE)["R"].tolist() == [5, 6]


class Malicious:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_programs_are_refused_and_not_run(tmp_path: Path, protocol: int):
    data = pickle.dumps({"cameras": [Malicious(tmp_path / "made")]}, protocol)
    with pytest.raises(InputError, match=r"made\.pkl, got a call of \w+\.mkdir"):
        read_plain_pickle(data, HERE)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, 1j, np.dtype("f8"), np.zeros(2, [("a", "f4")]), range(3)])
def test_other_objects_are_refused(value):
    with pytest.raises(InputError, match="numbers, text and arrays in the pickle"):
        read_plain_pickle(pickle.dumps(value), HERE)


def test_every_truncation_is_refused():
    data = pickle.dumps(CAMERAS)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(InputError):
            read_plain_pickle(data[:length], HERE)


def test_a_list_that_holds_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(InputError, match="RecursionError"):
        read_plain_pickle(pickle.dumps(endless), HERE)


def test_a_small_pickle_can_not_swell():
    """Forty lists, each twice the one before: 2 to the 40 numbers if what is shared were copied."""
    value: list = [1]
    for _ in range(40):
        value = [value, value]
    found = read_plain_pickle(pickle.dumps(value), HERE)
    assert found[0] is found[1]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_or_mapped(tmp_path: Path, save):
    part = np.random.default_rng(0).normal(size=(CHUNK_ROWS + 5, 3, 2)).astype(np.float32)
    names = np.array([f"S1/{i:05d}.jpg" for i in range(CHUNK_ROWS + 5)])
    save(tmp_path / "a.npz", part=part, names=names, fortran=np.asfortranarray(part[:9]), empty=np.zeros((0, 3)))
    found = read_npz(tmp_path / "a.npz", ("part", "names", "fortran", "empty"))
    assert isinstance(found["part"], np.memmap) == (save is np.savez)
    for name, want in {"part": part, "names": names, "fortran": part[:9], "empty": np.zeros((0, 3))}.items():
        np.testing.assert_array_equal(found[name], want)
    np.testing.assert_array_equal(np.concatenate(list(row_chunks(found["part"]))), part)
    np.testing.assert_array_equal(np.concatenate(list(row_chunks(found["names"]))), names)


def test_pickles_in_an_npz(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez(path, positions=np.array({"S1": np.arange(3)}, dtype=object))
    with pytest.raises(InputError, match=r"a plain array positions\.npy in .*a\.npz, got pickled objects"):
        read_npz(path, ["positions"])
    assert read_npz(path, ["positions"], objects=True)["positions"].item()["S1"].tolist() == [0, 1, 2]
    np.savez(path, positions=np.array([Malicious(tmp_path / "made")], dtype=object))
    with pytest.raises(InputError, match="a call of"):
        read_npz(path, ["positions"], objects=True)
    assert not (tmp_path / "made").exists()


def test_damaged_npz_files_are_refused(tmp_path: Path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(1000.0))
    whole = path.read_bytes()
    with pytest.raises(InputError, match=r"key 'b' in .*a\.npz, got only a"):
        read_npz(path, ["b"])
    for damaged in (whole[:4000], b"", b"PK\x03\x04" + bytes(50), whole.replace(b"(1000,)", b"(9000,)")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.npz"):
            read_npz(path, ["a"])
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="BadZipFile"):
        read_npz(path, ["a"])
