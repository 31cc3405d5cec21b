from pathlib import Path

import cv2
import numpy as np
import pytest

from wildpose.errors import InputError
from wildpose.predict.inputs import Video, list_sources, read_photo


@pytest.fixture
def picture() -> np.ndarray:
    """40 x 60 RGB with four quarters of different colour, so that any turn shows."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30], image[:20, 30:] = (200, 0, 0), (0, 200, 0)
    image[20:, :30], image[20:, 30:] = (0, 0, 200), (90, 90, 0)
    return image


def jpeg_with_orientation(image_rgb: np.ndarray, orientation: int) -> bytes:
    """A JPEG whose EXIF says how it has to be turned (TIFF tag 0x0112, one short)."""
    content = cv2.imencode(".jpg", image_rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01" + bytes([0, orientation, 0, 0])
    tiff = b"MM\x00\x2a\x00\x00\x00\x08" + b"\x00\x01" + tag + b"\x00\x00\x00\x00"
    body = b"Exif\x00\x00" + tiff
    return content[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + content[2:]


# What the EXIF standard says the stored picture is, in terms of the upright one.
STORED = {
    1: lambda upright: upright,
    3: lambda upright: upright[::-1, ::-1],
    6: lambda upright: np.rot90(upright),  # row 0 is the right side: turn clockwise to see it upright
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_photos_stand_upright_as_exif_says(tmp_path, picture, orientation):
    stored = np.ascontiguousarray(STORED[orientation](picture))
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg_with_orientation(stored, orientation))
    read = read_photo(path)
    assert read.shape == picture.shape
    for y, x in ((5, 5), (5, 50), (35, 5), (35, 50)):
        assert np.abs(read[y, x].astype(int) - picture[y, x]).max() < 25


KINDS = [(suffix, clear) for suffix in ("jpg", "png", "webp", "tif") for clear in (False, True)]


@pytest.mark.parametrize(("suffix", "alpha"), [kind for kind in KINDS if kind != ("jpg", True)])  # JPEG has no alpha
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format_is_seen_as_pillow_sees_it(tmp_path, picture, orientation, suffix, alpha):
    pillow = pytest.importorskip("PIL.Image", reason="needs Pillow to write EXIF and to say what is right")
    ops = pytest.importorskip("PIL.ImageOps")
    clear = np.full((40, 60, 1), 255, np.uint8)
    clear[:10, :30], clear[30:, 40:] = 0, 128
    stored = pillow.fromarray(np.dstack([picture, clear]) if alpha else picture)
    exif = pillow.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    stored.save(path, exif=exif, **({"lossless": True, "exact": True} if suffix == "webp" else {"quality": 98}))
    stored.getexif()[0x0112] = orientation
    upright = ops.exif_transpose(stored).convert("RGBA")
    seen = pillow.alpha_composite(pillow.new("RGBA", upright.size, "white"), upright).convert("RGB")
    read = read_photo(path).astype(int)
    assert read.shape == np.asarray(seen).shape
    assert np.median(np.abs(read - np.asarray(seen)), axis=(0, 1)).max() <= 1  # JPEG errs at the seams of the colours
    assert np.abs(read - np.asarray(seen)).mean() < 3


def test_grey_16_bit_and_alpha_become_rgb(tmp_path, picture):
    grey = np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    np.testing.assert_array_equal(read_photo(tmp_path / "grey.png"), np.repeat(grey[..., None], 3, 2))

    cv2.imwrite(str(tmp_path / "deep.png"), picture[..., ::-1].astype(np.uint16) * 257)
    assert np.abs(read_photo(tmp_path / "deep.png").astype(int) - picture).max() <= 1

    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, 30:] = 0
    alpha[:, :10] = 128
    cv2.imwrite(str(tmp_path / "clear.png"), np.dstack([picture[..., ::-1], alpha]))
    read = read_photo(tmp_path / "clear.png").astype(int)
    assert (read[:, 30:] == 255).all()  # transparent: white
    np.testing.assert_array_equal(read[:, 10:30], picture[:, 10:30])
    np.testing.assert_allclose(read[5, 5], 200 * 128 / 255 * np.array([1, 0, 0]) + 255 * 127 / 255, atol=1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_cut_file_is_noticed_wherever_it_is_cut(tmp_path, picture, suffix):
    noisy = np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    content = cv2.imencode(suffix, noisy)[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content)
    assert read_photo(path).shape == (80, 90, 3)
    for length in (len(content) - (3 if suffix != ".webp" else 1), len(content) // 2, 40):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="cut short"):
            read_photo(path)


def test_a_cut_photo_with_a_whole_thumbnail_is_noticed(tmp_path, picture):
    """The thumbnail inside EXIF brings an end mark of its own."""
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    body = b"Exif\x00\x00" + content
    whole = content[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + content[2:]
    path = tmp_path / "photo.jpg"
    path.write_bytes(whole + b"trailing bytes as some phones write them \xff\x00")
    assert read_photo(path).shape == picture.shape
    path.write_bytes(whole[: len(whole) - len(content) // 3])
    with pytest.raises(InputError, match="cut short"):
        read_photo(path)


def test_progressive_jpegs_are_whole(tmp_path, picture):
    content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[1]
    (tmp_path / "p.jpg").write_bytes(content.tobytes())
    assert read_photo(tmp_path / "p.jpg").shape == picture.shape


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def test_folders_give_their_photos_and_videos_in_order(tmp_path):
    touch(tmp_path / "f", "b.PNG", "a.jpg", "c.mp4", "notes.txt")
    sources = list_sources([tmp_path / "f", tmp_path / "f" / "a.jpg"])
    assert [(s.path.name, s.kind, s.stem) for s in sources] == [
        ("a.jpg", "photo", "a"),
        ("b.PNG", "photo", "b"),
        ("c.mp4", "video", "c"),
    ]


def test_inputs_that_share_a_stem_get_names_of_their_own(tmp_path):
    touch(tmp_path / "f", "a.jpg", "a.png", "b.jpg")
    assert [s.stem for s in list_sources([tmp_path / "f"])] == ["a_jpg", "a_png", "b"]
    touch(tmp_path / "g", "a.jpg")
    with pytest.raises(InputError, match="different names"):
        list_sources([tmp_path / "f", tmp_path / "g"])


def write_video(path: Path, frames: int = 9, fps: float = 10.0) -> None:
    """Frame i is of grey level 20 * i."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (64, 48))
    for i in range(frames):
        writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    writer.release()


