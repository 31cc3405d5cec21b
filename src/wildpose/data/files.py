"""Files of other people's data sets: read whole or refused, with the file, the key, what was expected and what came."""

import gc
import gzip
import json
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wildpose.errors import InputError

FETCH_AGAIN = "fetch the data set again"


def read_json(path: Path) -> Any:
    """Contents of a .json or .json.gz; InputError if it's missing, truncated or no JSON."""
    if not path.is_file():
        raise InputError(f"{path}", "no such file", "`wildpose data doctor` says what a folder lacks")
    try:
        with _without_garbage_collection(), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return json.load(file)
    except (ValueError, EOFError, OSError, RecursionError) as error:  # bad UTF-8 and bad JSON are ValueErrors
        raise InputError(f"JSON in {path}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None


@contextmanager
def _without_garbage_collection():
    """Parsing makes millions of objects and no cycles: a search for cycles finds nothing and doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_mat(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The named arrays of a MATLAB file up to version 7.2; InputError if it's missing, damaged or lacks one."""
    from scipy.io import loadmat

    if not path.is_file():
        raise InputError(f"{path}", "no such file", "`wildpose data doctor` says what a folder lacks")
    try:
        found = loadmat(path, variable_names=list(names))
    except NotImplementedError:
        raise InputError(f"a MATLAB file up to v7.2 at {path}", "HDF5 (v7.3)", FETCH_AGAIN) from None
    except Exception as error:  # on damaged files SciPy's reader raises whatever it stumbles over
        raise InputError(f"a MATLAB file at {path}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None
    return {name: need(found, name, path) for name in names}


def need(record: Any, key: str, path: Path, where: str = "") -> Any:
    """record[key]; InputError names file, place and key if it isn't there."""
    if not isinstance(record, Mapping):
        raise InputError(f"an object with {key!r} in {at(path, where)}", type(record).__name__, FETCH_AGAIN)
    if key not in record:
        have = ", ".join(sorted(str(k) for k in record if not str(k).startswith("__"))[:12]) or "nothing"
        raise InputError(f"key {key!r} in {at(path, where)}", f"only {have}", FETCH_AGAIN)
    return record[key]


def need_list(record: Any, key: str, path: Path, where: str = "") -> list:
    """record[key], a list; InputError names file, place and key if it isn't there or isn't one."""
    value = need(record, key, path, where)
    if not isinstance(value, list):
        raise InputError(f"a list {key!r} in {at(path, where)}", shortened(value), FETCH_AGAIN)
    return value


def need_whole(record: Any, key: str, path: Path, where: str = "") -> int:
    """record[key], a whole number; InputError names file, place and key if it isn't there or isn't one."""
    value = need(record, key, path, where)
    if not isinstance(value, int) and not (isinstance(value, float) and value.is_integer()):
        raise InputError(f"a whole number {key!r} in {at(path, where)}", shortened(value), FETCH_AGAIN)
    return int(value)


def at(path: Path, where: str = "") -> str:
    """A place in a file, for messages."""
    return f"{path}, {where}" if where else f"{path}"


def as_array(
    value: Any, shape: tuple[int | None, ...], key: str, path: Path, where: str = "", finite: bool = True
) -> np.ndarray:
    """Numbers of that shape (None: any length), float64; InputError if the shape differs or one is not finite
    (but for `finite=False`, where a part of them isn't used)."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError):
        raise InputError(f"{key} of {by(shape)} numbers in {at(path, where)}", shortened(value), FETCH_AGAIN) from None
    check_shape(array.shape, shape, key, path, where)
    bad = np.argwhere(~in_float32(array)) if finite else ()
    if len(bad):
        first = f"{array[tuple(bad[0])]} at {bad[0].tolist()}, {len(bad)} such"
        raise InputError(f"finite {key} in {at(path, where)}", first, FETCH_AGAIN)
    return array


def in_float32(array: np.ndarray) -> np.ndarray:
    """Where numbers are finite as the float32 that samples hold: a damaged exponent makes 1e200, which is no longer."""
    return np.asarray(np.abs(array) <= np.finfo(np.float32).max)  # NaN compares false


def check_shape(got: tuple[int, ...], shape: tuple[int | None, ...], key: str, path: Path, where: str = "") -> None:
    """InputError unless `got` is `shape`, where None stands for any length."""
    if len(got) != len(shape) or any(want not in (None, have) for want, have in zip(shape, got, strict=True)):
        raise InputError(f"{key} of {by(shape)} in {at(path, where)}", f"shape {tuple(got)}", FETCH_AGAIN)


def by(shape: tuple[int | None, ...]) -> str:
    """A shape for messages: N x 16 x 2."""
    return " x ".join("N" if size is None else str(size) for size in shape) or "one"


def shortened(value: Any, length: int = 60) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= length else text[: length - 3] + "..."


def inside(name: Any, path: Path, where: str = "") -> str:
    """The name of a file under the data root; InputError if an annotation names one outside, or no name at all."""
    sound = isinstance(name, str) and bool(name) and "\\" not in name and "\0" not in name
    if not sound or name[0] == "/" or ".." in name.split("/") or ":" in name:
        fix = "don't use this file, or correct the path"
        raise InputError(f"an image path inside the data root in {at(path, where)}", shortened(name), fix)
    return name
