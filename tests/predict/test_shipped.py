"""Weights in the package go by the name of their file, everywhere; the list of them is verified."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_weights import draw_person, write_fake_weights

from wildpose import PoseEstimator
from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.predict import shipped as module
from wildpose.predict.onnx_model import OnnxModel

METRICS = [
    {"protocol": {"set": "LSP test", "count": 1000, "flip_test": False}, "metrics": {"pck_torso_0.2": 81.25}},
    {
        "protocol": {"set": "studio test", "count": 900, "scale_rule": "train-mean", "flip_test": True},
        "metrics": {"mpjpe_p1_mm": 99.0, "pa_mpjpe_p2_mm": 77.71},
    },
]


@pytest.fixture
def folder(tmp_path, monkeypatch, detector_path):
    """A package with two pose networks and a detector."""
    write_fake_weights(tmp_path / "default.onnx", name="small dots", license="CC0")
    write_fake_weights(tmp_path / "large.onnx", name="large dots", parameters=1843184, metrics=METRICS)
    (tmp_path / "detector.onnx").write_bytes(detector_path.read_bytes())
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "ADD_ON", "a_package_that_is_not_installed")
    return tmp_path


def test_a_file_in_the_folder_is_found_by_its_name(folder):
    assert list(module.shipped()) == ["default", "large"]
    assert OnnxModel.load().info.name == "small dots" and OnnxModel.load("large").info.name == "large dots"
    image = np.zeros((320, 240, 3), np.uint8)
    joints_px = draw_person(image, (20.0, 60.0, 200.0, 200.0))
    [pose] = PoseEstimator("large", flip=False).predict(image, [[20.0, 60.0, 200.0, 200.0]])
    np.testing.assert_allclose(pose.joints_px, joints_px, atol=3)


def test_an_unknown_name_is_answered_with_the_known_ones(folder):
    for wrong in ("larg", "detector"):
        with pytest.raises(InputError, match=rf"\(default, large\).*'{wrong}'.*wildpose weights"):
            OnnxModel.load(wrong)
    with pytest.raises(InputError, match=r"absent\.onnx, got no such file.*default, large"):
        OnnxModel.load(folder / "absent.onnx")


def test_a_package_without_weights_says_so(folder):
    (folder / "default.onnx").unlink()
    with pytest.raises(InputError, match="an installation without them"):
        OnnxModel.load()


def test_the_list_has_every_file_and_what_it_reaches(folder, capsys):
    main(["weights"])
    out = capsys.readouterr().out
    lines = out.splitlines()
    digest = OnnxModel.load("large").info.sha256[:12]
    assert [line.split()[0] for line in lines[1:4]] == ["default", "large", "detector"]
    assert "1,843,184" in lines[2] and f"{digest} verified" in lines[2] and "128" in lines[2] and "CC0" in lines[1]
    assert "LSP test, 1,000 images, boxes given" in out and "PCK@0.2 81.2 %" in out
    assert "900 images, boxes given, scale rule train-mean, averaged with the mirrored image" in out
    assert "P1 99.0 mm, P2 77.7 mm" in out


def test_an_altered_file_is_not_listed(folder):
    content = (folder / "large.onnx").read_bytes()
    (folder / "large.onnx").write_bytes(content.replace(b"large dots", b"larger dot"))
    with pytest.raises(SystemExit, match="2"):
        main(["weights"])


def test_a_name_prints_all_that_its_file_says(folder, capsys):
    for name, calls_itself in (("default", "small dots"), ("large", "large dots"), ("detector", "dots")):
        main(["weights", name])
        assert calls_itself in json.loads(capsys.readouterr().out)["name"]


def test_training_starts_from_a_name(folder):
    from wildpose.train.start import read_start

    with pytest.raises(InputError, match="the large weights"):  # found, but these dots are no network of ours
        read_start(module.Path("large"))


def test_large_weights_are_a_package_of_their_own(folder, tmp_path, monkeypatch, capsys):
    (folder / "large.onnx").unlink()
    with pytest.raises(InputError, match=r"the large weights, got an installation without them; run `pip install"):
        OnnxModel.load("large")
    main(["weights"])
    assert "isn't installed: run `pip install ./large`" in capsys.readouterr().out

    add_on = tmp_path / "site" / "large_dots"
    add_on.mkdir(parents=True)
    (add_on / "__init__.py").write_text("")
    write_fake_weights(add_on / "large.onnx", name="dots of the add-on")
    write_fake_weights(add_on / "default.onnx", name="not these")
    monkeypatch.syspath_prepend(add_on.parent)
    monkeypatch.setattr(module, "ADD_ON", "large_dots")
    assert list(module.shipped()) == ["default", "large"]
    assert OnnxModel.load("large").info.name == "dots of the add-on" and OnnxModel.load().info.name == "small dots"
    main(["weights"])
    assert "isn't installed" not in capsys.readouterr().out


def test_the_large_weights_beside_the_package_are_sound_and_more_accurate():
    """By the figures in the files themselves, of the same protocols: places in photos, errors outdoors. In the studio,
    and by PCK at 150 mm, they are only as good, to a per cent."""
    large = Path(__file__).parents[2] / "large" / "wildpose_large" / "large.onnx"
    figures = {}
    for name, info in (("default", OnnxModel.load().info), ("large", OnnxModel.load(large).info)):
        figures[name] = {m["protocol"]["set"]: m["metrics"] for m in info.metadata["metrics"]}
    assert large.stat().st_size < 30e6
    assert figures["default"].keys() == figures["large"].keys() == {"LSP test", "studio test", "outdoor test"}
    large, default = figures["large"], figures["default"]
    errors = ("mpjpe_p1_mm", "pa_mpjpe_p2_mm")
    assert large["LSP test"]["pck_torso_0.2"] > default["LSP test"]["pck_torso_0.2"]
    assert all(large["outdoor test"][key] < default["outdoor test"][key] for key in errors)
    assert large["outdoor test"]["pck3d_150"] > 0.99 * default["outdoor test"]["pck3d_150"]
    assert all(large["studio test"][key] < 1.01 * default["studio test"][key] for key in errors)
