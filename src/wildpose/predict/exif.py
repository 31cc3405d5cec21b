"""What a photo's EXIF states of the lens and of the way up (JEITA CP-3451, the TIFF tags of cameras), from its bytes.

OpenCV turns JPEG and PNG upright, but not WebP, and never together with their alpha. Whatever is damaged or strange
here counts as not stated: a photo is never refused for its EXIF.
"""

import struct

ORIENTATION, EXIF_POINTER, FOCAL_35MM = 0x0112, 0x8769, 0xA405
SHORT, LONG = 3, 4
TIFF_STARTS = (b"II*\0", b"MM\0*")
PLAUSIBLE_MM = (5.0, 2000.0)
"""From a fisheye to an astronomer's lens; 0 means unknown, by the standard."""
FILM_DIAGONAL_MM = (36.0**2 + 24.0**2) ** 0.5
"""CIPA DCG-001 holds focal lengths against 35 mm film by the diagonal of the picture."""


def focal_35mm(content: bytes) -> float | None:
    """FocalLengthIn35mmFilm of a JPEG, PNG, WebP or TIFF, in mm; None if it isn't stated."""
    try:
        tiff = _tiff_block(content)
        pointer = _entry(tiff, _first_directory(tiff), EXIF_POINTER)
        value = _entry(tiff, pointer, FOCAL_35MM) if pointer else None
    except (struct.error, IndexError):
        return None
    return float(value) if value is not None and PLAUSIBLE_MM[0] <= value <= PLAUSIBLE_MM[1] else None


def orientation(content: bytes) -> int:
    """1 to 8, where the first row and column of what OpenCV decodes lie in the upright picture; 1: as they should.

    1 for a TIFF, which OpenCV turns upright whatever it is told.
    """
    if content.startswith(TIFF_STARTS):
        return 1
    try:
        tiff = _tiff_block(content)
        value = _entry(tiff, _first_directory(tiff), ORIENTATION)
    except (struct.error, IndexError):
        return 1
    return value if value in range(1, 9) else 1


def _tiff_block(content: bytes) -> bytes:
    """The EXIF of a picture file from its TIFF header on; empty if there is none."""
    if content.startswith(TIFF_STARTS):
        return content
    if content.startswith(b"\x89PNG"):
        return _chunk(content, 8, ">", b"eXIf", length_first=True)
    if content.startswith(b"RIFF"):
        return _chunk(content, 12, "<", b"EXIF", length_first=False).removeprefix(b"Exif\0\0")
    return _app1(content)


def _app1(content: bytes) -> bytes:
    """The segments of a JPEG before its first scan."""
    at = 2
    while content[at] == 0xFF and content[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", content, at + 2)
        if content[at + 1] == 0xE1 and content[at + 4 : at + 10] == b"Exif\0\0":
            return content[at + 10 : at + 2 + length]
        at += 2 + length
    return b""


def _chunk(content: bytes, at: int, order: str, name: bytes, length_first: bool) -> bytes:
    """A chunk of a PNG (length, name, body, checksum) or of a WebP (name, length, body, padded to even)."""
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(order + "I", content, at if length_first else at + 4)
        if content[at + 4 if length_first else at :][:4] == name:
            return content[at + 8 : at + 8 + length]
        at += 8 + length + (4 if length_first else length % 2)
    return b""


def _first_directory(tiff: bytes) -> int:
    return struct.unpack_from(_order(tiff) + "I", tiff, 4)[0]


def _order(tiff: bytes) -> str:
    return "<" if tiff[:2] == b"II" else ">"


def _entry(tiff: bytes, directory: int, wanted: int) -> int | None:
    """The single whole number that a directory of a TIFF holds under a tag."""
    order = _order(tiff)
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for at in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", tiff, at)
        if tag == wanted and values == 1 and kind in (SHORT, LONG):
            return struct.unpack_from(order + ("H" if kind == SHORT else "I"), tiff, at + 8)[0]
    return None
