"""N processes take the step of one with the joined batch; they stop together; every sample is evaluated once."""

import json
import os
import re
import signal

import pytest
import torch
from fork_server import codes, start, start_gang
from gang import run, sgd_config, take_steps, wait_for_a_slow_leader
from rendered_batch import tiny_config, tiny_data

from wildpose.data.batches import Share
from wildpose.errors import InputError
from wildpose.train import steps
from wildpose.train.checkpoint import checkpoints, read_checkpoint
from wildpose.train.log import read_log
from wildpose.train.loop import run_phase
from wildpose.train.state import Training
from wildpose.train.workers import ALONE, JoinedNorm, Workers

TOLERANCE = 5e-5
"""Distance between two ends in units of the way to them, over all parameters: sums are rounded in another order, which
measures 6e-6 here, with 2 and with 4 processes."""


def end(folder) -> dict[str, torch.Tensor]:
    [last] = checkpoints(folder)
    tensors = read_checkpoint(last)[1]
    return {
        f"{file}.{name}": t.double() for file in ("generator", "discriminator") for name, t in tensors[file].items()
    }


def start_of(phase: str) -> dict[str, torch.Tensor]:
    training = Training(sgd_config(), phase)
    torch.nn.init.normal_(training.generator.depth.fc.weight, 0, 0.1, torch.Generator().manual_seed(0))
    networks = {"generator": training.generator, "discriminator": training.discriminator}
    return {f"{n}.{name}": t.double() for n, net in networks.items() for name, t in net.state_dict().items()}


def assert_same_end(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], begin: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys() == begin.keys()
    for kind in (r"generator.*(weight|bias)", r"generator.*running", r"discriminator"):
        names = [name for name in a if re.match(kind, name)]
        if not names:
            continue
        off, way = (sum(float(((x[n] - a[n]) ** 2).sum()) for n in names) ** 0.5 for x in (b, begin))
        assert way > 0.001 and off < TOLERANCE * way, kind


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    assert codes([start(take_steps, folder, "adversarial")]) == [0]
    return folder


@pytest.mark.parametrize("count", [2, 4])
def test_processes_end_where_one_with_the_joined_batch_ends(count, alone, tmp_path):
    """Labels are shared out unevenly, fakes are drawn across shares, batch statistics are joined, sets don't divide."""
    assert codes(start_gang(count, take_steps, tmp_path, "adversarial")) == [0] * count
    assert_same_end(end(alone), end(tmp_path), start_of("adversarial"))
    expected, got = (json.loads((folder / "values.json").read_text()) for folder in (alone, tmp_path))
    for a, b in zip(expected, got, strict=True):
        assert b == pytest.approx(a, rel=1e-3, abs=1e-6)


def test_processes_agree_where_predictions_are_the_true_side(tmp_path):
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        assert (
            codes(start_gang(count, take_steps, tmp_path / str(count), "adversarial", 3, 1, "predictions"))
            == [0] * count
        )
    assert_same_end(end(tmp_path / "1"), end(tmp_path / "2"), start_of("adversarial"))


@pytest.mark.parametrize("true_side", ["truth", "predictions"])
def test_portions_add_up_to_the_whole_batch(true_side, monkeypatch, tmp_path):
    """Batch statistics are a portion's own, so they are left out: the generator stays as in evaluation."""
    monkeypatch.setattr(steps, "wake_generator", lambda generator, *_: generator.eval().requires_grad_(True))
    for accumulate in (1, 4):
        (tmp_path / str(accumulate)).mkdir()
        take_steps(tmp_path / str(accumulate), "adversarial", 2, accumulate, true_side)
    whole, parts = end(tmp_path / "1"), end(tmp_path / "4")
    begin = {name: value for name, value in start_of("adversarial").items() if "running" not in name}
    assert_same_end(*({name: x[name] for name in begin} for x in (whole, parts)), begin)


