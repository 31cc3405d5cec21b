"""Photos in a few large tar files: what a cluster's file system wants in place of millions of small ones.

`pack(root)` writes beside the photos

    root/photos.packed/000000.tar 000001.tar ...    plain tar files, photos under their paths from root
    root/photos.packed/index.npz                    names (sorted), tar, offset, bytes of each

and `read_photo` finds a photo that doesn't lie loose in the pack of one of its folders. So every reader works on packed
photos, each process reads only the bytes of the photo it needs, and the loose ones may be deleted. The index is mapped,
not read: it opens at once however long it is.
"""

import functools
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from wildpose.data.npz import read_npz
from wildpose.errors import InputError

FOLDER, INDEX = "photos.packed", "index.npz"
SUFFIXES = {".jpg", ".jpeg", ".png"}
TAR_BYTES = 512 * 2**20
"""Photos in one tar, about: large enough to stream, small enough to copy to many nodes at once."""


def pack(root: Path, tar_bytes: int = TAR_BYTES, told: Callable[[int, int], None] = lambda done, total: None) -> Path:
    """Write the pack of all photos under `root`; returns its folder. The photos stay as they are.

    Tars already whole from an interrupted run are kept; those of photos that have changed since are written again.
    told: called with photos done and photos in all, after each tar. Raises InputError for a folder without photos, or
    with a pack of photos that aren't there any more: it may be all that is left of them.
    """
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not names:
        raise InputError(f"photos ({', '.join(sorted(SUFFIXES))}) under {root}", "none", "name the data set's folder")
    sizes = np.array([(root / name).stat().st_size for name in names])
    tar_of = (np.cumsum(sizes) - sizes) // tar_bytes
    folder = root / FOLDER
    _check_loose(folder, root)
    folder.mkdir(exist_ok=True)
    offsets = np.zeros(len(names), np.int64)
    for number in range(int(tar_of[-1]) + 1):
        rows = np.flatnonzero(tar_of == number)
        offsets[rows] = _write_tar(folder / f"{number:06d}.tar", root, {names[row]: int(sizes[row]) for row in rows})
        told(int(rows[-1]) + 1, len(names))
    for path in folder.glob("*.tar"):  # of an earlier pack of more photos, all of which are loose
        if path.stem.isdigit() and int(path.stem) > int(tar_of[-1]):
            path.unlink()
    draft = folder / f".{INDEX}.draft"
    with draft.open("wb") as file:
        # Paths are kept as UTF-8 bytes: fixed width, half as long as str_, and sorted as Python sorts the text.
        encoded = np.array([name.encode() for name in names])
        np.savez(file, names=encoded, tar=tar_of.astype(np.int32), offset=offsets, bytes=sizes)
    os.replace(draft, folder / INDEX)
    return folder


def _check_loose(folder: Path, root: Path) -> None:
    """InputError if a tar that is there is damaged, or holds a photo that isn't loose: it is not to be replaced."""
    for path in sorted(folder.glob("*.tar")):
        only_here = [name for name in _members(path) if not (root / name).is_file()]
        if only_here:
            got = f"{len(only_here)} that are nowhere else ({', '.join(only_here[:3])})"
            fix = f"unpack them before you pack again: tar -xf {path} -C {root}"
            raise InputError(f"the photos in {path}, of an earlier pack, under {root} as well", got, fix)


def _write_tar(target: Path, root: Path, sizes: dict[str, int]) -> list[int]:
    """Write a tar, whole or not at all, unless it is there with these photos; where the bytes of each begin."""
    newest_ns = max((root / name).stat().st_mtime_ns for name in sizes)
    kept = target.is_file() and target.stat().st_mtime_ns >= newest_ns
    if not kept or {name: member.size for name, member in _members(target).items()} != sizes:
        draft = target.with_name(f".{target.name}.draft")
        with tarfile.open(draft, "w", dereference=True) as tar:  # links as what they lead to
            for name in sizes:
                tar.add(root / name, name, recursive=False, filter=_anonymous)
        os.replace(draft, target)
    members = _members(target)
    if [(name, member.size) for name, member in members.items()] != list(sizes.items()):
        raise InputError(f"photos under {root} that stay as they are", "others meanwhile", "pack them again")
    return [member.offset_data for member in members.values()]


def _members(path: Path) -> dict[str, tarfile.TarInfo]:
    """Files of a tar by name. InputError for a damaged one, which no interrupted run leaves behind."""
    try:
        with tarfile.open(path) as tar:
            return {member.name: member for member in tar.getmembers() if member.isreg()}
    except tarfile.TarError as error:
        fix = "delete it if its photos lie loose, or copy the whole pack again"
        raise InputError(f"photos in {path}", f"a damaged tar ({error})", fix) from error


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same photos give the same bytes, whoever packs them."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


class PackedPhotos:
    """The photos of one pack, by their paths from its root."""

    def __init__(self, root: Path):
        self.folder = root / FOLDER
        index = read_npz(self.folder / INDEX, ("names", "tar", "offset", "bytes"))
        self.names, self.tar, self.offset, self.bytes = (index[key] for key in ("names", "tar", "offset", "bytes"))

    def __len__(self) -> int:
        return len(self.names)

    def row(self, name: str) -> int | None:
        """Where the index has a photo; None if the pack hasn't got it."""
        wanted = name.encode()
        row = int(np.searchsorted(self.names, wanted))
        return None if row == len(self) or self.names[row] != wanted else row

    def read(self, name: str) -> bytes | None:
        """The bytes of a photo's file; None if the pack hasn't got it. InputError if a tar is missing or cut short."""
        row = self.row(name)
        if row is None:
            return None
        path = self.folder / f"{int(self.tar[row]):06d}.tar"
        try:
            with path.open("rb", buffering=0) as file:  # opened each time: no handle for forked loaders to share
                content = os.pread(file.fileno(), int(self.bytes[row]), int(self.offset[row]))
        except OSError as error:
            raise InputError(f"the photos in {path}", f"{error.strerror}", "copy the whole pack again") from None
        if len(content) != self.bytes[row]:
            raise InputError(f"{name} in {path}", "a file cut short", "copy the whole pack again")
        return content


@functools.lru_cache(maxsize=64)
def _pack_at(root: Path) -> PackedPhotos | None:
    return PackedPhotos(root) if (root / FOLDER / INDEX).is_file() else None


def packed_bytes(path: Path) -> bytes | None:
    """The bytes of a photo's file from the pack of the nearest folder above it that has the photo, or None."""
    for pack, name in _packs_above(path):
        content = pack.read(name)
        if content is not None:
            return content
    return None


def packed_in(folder: Path) -> set[str]:
    """Names of the photos of one folder that packs of it or of folders above have."""
    names: set[str] = set()
    for root in (folder, *folder.parents):
        found = _pack_at(root)
        if found:
            inside = "" if root == folder else f"{folder.relative_to(root).as_posix()}/"
            start, end = np.searchsorted(found.names, [inside.encode(), inside[:-1].encode() + b"0"])
            end = end if inside else len(found)
            names |= {name.decode().removeprefix(inside) for name in found.names[start:end].tolist()}
    return {name for name in names if "/" not in name}


def is_packed(path: Path) -> bool:
    """Whether a pack of a folder above has the photo; nothing of it is read."""
    return any(pack.row(name) is not None for pack, name in _packs_above(path))


def _packs_above(path: Path) -> Iterator[tuple[PackedPhotos, str]]:
    """Packs of the folders above a photo, nearest first, and the photo's name in each."""
    for root in path.parents:
        found = _pack_at(root)
        if found:
            yield found, path.relative_to(root).as_posix()
