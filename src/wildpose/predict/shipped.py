"""The weights files inside the package: dropping NAME.onnx into src/wildpose/weights/ makes `--weights NAME` work. The
large ones are a package of their own beside it, which is looked into if it is installed."""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(str(files("wildpose") / "weights"))
LARGE = "large"
ADD_ON, ADD_IT = "wildpose_large", "run `pip install ./large` in a checkout of wildpose"
DETECTOR = "detector"
"""Name of the file that finds people; all others estimate poses."""


def shipped() -> dict[str, Path]:
    """Name -> file of the pose networks that are installed, `default` first, then from small to large."""
    found = [path for path in FOLDER.glob("*.onnx") if path.stem != DETECTOR]
    add_on = find_spec(ADD_ON)
    if add_on and add_on.origin:
        names = {path.stem for path in found}
        found += [path for path in Path(add_on.origin).parent.glob("*.onnx") if path.stem not in names]
    found.sort(key=lambda path: (path.stem != "default", path.stat().st_size, path.stem))
    return {path.stem: path for path in found}
