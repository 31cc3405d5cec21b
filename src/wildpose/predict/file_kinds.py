"""Photo or video? Told from a file's first bytes, whatever its name says.

FFmpeg, which OpenCV reads videos with, goes by content, too: it takes playlists and scripts (HLS, ffconcat) for videos,
whatever they are called, and opens the files that they name. Only containers that hold their own pictures may pass.
"""

from pathlib import Path
from typing import Literal

from wildpose.errors import InputError
from wildpose.predict.photo_files import SIGNATURES

HEAD_BYTES = 512
KINDS = "give a photo (JPEG, PNG, WebP, BMP, TIFF) or a video (MP4, MOV, AVI, MKV, WebM, MPEG, MTS, WMV, FLV)"
PHOTO_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis")
ATOMS = (b"ftyp", b"moov", b"wide", b"free", b"skip", b"mdat")
"""That MP4 and MOV begin with."""
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""The GUID that WMV begins with."""


def kind_of(head: bytes, name: str) -> Literal["photo", "video"]:
    """Told from the first HEAD_BYTES bytes; raises InputError, which speaks of `name`, for anything else."""
    photos = [signature for signature in SIGNATURES if signature != b"RIFF"]
    if head[4:8] == b"ftyp" and head[8:12] in PHOTO_BRANDS:
        raise InputError(f"a photo or video in {name}", "a HEIC or AVIF picture", "save it as JPEG first")
    if head.startswith(tuple(photos)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "photo"
    if _is_container(head):
        return "video"
    raise InputError(f"a photo or video in {name}", "a file of another kind" if head else "an empty file", KINDS)


def _is_container(head: bytes) -> bool:
    """MP4 or MOV, Matroska or WebM, AVI, MPEG program or transport stream, ASF (WMV), FLV."""
    # An atom begins with its size: 0 first, but for pictures (mdat) of 16 MB and more. Text is no size.
    is_size = head[:1] == b"\0" or (head[4:8] == b"mdat" and any(not 32 <= byte < 127 for byte in head[:4]))
    return (
        (head[4:8] in ATOMS and is_size)
        or (head[:4] == b"\x1a\x45\xdf\xa3" and (b"webm" in head or b"matroska" in head))
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[:4] in (b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01")
        or head[:16] == ASF_HEADER
        or any(_is_transport_stream(head, first, step) for first, step in ((0, 188), (4, 192)))
    )


def _is_transport_stream(head: bytes, first: int, step: int) -> bool:
    """Three packets of MPEG-TS (ISO 13818-1), of a camcorder with a time of four bytes before each.

    Each begins with a G, and says that it is unharmed, not scrambled, and holds something.
    """
    packets = [head[at : at + 4] for at in range(first, first + 3 * step, step)]
    return all(len(p) == 4 and p[0] == 0x47 and p[1] < 0x80 and 0x10 <= p[3] < 0x40 for p in packets)


def check_video(path: Path) -> None:
    """Raises InputError unless there is a file that begins like a video."""
    if not path.is_file():
        raise InputError(f"a video at {path}", "no such file", "check the path")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"a readable video at {path}", error.strerror or "an error", "check its rights") from error
    if kind_of(head, str(path)) == "photo":
        raise InputError(f"a video at {path}", "a photo", "give it the ending of its kind, such as .jpg")
