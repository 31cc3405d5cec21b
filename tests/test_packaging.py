"""What an install brings: the promise is a runtime without torch, under 300 MB, every version pinned for `make`."""

import importlib.metadata as metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import wildpose

ROOT = Path(__file__).parents[1]
RUNTIME = {"numpy", "opencv-python-headless", "onnxruntime", "tyro", "tqdm", "jaxtyping"}
LIMIT_MB = 300


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str, extras: tuple[str, ...] = ()) -> dict[str, metadata.Distribution]:
    """A distribution and everything that installing it with these extras brings on this machine."""
    found: dict[str, metadata.Distribution] = {}
    todo = [(name, extras)]
    while todo:
        current, wanted = todo.pop()
        distribution = found[canonical(current)] = metadata.distribution(current)
        for line in distribution.requires or []:
            requirement = Requirement(line)
            environments = [{"extra": extra} for extra in wanted or ("",)]
            applies = requirement.marker is None or any(map(requirement.marker.evaluate, environments))
            if applies and canonical(requirement.name) not in found:
                todo.append((requirement.name, tuple(requirement.extras)))
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {canonical(name): version for name, version in (x.split("==") for x in lines if not x.startswith("#"))}


def test_runtime_requires_these_six_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {Requirement(line).name for line in project["dependencies"]} == RUNTIME


def test_runtime_closure_has_no_training_library():
    assert not set(closure("wildpose")) & {"torch", "onnx", "onnxscript", "scipy", "numba", "matplotlib", "safetensors"}


def test_every_direct_and_transitive_dependency_is_pinned():
    brought = set(closure("wildpose", ("train", "serve", "test", "dev"))) - {"wildpose"}
    assert brought - set(pins()) == set()


def test_pins_satisfy_the_declared_ranges():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [line for group in [project["dependencies"], *project["optional-dependencies"].values()] for line in group]
    pinned = pins()
    outside = [line for line in lines if pinned[canonical(Requirement(line).name)] not in Requirement(line).specifier]
    assert outside == []


def test_runtime_files_are_under_the_limit():
    """The files that pip put here for the runtime, byte code included; `make size` weighs a new venv."""
    distributions = closure("wildpose")
    pinned = pins()
    for name, distribution in distributions.items():
        if name in RUNTIME and distribution.version != pinned[name]:
            pytest.skip(f"{name} {distribution.version} is installed, {pinned[name]} is pinned")
    paths = [Path(file.locate()) for d in distributions.values() if d.name != "wildpose" for file in d.files or []]
    paths += Path(wildpose.__file__).parent.rglob("*")
    total = sum(path.stat().st_size for path in set(paths) if path.is_file())
    assert total / 1e6 < LIMIT_MB


def test_version_is_said_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata.version("wildpose") == project["version"]


def test_only_the_console_command_is_installed():
    scripts = [entry for entry in metadata.distribution("wildpose").entry_points if entry.group == "console_scripts"]
    assert [(entry.name, entry.value) for entry in scripts] == [("wildpose", "wildpose.cli:main")]
