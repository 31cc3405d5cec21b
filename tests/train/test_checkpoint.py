"""Checkpoints appear whole, say when they are damaged, and hold everything."""

import json
import resource

import pytest
import torch
from rendered_batch import tiny_config

from wildpose.errors import InputError
from wildpose.train.checkpoint import checkpoints, latest_checkpoint, read_checkpoint, save_checkpoint, tidy
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


def test_numbers_that_are_no_ages_remove_nothing(tmp_path):
    """Rounds of a refiner, steps of a mean: the smaller number may be the newer result."""
    for step in (15, 20, 5):
        path = save_checkpoint(tmp_path, {"generator": torch.nn.Linear(1, 1)}, [], {"step": step}, keep=None)
        assert path.is_dir()
    assert [p.name for p in checkpoints(tmp_path)] == ["step-000005", "step-000015", "step-000020"]


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


def test_a_changed_state_is_told(run):
    path = run / "step-000030" / "state.json"
    path.write_text(path.read_text().replace('"step": 30', '"step": 31'))
    with pytest.raises(InputError, match="was changed"):
        read_checkpoint(run / "step-000030")


def test_a_checkpoint_of_the_first_version_is_read(run):
    """Before state_sha256 and the log's sums were added."""
    path = run / "step-000030" / "state.json"
    state = json.loads(path.read_text())
    del state["state_sha256"], state["log"]
    path.write_text(json.dumps(state, indent=1))
    training = Training(tiny_config(), "pretrain-2d")
    training.resume(run / "step-000030")
    assert training.step == 30 and training.means.steps == 0


def cut_latest(run):
    file = run / "step-000030" / "generator.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def test_a_damaged_latest_is_put_aside_with_a_warning_and_the_one_before_is_used(run):
    cut_latest(run)
    (run / ".draft-123").mkdir()
    said = []
    tidy(run, said.append)
    assert latest_checkpoint(run).name == "step-000020"
    assert {p.name for p in run.iterdir()} == {"step-000020", "damaged-step-000030"}
    assert "step-000030/generator.safetensors with sha256" in said[0] and "put aside" in said[1]


def test_a_latest_without_its_state_is_damaged_not_overlooked(run):
    (run / "step-000030" / "state.json").unlink()
    said = []
    tidy(run, said.append)
    assert {p.name for p in run.iterdir()} == {"step-000020", "damaged-step-000030"}
    assert "checkpoint folder at" in said[0] and "put aside" in said[1]


def test_a_kill_while_an_old_one_is_removed_leaves_a_draft_that_goes(run, monkeypatch):
    class Killed(BaseException): ...

    def killed(path, **_):
        if any(path.iterdir()) if path.is_dir() else False:  # the old one; its files are still there
            raise Killed

    training = Training(tiny_config(), "pretrain-2d")
    training.step = 40
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("wildpose.train.checkpoint.shutil.rmtree", killed)
        training.save(run)
    assert [p.name for p in checkpoints(run)] == ["step-000030", "step-000040"]
    said = []
    tidy(run, said.append)
    assert said == [] and {p.name for p in run.iterdir()} == {"step-000030", "step-000040"}


def test_where_all_are_damaged_nothing_is_touched(run):
    cut_latest(run)
    (run / "step-000020" / "average.safetensors").unlink()
    with pytest.raises(InputError, match="damaged ones only"):
        tidy(run, lambda _line: None)
    assert {p.name for p in run.iterdir()} == {"step-000020", "step-000030"}


def test_a_sound_run_is_left_alone_without_a_word(run):
    said = []
    tidy(run, said.append)
    assert said == [] and latest_checkpoint(run).name == "step-000030"


def test_steps_are_ordered_as_numbers(tmp_path):
    training = Training(tiny_config(), "pretrain-2d")
    for step in (999_999, 1_000_000):
        training.step = step
        training.save(tmp_path)
    assert latest_checkpoint(tmp_path).name == "step-1000000"


def test_a_full_disk_leaves_the_old_ones_and_no_draft(run):
    """The system refuses to write past 20 kB of a file, as it would refuse on a full disk: half of it is written."""
    training = Training(tiny_config(), "pretrain-2d")
    training.step = 40
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            training.save(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {p.name for p in run.iterdir()} == {"step-000020", "step-000030"}
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
