"""Headers that claim more pixels than anyone wants to unpack."""

import struct
import zlib

import cv2
import numpy as np


def png(width: int, height: int, rows: int) -> bytes:
    """A grey PNG of one bit a pixel that claims a size and holds so many black rows."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = zlib.compress(b"\0" * ((1 + -(-width // 8)) * rows), 9)
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """A small JPEG with its frame header rewritten."""
    content = bytearray(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def tiff(width: int, height: int) -> bytes:
    content = cv2.imencode(".tiff", np.zeros((16, 17, 3), np.uint8))[1].tobytes()
    for tag, old, new in ((256, 17, width), (257, 16, height)):
        entries = [struct.pack("<HHI", tag, kind, 1) for kind in (3, 4)]
        at = max(content.find(entry) for entry in entries) + 8
        assert struct.unpack_from("<H", content, at)[0] == old
        content = content[: at - 6] + struct.pack("<HII", 4, 1, new) + content[at + 4 :]
    return content


def bmp(width: int, height: int) -> bytes:
    content = bytearray(cv2.imencode(".bmp", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
    content[18:26] = struct.pack("<ii", width, -height)
    return bytes(content)


def webp(width: int, height: int) -> bytes:
    body = (
        b"WEBPVP8X" + struct.pack("<II", 10, 0) + b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


BOMBS = {"png": png(30000, 30000, 1), "jpg": jpeg(30000, 30000), "tiff": tiff(30000, 30000),
         "bmp": bmp(30000, 30000), "webp": webp(16000, 16000)}  # fmt: skip
