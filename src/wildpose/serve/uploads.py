"""What a browser may send: how much, and which kinds of files, told from their first bytes."""

from dataclasses import dataclass
from typing import Literal

from wildpose.errors import InputError
from wildpose.predict.photo_files import SIGNATURES


@dataclass(frozen=True)
class Limits:
    """What one request may ask for. `wildpose predict` knows no such limits."""

    upload_bytes: int = 500_000_000
    video_s: float = 120.0
    video_hz: float = 31.0
    """Of videos with more frames a second, every second, third ... frame is taken."""
    frames: int = 4000
    """Looked at of one video or webcam: files may lie about their length."""
    picture_bytes: int = 5_000_000
    """One picture of the webcam."""
    people: int = 10
    silence_s: float = 15.0
    """A webcam that has sent nothing for so long makes room for others."""


KINDS = "give a photo (JPEG, PNG, WebP, BMP, TIFF) or a video (MP4, MOV, AVI, MKV, WebM, MPEG)"
PHOTO_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis")
HEAD_BYTES = 64


def kind_of(head: bytes, name: str) -> Literal["photo", "video"]:
    """Told from the first HEAD_BYTES bytes; raises InputError for anything else.

    FFmpeg would also take playlists and scripts (HLS, ffconcat), whatever they are called, and open the files that they
    name: only containers that hold their own pictures may pass, so that a browser can't have other files read.
    """
    photos = [signature for signature in SIGNATURES if signature != b"RIFF"]
    if head[4:8] == b"ftyp" and head[8:12] in PHOTO_BRANDS:
        raise InputError(f"a photo or video in {name}", "a HEIC or AVIF picture", "save it as JPEG first")
    if head.startswith(tuple(photos)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "photo"
    if (
        (head[:1] == b"\0" and head[4:8] in (b"ftyp", b"moov", b"wide", b"free", b"skip", b"mdat"))  # MP4, MOV
        or (head[:4] == b"\x1a\x45\xdf\xa3" and (b"webm" in head or b"matroska" in head))
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[:4] in (b"\0\0\x01\xba", b"\0\0\x01\xb3")  # MPEG
    ):
        return "video"
    raise InputError(f"a photo or video in {name}", "a file of another kind" if head else "an empty file", KINDS)


def display_name(given: str) -> str:
    """The client's name for a file, to be shown and never to be opened: its last part, printable, not too long."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-120:].strip() or "upload"
