"""The import order of docs/architecture.md, and the promise that prediction never touches a training library."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_weights import draw_person, write_fake_weights

import wildpose

PACKAGE = Path(wildpose.__file__).parent
# Data flows from left to right: a module imports from its own part and from parts to its left, lazily or not.
ORDER = [
    *("errors", "skeleton", "geometry", "codec", "types", "config", "metrics", "report", "tables"),
    *("predict", "write", "formats", "page", "view3d", "view", "movie", "results", "serve"),
    *("data", "studio", "stored", "models", "losses", "train", "evaluate", "export", "detector"),
    *("reproduce", "adapt", "bench", "cli"),
]
TRAINING_PARTS = {
    *("data", "studio", "stored", "models", "losses", "train", "evaluate", "export", "detector", "reproduce", "adapt"),
}
NEEDS_EXTRA = {*TRAINING_PARTS, "serve"}
MODULES = sorted(PACKAGE.rglob("*.py"))
# Runs in a child: whatever is neither the standard library, the runtime's six nor their own needs can't be imported.
BLOCKER = """
import importlib.metadata, re, sys
from packaging.requirements import Requirement
def closure(name, seen):
    seen.add(re.sub("[-_.]+", "-", name).lower())
    for line in importlib.metadata.requires(name) or []:
        need = Requirement(line)
        key = re.sub("[-_.]+", "-", need.name).lower()
        if key not in seen and (need.marker is None or need.marker.evaluate({"extra": ""})):
            closure(need.name, seen)
    return seen
runtime = closure("wildpose", set())
installed = importlib.metadata.packages_distributions()
blocked = {top for top, names in installed.items() if not {re.sub("[-_.]+", "-", n).lower() for n in names} & runtime}
assert {"torch", "onnx", "scipy"} <= blocked, sorted(blocked)
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(name + " is not part of the runtime")
for name in [n for n in sys.modules if n.partition(".")[0] in blocked]:
    del sys.modules[name]
sys.meta_path.insert(0, Blocker())
"""


def part_of(module: str) -> str:
    """The part of a dotted name: wildpose.data.lsp -> data; wildpose itself -> ''."""
    return [*module.split("."), ""][1]


def wildpose_imports(path: Path) -> set[str]:
    """Dotted names of the wildpose modules that a file imports, relative imports resolved, lazy ones included."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            prefix = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*prefix, *([node.module] if node.module else [])])
            # `from wildpose import view`: the part is what is imported; `from wildpose.view import draw`: it is whence.
            names |= {f"{base}.{alias.name}" if base == PACKAGE.name else base for alias in node.names}
    return {name for name in names if name.split(".")[0] == PACKAGE.name}


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_a_module_imports_only_from_parts_before_its_own(path: Path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):  # the public names: may stand on anything, nothing stands on them
        return
    assert own in ORDER, f"{own} has no place in the import order yet"
    later = {name for name in wildpose_imports(path) if part_of(name) in ORDER[ORDER.index(own) + 1 :]}
    assert later == set()


def test_the_order_names_only_what_exists():
    assert [part for part in ORDER if not ((PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file())] == []


def run_blocked(code: str, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", BLOCKER + code, *args], capture_output=True, text=True, timeout=120)


def test_the_blocker_blocks():
    done = run_blocked("import torch")
    assert done.returncode != 0 and "torch is not part of the runtime" in done.stderr


@pytest.mark.parametrize("part", [part for part in ORDER if part not in NEEDS_EXTRA])
def test_the_runtime_imports_without_training_libraries(part: str):
    code = f"""
import importlib, pkgutil, wildpose
module = importlib.import_module("wildpose.{part}")
for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
    importlib.import_module(found.name)
"""
    done = run_blocked(code)
    assert done.returncode == 0, done.stderr


COMMAND = "import sys; sys.argv = ['wildpose', *sys.argv[1:]]; import wildpose.cli; wildpose.cli.main()"


def test_help_works_without_training_libraries():
    done = run_blocked(COMMAND, "--help")
    assert done.returncode == 0, done.stderr
    assert "predict" in done.stdout


def test_predict_works_without_training_libraries(tmp_path: Path):
    """From a photo to JSON and picture, where neither torch nor any other library of the extras can be imported."""
    weights = write_fake_weights(tmp_path / "dots.onnx")
    image, box = np.zeros((320, 240, 3), np.uint8), (20.0, 60.0, 200.0, 200.0)
    joints_px = draw_person(image, box)
    cv2.imwrite(str(tmp_path / "photo.png"), image[:, :, ::-1])
    out = tmp_path / "out"
    at = ",".join(map(str, box))
    options = ["--weights", str(weights), "--no-flip", "--out", str(out)]
    done = run_blocked(COMMAND, "predict", str(tmp_path / "photo.png"), "--box", at, *options)
    assert done.returncode == 0, done.stderr
    [person] = json.loads((out / "photo.json").read_text())["frames"][0]["people"]
    np.testing.assert_allclose(person["joints_px"], joints_px, atol=3)
    assert (out / "photo_overlay.jpg").is_file()
