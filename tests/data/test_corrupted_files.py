"""Every reader against files that are damaged as a whole, and JSON against values of other types: an InputError that
names the file, or no harm. Never another exception. `test_corruptions.py` is about contents.
"""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from read_and_refuse import READERS, WHOLE_FILES, refusal

from wildpose.data.human36m_json import read_subject
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(name: str, tmp_path: Path):
    READERS[name].write(tmp_path)
    READERS[name].load(tmp_path)


@pytest.mark.parametrize("corruption", WHOLE_FILES)
@pytest.mark.parametrize("name", READERS)
def test_files_as_a_whole(name: str, corruption: str, tmp_path: Path):
    READERS[name].write(tmp_path)
    path = tmp_path / READERS[name].file
    content = WHOLE_FILES[corruption](path.read_bytes())
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    error = refusal(name, tmp_path)
    if name == "mpii hrnet" and corruption == "missing file":  # then there is a validation split only
        assert "people of split train" in error.expected
    elif name in ("mpii bearpaw", "mpii release", "h36m legacy", "h36m index", "h36m data", "3dhp train", "3dhp test"):
        assert path.name in str(error) or "annot" in error.expected or "none of" in error.got
    else:
        assert path.name in str(error)


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_byte_is_refused_or_harmless(name: str, tmp_path: Path):
    """Whatever byte is damaged: no exception but InputError."""
    READERS[name].write(tmp_path)
    path = tmp_path / READERS[name].file
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(12):
        content = bytearray(whole)
        content[int(rng.integers(len(whole)))] ^= int(rng.integers(1, 256))
        path.write_bytes(content)
        try:
            READERS[name].load(tmp_path)
        except InputError as error:
            assert str(path.parent) in str(error) or path.name in str(error)


def test_a_refusal_comes_across_processes_as_it_is():
    """A pool waits for ever for an exception that can't be made again from its arguments."""
    error = InputError("a", "b", "c")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.expected, again.got, again.fix) == (InputError, str(error), "a", "b", "c")


def places(value, path=()):
    """Every place in JSON; of lists the first element."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else list(enumerate(value))[:1] if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


def with_value(document, path, value):
    if not path:
        return value
    changed = copy.deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return changed


JSON_READERS = {
    "mpii bearpaw": READERS["mpii bearpaw"].load,
    "mpii hrnet": READERS["mpii hrnet"].load,
    "coco": READERS["coco"].load,
    "h36m data": lambda root: read_subject(root, "S9", 1),
    "h36m camera": lambda root: read_subject(root, "S9", 1),
    "h36m joint_3d": lambda root: read_subject(root, "S9", 1),
    "rendered manifest": StudioSet,
}


@pytest.mark.parametrize("name", JSON_READERS)
def test_values_of_other_types_are_refused_or_harmless(name: str, tmp_path: Path):
    """Each value of the document in turn is null, text, a list, an object and a number: InputError or nothing."""
    READERS[name].write(tmp_path)
    path = tmp_path / READERS[name].file
    document = json.loads(path.read_text())
    for place in places(document):
        for value in (None, "text", [], {}, -7):
            path.write_text(json.dumps(with_value(document, place, value)))
            try:
                JSON_READERS[name](tmp_path)
            except InputError:
                pass
            except Exception as error:
                raise AssertionError(f"{name}: {value!r} at {place}: {type(error).__name__}: {error}") from error
