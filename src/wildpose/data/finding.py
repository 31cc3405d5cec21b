"""One data set under examination by `wildpose data doctor`: what it holds, what is worth knowing, what is wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from wildpose.data.packed import packed_bytes
from wildpose.errors import InputError

FIRST = 5
EDGE_BYTES = 64
"""At the end of a whole JPEG or PNG its last mark is this near."""
T = TypeVar("T")


def listed(names: Iterable[str]) -> str:
    """The first five, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - FIRST} more" if len(names) > FIRST else ""
    return ", ".join(names[:FIRST]) + more


@dataclass
class Finding:
    """What the doctor found in a folder; sound if it has no faults."""

    title: str
    folder: Path
    decode: bool = False
    """Whether photos are decoded."""
    holds: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        marked = [("  ", self.holds), ("  note: ", self.notes), ("  FAULT: ", self.faults)]
        return [f"{self.folder}: {self.title}", *(mark + text for mark, texts in marked for text in texts)]

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What a reader returns; None, and a fault, if it refuses the file."""
        try:
            return read()
        except InputError as error:
            self.faults.append(str(error))
            return None

    def fault(self, what: str, names: Iterable[str], remedy: str) -> None:
        """A fault that several things share, if there are any: its first five, and who supplies them."""
        names = list(names)
        if names:
            self.faults.append(f"{len(names)} {what}: {listed(names)}; {remedy}")

    def check_photos(self, names: Iterable[str], remedy: str) -> None:
        """Are the photos of these paths under the folder there (loose or packed) and whole? Each path once."""
        names = list(dict.fromkeys(names))
        missing, broken = [], []
        for name in tqdm(names, desc="photos", unit="img", disable=None, leave=False):
            try:
                state = photo_state(self.folder / name, self.decode)
            except InputError as error:  # of a pack that is damaged
                state = f"in the pack: {error.got}"
            if state is not None:
                (missing if state == "missing" else broken).append(name if state == "missing" else f"{name} ({state})")
        self.holds.append(f"{len(names) - len(missing)} of {len(names)} photos")
        self.fault("photos missing", missing, remedy)
        self.fault("photos damaged", broken, remedy)


def photo_state(path: Path, decode: bool = False) -> str | None:
    """None for a photo that is whole, by its first and last bytes or, on demand, decoded; else what is wrong."""
    if decode:
        content = path.read_bytes() if path.is_file() else packed_bytes(path)
        if content:
            head, tail = content[:8], content[-EDGE_BYTES:]
    else:
        content = _edges(path)
        if content:
            head, tail = content[:8], content[8:]
    if content is None:
        return "missing"
    if not content:
        return "empty"
    if head[:3] != b"\xff\xd8\xff" and head != b"\x89PNG\r\n\x1a\n":
        return "no JPEG or PNG"
    if (b"\xff\xd9" if head[:1] == b"\xff" else b"IEND") not in tail:
        return "cut short"
    if decode and cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is None:
        return "can't be decoded"
    return None


def _edges(path: Path) -> bytes | None:
    """The first 8 and the last bytes of a photo, one after the other; None if it isn't there."""
    if not path.is_file():
        content = packed_bytes(path)
        return content if not content else content[:8] + content[-EDGE_BYTES:]
    with path.open("rb") as file:
        head = file.read(8)
        size = file.seek(0, 2)
        file.seek(max(0, size - EDGE_BYTES))
        return head + file.read() if head else b""
