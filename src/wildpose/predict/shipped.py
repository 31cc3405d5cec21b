"""The weights files inside the package: dropping NAME.onnx into src/wildpose/weights/ makes `--weights NAME` work."""

from importlib.resources import files
from pathlib import Path

FOLDER = Path(str(files("wildpose") / "weights"))
DETECTOR = "detector"
"""Name of the file that finds people; all others estimate poses."""


def shipped() -> dict[str, Path]:
    """Name -> file of the pose networks in the package, `default` first, then from small to large."""
    found = [path for path in FOLDER.glob("*.onnx") if path.stem != DETECTOR]
    found.sort(key=lambda path: (path.stem != "default", path.stat().st_size, path.stem))
    return {path.stem: path for path in found}
