"""Checkpoints appear whole, say when they are damaged, and hold everything."""

import json

import pytest
import torch
from rendered_batch import tiny_config

from wildpose.errors import InputError
from wildpose.train.checkpoint import checkpoints, latest_checkpoint, read_checkpoint, save_checkpoint
from wildpose.train.loop import Training


@pytest.fixture
def run(tmp_path):
    training = Training(tiny_config(), "pretrain-2d")
    for step in (10, 20, 30):
        training.step = step
        training.save(tmp_path)
    return tmp_path


def test_the_last_two_are_kept_and_the_last_is_latest(run):
    assert [p.name for p in checkpoints(run)] == ["step-000020", "step-000030"]
    assert latest_checkpoint(run).name == "step-000030"


@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_damage_is_told(run, damage):
    file = run / "step-000030" / "average.safetensors"
    data = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        data[-5] ^= 1
        file.write_bytes(data)
    else:
        file.unlink()
    with pytest.raises(InputError, match=r"average\.safetensors with sha256"):
        read_checkpoint(run / "step-000030")


def test_a_folder_that_is_no_checkpoint_is_told(tmp_path):
    with pytest.raises(InputError, match="checkpoint folder"):
        read_checkpoint(tmp_path)


def test_a_failed_write_leaves_the_old_ones(run, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wildpose.train.checkpoint._write", full)
    training = Training(tiny_config(), "pretrain-2d")
    training.step = 40
    with pytest.raises(OSError, match="space"):
        training.save(run)
    assert latest_checkpoint(run).name == "step-000030"
    read_checkpoint(run / "step-000030")


def test_optimiser_state_round_trips(tmp_path):
    parameter = torch.nn.Parameter(torch.ones(3))
    module = torch.nn.ParameterList([parameter])
    optimiser = torch.optim.AdamW([parameter], 0.1)
    parameter.sum().backward()
    optimiser.step()
    path = save_checkpoint(tmp_path, {"module": module}, [optimiser], {"step": 1})
    state, tensors = read_checkpoint(path)
    assert state["step"] == 1
    assert torch.equal(tensors["optimiser-0"]["0/exp_avg"], optimiser.state[parameter]["exp_avg"])
    assert json.loads((path / "state.json").read_text())["sha256"].keys() == {
        "module.safetensors",
        "optimiser-0.safetensors",
    }
