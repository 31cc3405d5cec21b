"""Training goes on from a weights file as from the checkpoint it was exported from."""

import dataclasses

import pytest
import torch
from rendered_batch import MODEL, tiny_config

from wildpose.errors import InputError
from wildpose.export import describe, export_onnx, load_generator
from wildpose.stored import rounded
from wildpose.train.start import read_start
from wildpose.train.state import Training


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint whose norms have seen something, and its weights file."""
    folder = tmp_path_factory.mktemp("start")
    training = Training(tiny_config(), "pretrain-3d")
    crops = torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    training.average.train()(crops)
    training.origin |= {"bone_sum_mm": 4000.0, "history": [{"phase": "pretrain-3d", "steps": 0, "batch": 4}]}
    training.origin["data"] = [{"name": "made up", "terms": "none", "samples": 8}]
    checkpoint = training.save(folder)
    generator, state = load_generator(checkpoint)
    export_onnx(generator, describe(generator, state, "test", []), folder / "weights.onnx")
    return checkpoint, folder / "weights.onnx"


def test_a_weights_file_holds_every_parameter_of_its_checkpoint(trained):
    of_checkpoint, of_file = (read_start(source) for source in trained)
    assert (of_file.model, of_file.phase, of_file.origin) == (of_checkpoint.model, "pretrain-3d", of_checkpoint.origin)
    counted = {name for name in of_checkpoint.weights if not name.endswith("num_batches_tracked")}
    assert of_file.weights.keys() == counted
    for name in counted:
        kept = torch.from_numpy(rounded(of_checkpoint.weights[name].numpy(), "int8"))
        torch.testing.assert_close(of_file.weights[name], kept, rtol=1e-6, atol=1e-9)


def test_training_starts_alike_from_both(trained):
    first, second = (Training(tiny_config(seed=3), "pretrain-3d") for _ in trained)
    first.start_from(trained[0])
    for weight in (*first.generator.parameters(), *first.average.parameters()):
        weight.data = torch.from_numpy(rounded(weight.detach().numpy(), "int8"))  # as in the file
    second.start_from(trained[1])
    crops = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for network in ("generator", "average"):
            a, b = (getattr(training, network).train()(crops) for training in (first, second))
            torch.testing.assert_close((a.heatmaps, a.depth), (b.heatmaps, b.depth), rtol=0.0, atol=1e-2)
    assert second.origin["history"] == [{"phase": "pretrain-3d", "steps": 0, "batch": 4}]


def test_training_may_go_on_at_another_input_size(trained):
    larger = Training(tiny_config(model=dataclasses.replace(MODEL, input_px=64)), "pretrain-3d")
    larger.start_from(trained[1])
    first = Training(tiny_config(), "pretrain-3d")
    first.start_from(trained[1])
    for name, weight in first.generator.state_dict().items():
        assert torch.equal(weight, larger.generator.state_dict()[name]), name


def test_a_refiner_of_another_width_is_begun_anew(tmp_path):
    """What a narrower one learnt doesn't fit; what the network learnt does."""
    small, large = (dataclasses.replace(MODEL, refiner_width=width) for width in (8, 16))
    first = Training(tiny_config(model=small), "pretrain-3d")
    first.origin |= {"history": [{"phase": "pretrain-3d", "steps": 0, "batch": 4}], "data": []}
    second = Training(tiny_config(model=large), "pretrain-3d")
    second.start_from(first.save(tmp_path))
    assert torch.equal(second.generator.pose_2d.stem[0].weight, first.average.pose_2d.stem[0].weight)
    assert second.generator.refiner.net[0].out_features == 16


@pytest.mark.parametrize("more", [1, 2])
def test_a_network_with_more_stacks_says_the_same_at_first_and_learns_in_the_new_ones(trained, more):
    stacks = MODEL.stacks + more
    grown = Training(tiny_config(model=dataclasses.replace(MODEL, stacks=stacks)), "pretrain-3d")
    grown.start_from(trained[0])
    first = Training(tiny_config(), "pretrain-3d")
    first.start_from(trained[0])
    crops = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    before, after = first.average.eval()(crops), grown.average.eval()(crops)
    assert after.heatmaps.shape[1] == stacks
    assert torch.equal(after.depth, before.depth)
    for stack in range(MODEL.stacks - 1, stacks):
        assert torch.equal(after.heatmaps[:, stack], before.heatmaps[:, -1])
    new = grown.average.pose_2d.stacks[-2].requires_grad_(True)
    grown.average(crops).heatmaps[:, -1].square().sum().backward()
    assert all(merge.weight.grad.abs().sum() > 0 for merge in (new.merge_features, new.merge_heatmaps))


def test_a_start_that_can_not_be_is_refused(trained, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(trained[1].read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.onnx"):
        read_start(cut)
    changed = tmp_path / "changed.onnx"
    changed.write_bytes(trained[1].read_bytes().replace(b"made up", b"made-up"))
    with pytest.raises(InputError, match="altered"):
        read_start(changed)
    with pytest.raises(InputError, match="no such file"):
        read_start(tmp_path / "none.onnx")
    with pytest.raises(InputError, match=rf"features 32.*--set model\.features={MODEL.features}"):
        Training(tiny_config(model=dataclasses.replace(MODEL, features=32)), "pretrain-3d").start_from(trained[1])
    larger = Training(tiny_config(model=dataclasses.replace(MODEL, stacks=MODEL.stacks + 1)), "pretrain-3d")
    with pytest.raises(InputError, match=rf"--set model\.stacks={MODEL.stacks + 1}"):
        Training(tiny_config(), "pretrain-3d").start_from(larger.save(tmp_path))
