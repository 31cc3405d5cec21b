"""A weights file says who it is, computes what its checkpoint computes, and is one hash away from telling damage."""

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx.numpy_helper import to_array

sys.path.insert(0, str(Path(__file__).parent / "train"))
from rendered_batch import tiny_config

from wildpose.errors import InputError
from wildpose.export import HALF_FROM, OUTPUTS, Deployed, check_parity, describe, export_onnx, load_generator
from wildpose.skeleton import MPII16
from wildpose.train.loop import Training


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    training = Training(tiny_config(), "pretrain-3d")
    torch.nn.init.normal_(training.average.depth.fc.weight)
    training.origin |= {"bone_sum_mm": 3912.34}
    generator, state = load_generator(training.save(folder))
    export_onnx(generator, describe(generator, state, "test", [{"pck": 12.5}]), folder / "w.onnx")
    return generator, folder / "w.onnx"


def test_it_describes_itself(exported):
    session = onnxruntime.InferenceSession(exported[1], providers=["CPUExecutionProvider"])
    told = json.loads(session.get_modelmeta().custom_metadata_map["wildpose"])
    assert told["format"] == "wildpose-weights/1"
    assert told["joints"] == list(MPII16.joints)
    assert (told["input_px"], told["heatmap_px"], told["bone_sum_mm"]) == (32, 8, 3912.3)
    assert told["metrics"] == [{"pck": 12.5}]
    assert {"architecture", "normalisation", "units", "training_data", "history", "license"} <= told.keys()


def test_its_digest_is_that_of_its_bytes_with_the_digest_zeroed(exported):
    data = exported[1].read_bytes()
    digest = re.search(rb'"sha256": "([0-9a-f]{64})"', data).group(1)
    assert hashlib.sha256(data.replace(digest, b"0" * 64)).hexdigest() == digest.decode()


def test_no_folder_of_the_author_is_inside(exported):
    assert b"site-packages" not in exported[1].read_bytes()


def test_large_weights_are_stored_in_half_and_used_in_full(exported):
    generator, path = exported
    stored = {entry.name: to_array(entry) for entry in onnx.load(path).graph.initializer}
    for name, weight in generator.named_parameters():
        array = stored[f"generator.{name}"]
        assert array.dtype == (np.float16 if weight.numel() >= HALF_FROM else np.float32), name
        np.testing.assert_allclose(array, weight.numpy(), rtol=2**-11, atol=2**-25)
    large = sum(weight.numel() for weight in generator.parameters() if weight.numel() >= HALF_FROM)
    assert large > 0.3 * sum(weight.numel() for weight in generator.parameters()), "else the test shows nothing"


def test_parity_on_other_crops_and_its_failure_is_seen(exported):
    generator, path = exported
    crops = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    assert check_parity(Deployed(generator), path.read_bytes(), {"crops_rgb": crops}, OUTPUTS) < 1e-3
    other = Training(tiny_config(seed=5), "pretrain-3d").average
    with pytest.raises(RuntimeError, match="differs"):
        check_parity(Deployed(other), path.read_bytes(), {"crops_rgb": crops}, OUTPUTS)


def test_a_checkpoint_without_depth_is_refused(tmp_path):
    checkpoint = Training(tiny_config(), "pretrain-2d").save(tmp_path)
    with pytest.raises(InputError, match="pretrain-3d or adversarial"):
        describe(*load_generator(checkpoint), "test", [])
