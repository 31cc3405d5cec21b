"""Focal lengths in EXIF: blocks built by hand after the standard, and files that Pillow wrote."""

import struct

import cv2
import numpy as np
import pytest

from wildpose.predict.exif import focal_35mm
from wildpose.predict.photos import open_photo
from wildpose.predict.placement import camera_with_focal_35mm

PICTURE = np.full((40, 60, 3), 90, np.uint8)


def tiff_block(focal: int, order: str = "<", kind: int = 3) -> bytes:
    """Directory 0 holds the pointer to the EXIF directory, which holds a date's offset and the focal length."""

    def entry(tag: int, kind: int, value: int) -> bytes:
        return struct.pack(order + "HHI", tag, kind, 1) + struct.pack(order + ("H2x" if kind == 3 else "I"), value)

    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first = struct.pack(order + "H", 1) + entry(0x8769, 4, 26) + struct.pack(order + "I", 0)
    second = struct.pack(order + "H", 2) + entry(0x9003, 4, 7) + entry(0xA405, kind, focal)
    return head + first + second + struct.pack(order + "I", 0)


def jpeg_with(block: bytes) -> bytes:
    content = cv2.imencode(".jpg", PICTURE)[1].tobytes()
    body = b"Exif\0\0" + block
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_a_jpeg_says_its_focal_length(order, kind, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg_with(tiff_block(26, order, kind)))
    photo = open_photo(tmp_path / "a.jpg")
    assert photo.focal_35mm == 26.0 and photo.image_rgb.shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_what_pillow_writes_is_read(suffix, tmp_path):
    pictures = pytest.importorskip("PIL.Image", reason="needs Pillow to write EXIF")
    exif = pictures.Exif()
    exif.get_ifd(0x8769)[0xA405] = 35
    exif[0x0131] = "somebody's program"
    pictures.fromarray(PICTURE).save(tmp_path / f"a.{suffix}", exif=exif)
    assert open_photo(tmp_path / f"a.{suffix}").focal_35mm == 35.0


def test_a_tiff_is_its_own_exif_block():
    assert focal_35mm(tiff_block(85)) == 85.0 and focal_35mm(tiff_block(85, ">")) == 85.0


def test_silence_and_nonsense_say_nothing():
    plain = cv2.imencode(".jpg", PICTURE)[1].tobytes()
    assert focal_35mm(plain) is None
    assert focal_35mm(jpeg_with(tiff_block(0))) is None  # the standard's word for unknown
    assert focal_35mm(jpeg_with(tiff_block(65535))) is None
    whole = jpeg_with(tiff_block(26))
    assert all(focal_35mm(whole[:length]) in (None, 26.0) for length in range(110))
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole[:110])
        damaged[random.integers(2, 110)] = random.integers(0, 256)
        found = focal_35mm(bytes(damaged))
        assert found is None or 5 <= found <= 2000


def test_fifty_millimetres_on_a_full_frame_see_their_known_angle():
    """50 mm on 36 x 24 mm: 39.6 degrees across, 27.0 from top to bottom; whichever way the camera was held."""
    for height, width in ((2000, 3000), (3000, 2000)):
        camera = camera_with_focal_35mm((height, width), 50.0)
        angles = [2 * np.rad2deg(np.arctan(side / 2 / camera.fx)) for side in (3000, 2000)]
        assert angles == pytest.approx([39.6, 27.0], abs=0.05)
        assert (camera.cx, camera.cy, camera.source) == ((width - 1) / 2, (height - 1) / 2, "exif")
