"""Is a picture file what its name says, whole, and of a size that fits into memory? Told from its bytes, undecoded.

Decoders fill the missing end of a JPEG with grey, silently; and a few bytes can claim a picture of gigabytes.
"""

import struct
from pathlib import Path

from wildpose.errors import InputError

FIX = "give a whole JPEG, PNG, WebP, BMP or TIFF file"
MOST_PIXELS, MOST_COSTLY_PIXELS = 200_000_000, 100_000_000
"""Of a photo; and of one that takes several times the memory to decode (alpha, progressive), so that 2 GB do."""
MOST_VIDEO_PIXELS = 70_000_000
"""Of a video's frame: 8192 x 8192. Decoders keep several."""
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}


def check_whole(path: Path, content: bytes) -> None:
    """Raises InputError unless the bytes begin as a known picture format, claim at most MOST_PIXELS, and are all there.

    BMP and TIFF have no end mark: of those only the beginning is looked at.
    """
    kind = next((name for signature, name in SIGNATURES.items() if content.startswith(signature)), None)
    if kind is None:
        raise InputError(f"a photo at {path}", _describe(content), FIX)
    whole = {"JPEG": _jpeg_is_whole, "PNG": _png_is_whole, "WebP": _webp_is_whole}.get(kind, lambda _: True)
    try:
        width, height = SIZES[kind](content)
    except (struct.error, IndexError):  # it ends before it says how large it is
        raise InputError(f"a whole {kind} at {path}", f"one cut short after {len(content)} bytes", FIX) from None
    check_size(path, width, height, MOST_COSTLY_PIXELS if is_costly(content) else MOST_PIXELS)
    if not whole(content):
        raise InputError(f"a whole {kind} at {path}", f"one cut short after {len(content)} bytes", "copy it again")


def may_be_clear(content: bytes) -> bool:
    """Whether to look for alpha, which costs decoding again: not in a JPEG, nor in a PNG whose header denies it."""
    if content.startswith(b"\x89PNG"):
        return content[25] in (4, 6) or b"tRNS" in content[: content.find(b"IDAT")]
    return not content.startswith(b"\xff\xd8")


def is_costly(content: bytes) -> bool:
    """Whether decoding needs much more than three bytes a pixel: twice decoded, or a JPEG that isn't sequential."""
    if content.startswith(b"\xff\xd8"):
        return any(0xC2 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) for marker, _ in _jpeg_markers(content))
    return may_be_clear(content)


def check_size(path: Path | str, width: int, height: int, most: int = MOST_PIXELS) -> None:
    """Raises InputError if a picture is too large to be decoded safely."""
    if width * height > most:
        limit = f"at most {most // 1_000_000} megapixels in {path}"
        raise InputError(limit, f"{width} x {height} px", "make it smaller first")


def _describe(content: bytes) -> str:
    if not content:
        return "an empty file"
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in content[:256])
    return "a text file" if printable > 0.95 * len(content[:256]) else "a file of another kind"


def _jpeg_markers(content: bytes):
    """Every marker from the start on, with where its segment's length stands (ITU T.81, annex B)."""
    at, end = 2, len(content)
    while True:
        at = content.find(b"\xff", at)
        while 0 <= at < end and content[at] == 0xFF:  # fill bytes
            at += 1
        if not 0 < at < end:
            return
        marker = content[at]
        at += 1
        if marker == 0 or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # stuffed byte, TEM, restart: no length follows
            continue
        yield marker, at
        at += int.from_bytes(content[at : at + 2], "big")  # a segment; a scan's data follow its header


def _jpeg_is_whole(content: bytes) -> bool:
    """Whether following the markers leads to EOI: the last FFD9 alone may be the end of the thumbnail inside EXIF."""
    return any(marker == 0xD9 for marker, _ in _jpeg_markers(content))


def _jpeg_size(content: bytes) -> tuple[int, int]:
    for marker, at in _jpeg_markers(content):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            height, width = struct.unpack_from(">HH", content, at + 3)
            return width, height
    return 0, 0


def _png_is_whole(content: bytes) -> bool:
    """Follow the chunks to IEND."""
    at = 8
    while at + 12 <= len(content):
        if content[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return False


def _png_size(content: bytes) -> tuple[int, int]:
    return struct.unpack_from(">II", content, 16)


def _webp_is_whole(content: bytes) -> bool:
    return content[8:12] == b"WEBP" and len(content) >= 8 + int.from_bytes(content[4:8], "little")


def _webp_size(content: bytes) -> tuple[int, int]:
    """RFC 9649: the extended, the lossless or the lossy header."""
    if content[12:16] == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if content[12:16] == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bmp_size(content: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", content, 14)[0] == 12:  # OS/2
        return struct.unpack_from("<HH", content, 18)
    width, height = struct.unpack_from("<ii", content, 18)
    return abs(width), abs(height)


def _tiff_size(content: bytes) -> tuple[int, int]:
    """Tags 256 and 257 of the first directory."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, start)
    found = {256: 0, 257: 0}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", content, entry)
        if tag in found:
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), content, entry + 8)
    return found[256], found[257]


SIZES = {"JPEG": _jpeg_size, "PNG": _png_size, "WebP": _webp_size, "BMP": _bmp_size, "TIFF": _tiff_size}
"""Width and height as the header states them; 0, 0 where it states none: the decoder will refuse that by itself."""
