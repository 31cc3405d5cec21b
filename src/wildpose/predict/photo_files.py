"""Is a picture file what its name says, and whole? Decoders fill the missing end of a JPEG with grey, silently."""

from pathlib import Path

from wildpose.errors import InputError

FIX = "give a whole JPEG, PNG, WebP, BMP or TIFF file"
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}


def check_whole(path: Path, content: bytes) -> None:
    """Raises InputError unless the bytes begin as a known picture format and, where it has an end mark, reach it."""
    kind = next((name for signature, name in SIGNATURES.items() if content.startswith(signature)), None)
    if kind is None:
        raise InputError(f"a photo at {path}", _describe(content), FIX)
    whole = {"JPEG": _jpeg_is_whole, "PNG": _png_is_whole, "WebP": _webp_is_whole}.get(kind, lambda _: True)
    if not whole(content):
        raise InputError(f"a whole {kind} at {path}", f"one cut short after {len(content)} bytes", "copy it again")


def _describe(content: bytes) -> str:
    if not content:
        return "an empty file"
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in content[:256])
    return "a text file" if printable > 0.95 * len(content[:256]) else "a file of another kind"


def _jpeg_is_whole(content: bytes) -> bool:
    """Follow the markers from the start to EOI (ITU T.81, annex B).

    Looking for the last FFD9 alone would find the end of the thumbnail inside EXIF.
    """
    at, end = 2, len(content)
    while True:
        at = content.find(b"\xff", at)
        while 0 <= at < end and content[at] == 0xFF:  # fill bytes
            at += 1
        if not 0 < at < end:
            return False
        marker = content[at]
        at += 1
        if marker == 0xD9:
            return True
        if marker == 0 or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # stuffed byte, TEM, restart: no length follows
            continue
        at += int.from_bytes(content[at : at + 2], "big")  # a segment; a scan's data follow its header


def _png_is_whole(content: bytes) -> bool:
    """Follow the chunks to IEND."""
    at = 8
    while at + 12 <= len(content):
        if content[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return False


def _webp_is_whole(content: bytes) -> bool:
    return content[8:12] == b"WEBP" and len(content) >= 8 + int.from_bytes(content[4:8], "little")
