"""A run survives being cut in two, and writes what it says it writes."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from rendered_batch import tiny_config, tiny_data

from wildpose.config import PHASES
from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.train.checkpoint import read_checkpoint
from wildpose.train.log import read_log
from wildpose.train.loop import run_phase
from wildpose.train.state import Training, learning_rate, update_average


def quiet(_line: str) -> None: ...


def all_tensors(checkpoint):
    return {(file, name): t for file, ts in read_checkpoint(checkpoint)[1].items() for name, t in ts.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    return {phase: run_phase(tiny_config(), phase, tiny_data(), out, notify=quiet) for phase in PHASES}


@pytest.mark.parametrize("phase", PHASES)
def test_two_and_two_steps_equal_four_bit_for_bit(whole, phase, tmp_path):
    before = PHASES.index(phase) - 1
    init = whole[PHASES[before]] if before >= 0 else None
    first = run_phase(tiny_config(), phase, tiny_data(), tmp_path, init, steps=2, notify=quiet)
    assert first.name == "step-000002"
    second = run_phase(tiny_config(), phase, tiny_data(), tmp_path, init, notify=quiet)
    expected, got = all_tensors(whole[phase]), all_tensors(second)
    assert expected.keys() == got.keys()
    for key, value in expected.items():
        assert torch.equal(value, got[key]), key


def test_a_phase_writes_exactly_this(whole):
    folder = whole["adversarial"].parent
    assert {p.name for p in folder.iterdir()} == {
        "config.json",
        "curves.png",
        "log.jsonl",
        "step-000004",
        ".lock",
    }
    assert {p.name for p in whole["adversarial"].iterdir()} == {
        "generator.safetensors",
        "average.safetensors",
        "discriminator.safetensors",
        "optimiser-0.safetensors",
        "optimiser-1.safetensors",
        "state.json",
    }
    state = json.loads((whole["adversarial"] / "state.json").read_text())
    assert [entry["phase"] for entry in state["history"]] == list(PHASES)
    assert state["bone_sum_mm"] == 4000.0


def test_the_log_has_each_step_once_and_its_validations(whole):
    lines = read_log(whole["adversarial"].parent / "log.jsonl")
    assert [line["step"] for line in lines if line["kind"] == "train"] == [1, 2, 3, 4]
    assert [line["step"] for line in lines if line["kind"] == "validation"] == [2, 4]
    assert {"heatmap", "depth", "g_adversarial", "d_real", "d_fake", "score_real", "sign_fake"} <= lines[0].keys()
    assert {"pck", "p1_mm", "p2_mm"} <= next(line for line in lines if line["kind"] == "validation").keys()
    poses = [line for line in lines if line["kind"] == "poses"]
    assert [line["step"] for line in poses] == [2, 4]
    studio = np.array(poses[-1]["studio"])
    assert studio.shape[1:] == (16, 3) and np.all(studio[:, MPII16.index("pelvis")] == 0)


def test_phase_1_leaves_the_depth_module_untouched(whole):
    tensors = read_checkpoint(whole["pretrain-2d"])[1]["generator"]
    assert torch.equal(tensors["depth.fc.weight"], torch.zeros(16, 16))


def test_head_only_steps_keep_the_2d_module(whole, tmp_path):
    first = run_phase(tiny_config(), "pretrain-3d", tiny_data(), tmp_path, whole["pretrain-2d"], steps=1, notify=quiet)
    start, end = read_checkpoint(whole["pretrain-2d"])[1]["average"], read_checkpoint(first)[1]["generator"]
    assert all(torch.equal(value, start[name]) for name, value in end.items() if name.startswith("pose_2d."))
    assert not torch.equal(end["depth.fc.weight"], start["depth.fc.weight"])


def test_other_settings_cannot_resume(whole, tmp_path):
    run = tmp_path / "pretrain-2d"
    shutil.copytree(whole["pretrain-2d"].parent, run)
    with pytest.raises(InputError, match="settings"):
        run_phase(tiny_config(seed=1), "pretrain-2d", tiny_data(), tmp_path, notify=quiet)


def test_other_data_cannot_resume(tmp_path):
    """Batch k would be another one, and the weights would say that they learnt from what they began with."""
    data = dataclasses.replace(tiny_data(), digest="these")
    run_phase(tiny_config(), "pretrain-2d", data, tmp_path, steps=2, notify=quiet)
    with pytest.raises(InputError, match=r"the data of the run that stopped at step 2, got other sets"):
        run_phase(tiny_config(), "pretrain-2d", dataclasses.replace(data, digest="those"), tmp_path, notify=quiet)
    run_phase(tiny_config(), "pretrain-2d", data, tmp_path, notify=quiet)
    start = tmp_path / "pretrain-2d" / "step-000004"
    other = dataclasses.replace(data, digest="those")  # but another phase or run may learn from others
    assert run_phase(tiny_config(), "pretrain-3d", other, tmp_path / "on", start, steps=1, notify=quiet).is_dir()


def test_after_a_loss_that_is_not_finite_its_message_is_the_way_on(whole, tmp_path):
    """Another folder, the last checkpoint of the same phase as --init, a lower learning rate."""
    slower = dataclasses.replace(tiny_config().pretrain_3d, lr=1e-4)
    config = tiny_config(pretrain_3d=slower)
    last = run_phase(config, "pretrain-3d", tiny_data(), tmp_path, whole["pretrain-3d"], steps=1, notify=quiet)
    begun, ended = (read_checkpoint(path)[1] for path in (whole["pretrain-3d"], last))
    begun, ended = begun["average"], ended["generator"]
    assert last.name == "step-000001" and begun["depth.fc.weight"].abs().max() > 2e-4, "it has learnt something"
    assert torch.allclose(begun["depth.fc.weight"], ended["depth.fc.weight"], atol=1.5e-4), "a step away, not from zero"
    frozen = [name for name in begun if name.startswith("pose_2d.")]
    assert frozen and all(torch.equal(begun[name], ended[name]) for name in frozen)


def test_a_later_phase_asks_for_the_one_before(tmp_path):
    with pytest.raises(InputError, match="wildpose train pretrain-2d"):
        run_phase(tiny_config(), "pretrain-3d", tiny_data(), tmp_path, notify=quiet)


def test_learning_rate_warms_up_and_comes_down():
    settings = tiny_config().pretrain_2d  # 4 steps, 2 of warm-up, peak 1e-3
    rates = [learning_rate(settings, "cosine", k) for k in range(5)]
    assert rates[0] == pytest.approx(0.5e-3)
    assert rates[2] == pytest.approx(0.5e-3)  # half-way down the cosine
    assert rates[4] == pytest.approx(0.0, abs=1e-12)
    assert learning_rate(settings, "constant", 3) == 1e-3


def test_average_by_hand():
    run = Training(tiny_config(), "pretrain-2d")
    a, b = run.average.depth.fc.bias, run.generator.depth.fc.bias
    with torch.no_grad():
        a.fill_(0.0)
        b.fill_(1.0)
    update_average(run.average, run.generator, 0.9, 1000)
    assert a[0].item() == pytest.approx(0.1)
    update_average(run.average, run.generator, 0.9, 10)  # early: keeps 10 / 20
    assert a[0].item() == pytest.approx(0.55)
