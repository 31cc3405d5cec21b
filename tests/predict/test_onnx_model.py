import hashlib
import json
import re

import numpy as np
import onnx
import pytest
from fake_weights import DEPTH, write_fake_weights

from wildpose.errors import InputError
from wildpose.predict.onnx_model import OnnxModel


def test_runs_any_number_of_crops_and_knows_its_sizes(weights_path):
    model = OnnxModel.load(weights_path)
    assert (model.codec.input_px, model.codec.heatmap_px, model.info.name) == (128, 32, "coloured dots")
    for n in (1, 3):
        heatmaps, depth, pose = model.run(np.zeros((n, 128, 128, 3), np.uint8))
        assert heatmaps.shape == (n, 16, 32, 32) and pose is None
        np.testing.assert_array_equal(depth, np.tile(DEPTH, (n, 1)))


def test_digest_is_that_of_the_file_with_zeros_for_itself(weights_path):
    content = weights_path.read_bytes()
    stated = re.search(rb'"sha256": "([0-9a-f]{64})"', content).group(1)
    assert hashlib.sha256(content.replace(stated, b"0" * 64)).hexdigest() == stated.decode()


def flip_a_weight(content: bytes) -> bytes:
    """Change one number of the network, nothing of its structure."""
    model = onnx.load_from_string(content)
    weights = next(t for t in model.graph.initializer if t.name == "toward")
    at = content.index(weights.raw_data)
    return content[:at] + b"\x01" + content[at + 1 :]


def without_metadata(content: bytes) -> bytes:
    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda c: c[: len(c) // 2], "ONNX weights"),
        (lambda c: c[:-1], "ONNX weights|SHA-256"),
        (lambda c: b"", "ONNX weights"),
        (lambda c: b"not a network\n" * 100, "ONNX weights"),
        (flip_a_weight, "SHA-256"),
        (without_metadata, "metadata"),
    ],
    ids=["half", "last byte", "empty", "text", "altered", "no metadata"],
)
def test_a_spoilt_file_is_refused_in_one_line(weights_path, tmp_path, spoil, says):
    path = tmp_path / "spoilt.onnx"
    path.write_bytes(spoil(weights_path.read_bytes()))
    with pytest.raises(InputError, match=says) as caught:
        OnnxModel.load(path)
    assert "\n" not in str(caught.value) and "spoilt.onnx" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"joints": ["pelvis"]}, "16 joints"),
        ({"format": "wildpose-weights/9"}, "wildpose-weights/1"),
        ({"bone_sum_mm": None}, "bone_sum_mm"),
        ({"sha256": None}, "sha256"),
        ({"sha256": "f" * 64}, "SHA-256"),
        ({"input_px": 0}, "positive"),
    ],
)
def test_metadata_that_breaks_the_contract_is_refused(tmp_path, changes, says):
    with pytest.raises(InputError, match=re.escape(says)):
        OnnxModel.load(write_fake_weights(tmp_path / "w.onnx", **changes))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.onnx"):
        OnnxModel.load(tmp_path / "absent.onnx")


def test_weights_command_prints_the_metadata(weights_path, capsys):
    from wildpose.cli import main

    main(["weights", str(weights_path)])
    assert json.loads(capsys.readouterr().out)["name"] == "coloured dots"