def test_video_frames_come_with_number_and_time(tmp_path):
    write_video(tmp_path / "v.mp4")
    video = Video(tmp_path / "v.mp4")
    frames = list(video.frames(stride=3))
    assert [f.index for f in frames] == [0, 3, 6]
    np.testing.assert_allclose([f.time_s for f in frames], [0, 0.3, 0.6])
    np.testing.assert_allclose([f.image_rgb.mean() for f in frames], [0, 60, 120], atol=6)
    assert [f.index for f in video.frames(stride=2, max_frames=2)] == [0, 2]
    assert video.frame_count == 9


# Matrices a, b, u, c, d, v, x, y, w of ISO 14496-12, 16.16 and 2.30 fixed: a point shows at (a x + c y, b x + d y).
UPRIGHT = bytes.fromhex("00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000")
CLOCKWISE = bytes.fromhex("00000000 00010000 00000000 ffff0000 00000000 00000000 00000000 00000000 40000000")
HALF_TURN = bytes.fromhex("ffff0000 00000000 00000000 00000000 ffff0000 00000000 00000000 00000000 40000000")


@pytest.mark.parametrize(("matrix", "quarters"), [(CLOCKWISE, -1), (HALF_TURN, 2)])
def test_a_phones_video_stands_upright_as_its_track_header_says(tmp_path, picture, matrix, quarters):
    path = tmp_path / "phone.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (60, 40))
    for _ in range(2):
        writer.write(picture[..., ::-1].copy())
    writer.release()
    content = path.read_bytes()
    track = content.find(b"tkhd")
    assert content[track + 44 : track + 80] == UPRIGHT
    path.write_bytes(content[: track + 44] + matrix + content[track + 80 :])
    upright = np.rot90(picture, quarters)
    for frame in Video(path).frames():
        assert frame.image_rgb.shape == upright.shape
        assert np.abs(frame.image_rgb.astype(int) - upright).mean() < 12
