"""NumPy's .npz files. Arrays that lie uncompressed in them are mapped, not read: millions of rows open at once."""

import zipfile
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path

import numpy as np

from wildpose.data.files import FETCH_AGAIN
from wildpose.data.plain_pickle import read_plain_pickle
from wildpose.errors import InputError

LOCAL_HEADER_BYTES = 30
"""Of a file in a zip archive, before its name."""
CHUNK_ROWS = 65_536


def read_npz(path: Path, names: Iterable[str], objects: bool = False) -> dict[str, np.ndarray]:
    """The named arrays of an .npz file; those stored uncompressed (numpy.savez) are read-only maps of the file.

    Pickled object arrays are refused, or, if `objects`, read as plain data. Raises InputError for a file that is
    missing, truncated or no .npz, and for an array that isn't there.
    """
    if not path.is_file():
        raise InputError(f"{path}", "no such file", "`wildpose data doctor` says what a folder lacks")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            arrays = {}
            for name in names:
                if name not in members:
                    raise InputError(f"key {name!r} in {path}", f"only {', '.join(sorted(members))}", FETCH_AGAIN)
                arrays[name] = _read_member(path, archive, members[name], objects)
            return arrays
    except InputError:
        raise
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"an .npz file at {path}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None


def _read_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, objects: bool) -> np.ndarray:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        if dtype.hasobject:
            if not objects:
                expected = f"a plain array {info.filename} in {path}"
                raise InputError(expected, "pickled objects, which may run any program", "get it in another format")
            return np.asarray(read_plain_pickle(file.read(), path))
        header_bytes = file.tell()
        if info.file_size != header_bytes + prod(shape) * dtype.itemsize:
            raise ValueError(f"{info.filename} holds {info.file_size - header_bytes} bytes for shape {shape}")
        order = "F" if fortran else "C"
        if info.compress_type != zipfile.ZIP_STORED or not prod(shape):
            return np.frombuffer(bytearray(file.read()), dtype).reshape(shape, order=order)
    start = _data_offset(path, info) + header_bytes
    return np.memmap(path, dtype, "r", start, shape, order)


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Where a stored file begins: its local header tells the lengths of its name and of its extra field."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(LOCAL_HEADER_BYTES)
    return info.header_offset + LOCAL_HEADER_BYTES + sum(np.frombuffer(header[26:30], "<u2").tolist())


def row_chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """All rows in order, some at a time. A map is read like a file, so that the rows don't stay in memory."""
    for start in range(0, len(array), CHUNK_ROWS):
        rows = min(CHUNK_ROWS, len(array) - start)
        if isinstance(array, np.memmap) and array.flags.c_contiguous:
            each = prod(array.shape[1:])
            offset = array.offset + start * each * array.dtype.itemsize
            flat = np.fromfile(array.filename, array.dtype, rows * each, offset=offset)
            yield flat.reshape(rows, *array.shape[1:])
        else:
            yield array[start : start + rows]
