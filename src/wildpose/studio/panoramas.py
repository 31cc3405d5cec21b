"""Panoramas on disk: a user's own (.hdr, or .npz with `radiance_bgr`), and the small CC0 pack that ships with wildpose.

A packed panorama is an .npz of two arrays, some 65 KB: `jpeg`, a JPEG file of the
radiance up to WHITE on a logarithmic scale, and `excess`, what lamps and sun are brighter than that, summed over
squares of SQUARE x SQUARE px. Radiance is scaled so that its median is MEDIAN: exposure is not kept, light is.
"""

import io
import zlib
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.studio.files import make_folder, write_atomically

PACK = Path(__file__).parent / "panorama_pack"
"""The panoramas that ship with the package; README.md beside them says whence."""
SUFFIXES = (".npz", ".hdr")
WIDTH_PX = 512
"""Width of a packed panorama."""
LARGEST_PX, SMALLEST_PX = 1024, 128
"""Wider pictures are reduced to the first: the rest would be memory without being seen. Narrower ones are refused."""
MEDIAN, WHITE, TOE = 0.35, 6.0, 0.1
SQUARE = 4
QUALITY = 95


def panorama_files(folder: Path) -> list[Path]:
    """The panoramas of a folder in the order of their names; InputError if it has none."""
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        got = "no folder" if not folder.is_dir() else "none there" if any(folder.iterdir()) else "an empty folder"
        raise InputError(f"a folder of panoramas (.hdr, or .npz with radiance_bgr): {folder}", got, "check the path")
    return files


def read_panorama(path: Path) -> Float[np.ndarray, "H W 3"]:
    """Linear radiance (RGB, equirectangular, W = 2 H) of one file; InputError says what is wrong with it."""
    try:
        radiance = _read_npz(path) if path.suffix.lower() == ".npz" else _read_hdr(path)
    except (OSError, ValueError, KeyError, EOFError, IndexError, BadZipFile, zlib.error, cv2.error) as error:
        raise InputError(f"a panorama that can be read: {path}", type(error).__name__, "leave it out") from error
    if radiance is None or radiance.dtype.kind != "f":
        got = "no picture" if radiance is None else "a picture of 8 bits, which can't light a person"
        raise InputError(f"a panorama of linear radiance (HDR) in {path}", got, "give the .hdr file, or leave it out")
    if radiance.ndim != 3 or radiance.shape[2] != 3 or radiance.shape[1] != 2 * radiance.shape[0]:
        raise InputError(f"an equirectangular picture (H, 2H, 3) in {path}", f"{radiance.shape}", "leave it out")
    if radiance.shape[1] < SMALLEST_PX:
        raise InputError(f"a panorama at least {SMALLEST_PX} px wide in {path}", f"{radiance.shape[1]}", "leave it out")
    radiance = np.nan_to_num(radiance.astype(np.float32), posinf=60000.0, neginf=0.0)
    if not radiance.max() > 0:
        raise InputError(f"a panorama with light in {path}", "a black picture", "leave it out")
    return _reduced(radiance, LARGEST_PX)


def _read_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as packed:
        if "jpeg" in packed.files:
            return unpack(packed["jpeg"], packed["excess"])
        return packed["radiance_bgr"].astype(np.float32)[..., ::-1]


def _read_hdr(path: Path) -> np.ndarray | None:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return None if picture is None else picture[..., ::-1]


def _reduced(radiance: np.ndarray, width: int) -> np.ndarray:
    if radiance.shape[1] <= width:
        return radiance
    return cv2.resize(radiance, (width, width // 2), interpolation=cv2.INTER_AREA)


def pack(radiance: Float[np.ndarray, "H W 3"]) -> bytes:
    """The .npz file of a packed panorama, at most WIDTH_PX wide; the same radiance gives the same bytes."""
    radiance = radiance / max(float(np.median(radiance)), 1e-3) * MEDIAN
    whole_squares = radiance.shape[1] // (2 * SQUARE) * (2 * SQUARE)
    small = np.maximum(_reduced(_mended(radiance), min(WIDTH_PX, whole_squares)), 0)
    coded = np.log1p(np.minimum(small, WHITE) / TOE) / np.log1p(WHITE / TOE)
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    picture = np.rint(255 * coded[..., ::-1]).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, *sampling])
    excess = _squares(np.maximum(small - WHITE, 0)).sum((1, 3)).astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, jpeg=jpeg.ravel(), excess=excess)
    return buffer.getvalue()


def _mended(radiance: np.ndarray) -> np.ndarray:
    """Without the black rings that resampling leaves around lamps: its negative values, unless they are light."""
    ring = (radiance.min(-1, keepdims=True) <= 0) & (radiance.max(-1, keepdims=True) < WHITE)
    return np.where(ring, cv2.medianBlur(np.ascontiguousarray(radiance), 5), radiance)


def unpack(jpeg: np.ndarray, excess: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "H W 3"]:
    """The radiance of a packed panorama, RGB; ValueError if the two don't fit."""
    picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    if picture is None or picture.shape != (SQUARE * excess.shape[0], SQUARE * excess.shape[1], 3):
        raise ValueError("jpeg and excess do not fit")
    base = (np.expm1(picture[..., ::-1] / 255 * np.log1p(WHITE / TOE)) * TOE).astype(np.float32)
    # What is brighter than white goes to the pixels of a square that were white themselves.
    share = _squares(base**8 + 1e-6)
    share = share / share.sum((1, 3), keepdims=True)
    return base + (share * excess[:, None, :, None]).reshape(base.shape)


def _squares(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) as (H / 4, 4, W / 4, 4, 3)."""
    h, w = picture.shape[:2]
    return picture.reshape(h // SQUARE, SQUARE, w // SQUARE, SQUARE, 3)


def write_pack(source: Path, out: Path, names: tuple[str, ...] = ()) -> list[Path]:
    """Pack the panoramas of a folder, or those named, into another one; returns the files.

    Every fourth in the order of the names will serve test sets, the others training sets.
    """
    files = {path.stem: path for path in panorama_files(source)}
    unknown = [name for name in names if name not in files]
    if unknown:
        raise InputError(f"names of panoramas in {source}", ", ".join(unknown), f"there are {', '.join(files)}")
    make_folder(out)
    written = [out / f"{name}.npz" for name in names or files]
    for path in written:
        write_atomically(path, pack(read_panorama(files[path.stem])))
    return written
