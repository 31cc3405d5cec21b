"""HDF5 files: .h5, and .mat of MATLAB 7.3, which stores axes in reverse (its 2 x 17 x 1 x N is N x 1 x 17 x 2 here)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wildpose.data.files import FETCH_AGAIN, as_array, check_shape
from wildpose.errors import InputError


def read_h5(path: Path, shapes: Mapping[str, tuple[int | None, ...]], finite: bool = True) -> dict[str, np.ndarray]:
    """The named arrays, float64, of the given shapes (None: any length); finite, if not said otherwise.

    Raises InputError for a file that is missing, truncated or no HDF5, and for arrays that are missing, hold no
    numbers, or have another shape.
    """
    import h5py

    if not path.is_file():
        raise InputError(f"{path}", "no such file", "`wildpose data doctor` says what a folder lacks")
    arrays = {}
    try:
        with h5py.File(path, "r") as file:
            for name, shape in shapes.items():
                if name not in file:
                    raise InputError(f"key {name!r} in {path}", f"only {', '.join(sorted(file))}", FETCH_AGAIN)
                stored = file[name]
                if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "biuf":
                    raise InputError(f"numbers in {name} of {path}", f"{getattr(stored, 'dtype', stored)}", FETCH_AGAIN)
                check_shape(stored.shape, shape, name, path)
                arrays[name] = as_array(stored[()], shape, name, path, finite=finite)
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:  # what h5py raises on damaged files
        raise InputError(f"an HDF5 file at {path}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None
    return arrays