def test_a_rehearsal_leaves_no_graph_and_no_statistics():
    training = Training(tiny_config(), "adversarial")
    training.generator.train().requires_grad_(True)
    before = {k: v.clone() for k, v in training.generator.state_dict().items() if "running" in k}
    crops = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    with steps.rehearsal(training.generator, True):
        assert not training.generator(crops).heatmaps.requires_grad
    after = training.generator.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert training.generator(crops).heatmaps.requires_grad
    assert any(not torch.equal(value, after[name]) for name, value in before.items())


def test_joined_norm_is_batch_norm_where_there_is_one_process():
    torch.manual_seed(0)
    theirs = torch.nn.BatchNorm2d(3)
    torch.nn.init.normal_(theirs.weight)
    ours = JoinedNorm(theirs, ALONE)
    ours.running_mean, ours.running_var = theirs.running_mean.clone(), theirs.running_var.clone()
    x = torch.randn(4, 3, 5, 6) * 3 + 1
    wanted = torch.randn(4, 3, 5, 6)
    results = []
    for norm in (theirs, ours):
        y = x.clone().requires_grad_(True)
        out = norm(y)
        gradients = torch.autograd.grad((out * wanted).sum(), (y, norm.weight, norm.bias))
        results.append((out, *gradients, norm.running_mean, norm.running_var))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert torch.equal(ours.eval()(x), torch.nn.functional.batch_norm(
        x, ours.running_mean, ours.running_var, ours.weight, ours.bias, eps=ours.eps
    ))  # fmt: skip


def test_one_process_killed_stops_the_others_and_the_run_goes_on_with_one(tmp_path):
    assert codes(start_gang(2, run, tmp_path, 1, signal.SIGKILL, 2)) == [2, -signal.SIGKILL]
    error = (tmp_path / "error-0.txt").read_text()
    assert "all 2 processes of the run" in error and "goes on from the last checkpoint" in error
    folder = tmp_path / "pretrain-2d"
    assert checkpoints(folder)[-1].name == "step-000002"
    said = []
    config = tiny_config(checkpoint_every_s=0.0)
    assert run_phase(config, "pretrain-2d", tiny_data(), tmp_path, notify=said.append).name == "step-000004"
    assert "goes on from" in said[0]
    assert [line["step"] for line in read_log(folder / "log.jsonl") if line["kind"] == "train"] == [1, 2, 3, 4]


def test_a_signal_to_one_process_stops_all_after_the_same_step(tmp_path):
    assert codes(start_gang(2, run, tmp_path, 1, signal.SIGTERM, 1)) == [128 + signal.SIGTERM] * 2
    assert [(tmp_path / f"stopped-{rank}.txt").read_text() for rank in (0, 1)] == ["step-000002"] * 2
    assert [p.name for p in checkpoints(tmp_path / "pretrain-2d")] == ["step-000002"]


@pytest.mark.slow
def test_the_others_wait_while_the_leader_judges_but_not_in_a_step(tmp_path):
    assert codes(start_gang(2, wait_for_a_slow_leader, tmp_path, True)) == [0, 0]
    assert codes(start_gang(2, wait_for_a_slow_leader, tmp_path, False))[1] == 2


def test_shares_cover_a_batch_once():
    rows = [Share(i, 3).rows_of_batch(12, 6).tolist() for i in range(3)]
    assert rows == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]
    assert [list(Share(i, 2).rows(5)) for i in range(2)] == [[0, 1], [2, 3, 4]]


@pytest.mark.parametrize(("workers", "accumulate"), [(3, 1), (2, 3), (1, 0)])
def test_a_batch_that_cannot_be_shared_is_refused(workers, accumulate):
    with pytest.raises(InputError, match=r"equal shares"):
        Training(tiny_config(), "adversarial", Workers(count=workers), accumulate)


def test_no_torchrun_no_group():
    assert "WORLD_SIZE" not in os.environ and ALONE.leads and ALONE.sum(torch.ones(2)).tolist() == [1, 1]
