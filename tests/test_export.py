"""A weights file says who it is, computes what its checkpoint computes, and is one hash away from telling damage."""

import copy
import hashlib
import json
import re
import sys
from dataclasses import replace
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
from wildpose.export import (
    Deployed,
    as_stored,
    check_parity,
    describe,
    describe_mean,
    export_mean,
    export_onnx,
    load_generator,
)
from wildpose.predict.onnx_model import OnnxModel
from wildpose.skeleton import MPII16
from wildpose.stored import LARGE, form_of, rounded, weights_of
from wildpose.train.loop import Training
from wildpose.train.start import read_start


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    training = Training(tiny_config(), "pretrain-3d")
    torch.nn.init.normal_(training.average.depth.fc.weight)
    training.origin |= {"bone_sum_mm": 3912.34}
    generator, state = load_generator(training.save(folder))
    export_onnx(generator, describe(generator, state, "test", [{"pck": 12.5}]), folder / "w.onnx")
    return generator, folder / "w.onnx"


def describe_again(path):
    return json.loads(onnx.load(path).metadata_props[0].value)


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


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_large_weights_are_stored_small_and_used_in_full(exported, tmp_path, kind):
    generator, path = exported
    if kind == "float16":
        path = tmp_path / "half.onnx"
        export_onnx(generator, describe_again(exported[1]), path, kind)
    graph = onnx.load(path).graph
    stored = {entry.name: to_array(entry) for entry in graph.initializer}
    read = weights_of(graph)
    for name, weight in generator.named_parameters():
        weight, name = weight.numpy(), f"generator.{name}"
        assert stored[name].dtype == np.dtype(form_of(weight, kind)), name
        np.testing.assert_array_equal(read[name], rounded(weight, kind))
        step = np.abs(weight).max() / 127 if stored[name].dtype == np.int8 else 2**-11 * np.abs(weight)
        assert (np.abs(read[name] - weight) <= step / 2 * 1.001 + 2**-25).all() or kind == "float16"
    convolutions = sum(array.size for array in stored.values() if array.dtype == np.int8)
    assert (convolutions > 0.3 * sum(weight.numel() for weight in generator.parameters())) == (kind == "int8")
    onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True)


def test_storing_what_was_stored_changes_nothing():
    weight = np.random.default_rng(0).normal(size=(16, LARGE // 16, 1, 1)).astype(np.float32)
    weight[3] = 0
    once = rounded(weight, "int8")
    np.testing.assert_allclose(rounded(once, "int8"), once, rtol=1e-6)
    assert not once[3].any()


def test_parity_on_other_crops_and_its_failure_is_seen(exported):
    generator, path = exported
    crops = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    network = as_stored(Deployed(generator), "int8")
    assert check_parity(network, path.read_bytes(), {"crops_rgb": crops}, ("heatmaps", "depth")) < 1e-3
    other = Training(tiny_config(seed=5), "pretrain-3d").average
    with pytest.raises(RuntimeError, match="differs"):
        check_parity(Deployed(other), path.read_bytes(), {"crops_rgb": crops}, ("heatmaps", "depth"))


class Undecided(torch.nn.Module):
    """Says otherwise in one output about as many of the crops as it is told to, unless it is asked about one alone."""

    def __init__(self, network, output: int, count: int):
        super().__init__()
        self.network, self.output, self.count = network, output, count

    def forward(self, crops_rgb):
        said = list(self.network(crops_rgb))
        if len(crops_rgb) > 1:
            said[self.output][: self.count] += 0.1
        return said


def test_the_pose_in_a_few_crops_of_noise_may_be_another_and_nothing_else(tmp_path):
    config = tiny_config()
    training = Training(replace(config, model=replace(config.model, refiner_width=8)), "pretrain-3d")
    training.origin |= {"bone_sum_mm": 3912.34}
    generator, state = load_generator(training.save(tmp_path))
    export_onnx(generator, describe(generator, state, "test", []), tmp_path / "w.onnx")
    crops = torch.randint(0, 256, (12, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))
    network = as_stored(Deployed(generator), "int8")
    of_file = (tmp_path / "w.onnx").read_bytes(), {"crops_rgb": crops}, network.outputs
    assert check_parity(Undecided(network, 2, 3), *of_file) < 1e-3
    for output, count in ((2, 4), (1, 1), (0, 1)):
        with pytest.raises(RuntimeError, match=r"differs from the network by 0\.[01]"):
            check_parity(Undecided(network, output, count), *of_file)
    few = of_file[0], {"crops_rgb": crops[:3]}, network.outputs
    with pytest.raises(RuntimeError, match="differs"):
        check_parity(Undecided(network, 2, 1), *few)


def test_large_outputs_may_be_off_by_as_much_more_and_not_by_more(exported):
    """Depth 10,000 times as large: the rounding of float32 grows with it, an error of a per cent is still one."""
    generator, path = exported
    loud = copy.deepcopy(generator)
    loud.depth.fc.weight.data *= 1e4
    loud.depth.fc.bias.data *= 1e4
    crops = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    file = path.with_name("loud.onnx")
    export_onnx(loud, describe_again(path), file)
    with torch.no_grad():
        assert Deployed(as_stored(loud, "int8"))(crops)[1].abs().max() > 1e3
    off = copy.deepcopy(loud)
    off.depth.fc.weight.data *= 1.01
    with pytest.raises(RuntimeError, match="differs from the network"):
        check_parity(Deployed(as_stored(off, "int8")), file.read_bytes(), {"crops_rgb": crops}, ("heatmaps", "depth"))


def test_a_checkpoint_without_depth_is_refused(tmp_path):
    checkpoint = Training(tiny_config(), "pretrain-2d").save(tmp_path)
    with pytest.raises(InputError, match="pretrain-3d or adversarial"):
        describe(*load_generator(checkpoint), "test", [])


def test_the_mean_of_networks_says_what_they_say_on_average(exported, tmp_path):
    """Half of each, by hand; and no training starts from it, for it is not one network."""
    first, state = exported[0], {"bone_sum_mm": 4000.0, "history": [], "data": [], "phase": "pretrain-3d"}
    second = copy.deepcopy(first)
    for weight in second.parameters():
        weight.data += 0.05
    told = describe_mean([describe(each, state, "part", []) for each in (first, second)], "both", [])
    export_mean([first, second], told, tmp_path / "both.onnx", "float16")
    for name, each in (("first", first), ("second", second)):
        export_onnx(each, describe(each, state, name, []), tmp_path / f"{name}.onnx", "float16")
    crops = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    both, one, other = (OnnxModel.load(tmp_path / f"{name}.onnx").run(crops) for name in ("both", "first", "second"))
    assert np.abs(one.depth - other.depth).max() > 0.1, "they differ"
    for got, a, b in zip(both[:2], one[:2], other[:2], strict=True):
        assert np.abs(got - (a + b) / 2).max() < 1e-3 * max(1, np.abs(got).max())
    assert told["parameters"] == 2 * sum(p.numel() for p in first.parameters())
    with pytest.raises(InputError, match="weights of one network, got the mean of 2"):
        read_start(tmp_path / "both.onnx")


def test_networks_that_do_not_fit_together_have_no_mean(exported):
    state = {"bone_sum_mm": 4000.0, "history": [], "data": [], "phase": "pretrain-3d"}
    one = describe(exported[0], state, "part", [])
    other = {**one, "input_px": 64}
    with pytest.raises(InputError, match="one input size"):
        describe_mean([one, other], "both", [])
