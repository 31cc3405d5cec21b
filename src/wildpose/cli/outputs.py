"""Whether results can be written where they should be: asked before the work of hours, not after it."""

from pathlib import Path

from wildpose.errors import InputError


def check_file(out: Path | None) -> None:
    """InputError if no file can be written at `out`: a folder is there, or a file where its folder should be."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"a file to write: {out}", "a folder", "name a file in it")
    there = next((parent for parent in out.absolute().parents if parent.exists()), None)
    if there is not None and not there.is_dir():
        raise InputError(f"a folder to write to: {out.parent}", f"a file at {there}", "choose another --out")
