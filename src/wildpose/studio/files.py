"""Files that are whole or not there."""

import errno
import os
from pathlib import Path

from wildpose.errors import InputError


def make_folder(folder: Path) -> None:
    """Make a folder to write to, with those above it; InputError if that can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"a folder to write to: {folder}", str(error), "choose another --out") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside and rename; InputError if the disk is full or not writable, and then nothing is left behind."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        fix = "free some space and run the same command again" if full else "choose another place"
        raise InputError(f"to be able to write {path}", str(error), fix) from error
