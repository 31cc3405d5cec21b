"""The mean of two trainings: weights by hand, what it remembers, and what has no mean."""

from dataclasses import replace

import pytest
import torch
from rendered_batch import MODEL, tiny_config, tiny_data

from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.export import load_generator
from wildpose.train.loop import run_phase
from wildpose.train.merge import common_start, merge
from wildpose.train.refine import RefineSettings, refine
from wildpose.train.start import read_start


def quiet(_line: str) -> None: ...


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network after phases 1 and 2, and two that went on from it with seeds of their own."""
    root = tmp_path_factory.mktemp("merge")
    run_phase(tiny_config(), "pretrain-2d", tiny_data(), root / "start", notify=quiet)
    start = run_phase(tiny_config(), "pretrain-3d", tiny_data(), root / "start", notify=quiet)
    parts = [
        run_phase(tiny_config(seed=seed), "pretrain-3d", tiny_data(), root / str(seed), start, notify=quiet)
        for seed in (1, 2)
    ]
    return start, parts


def test_weights_and_batch_statistics_are_the_means(trained, tmp_path):
    _, parts = trained
    ends = [read_start(part).weights for part in parts]
    assert not torch.equal(ends[0]["pose_2d.stem.0.weight"], ends[1]["pose_2d.stem.0.weight"])
    main(["merge", *map(str, parts), "--out", str(tmp_path)])
    merged = read_start(tmp_path / "merge" / "step-000004").weights
    assert merged.keys() == ends[0].keys()
    for name, weight in merged.items():
        if weight.is_floating_point():
            torch.testing.assert_close(weight, (ends[0][name] + ends[1][name]) / 2)
    assert any("running_var" in name for name in merged)


def test_merged_with_itself_a_network_stays_as_it_is(trained, tmp_path):
    _, parts = trained
    merged = read_start(merge([parts[0], parts[0]], tmp_path)).weights
    assert all(torch.equal(merged[name], weight) for name, weight in read_start(parts[0]).weights.items())


def test_it_remembers_what_they_had_in_common_and_where_they_parted(trained, tmp_path):
    start, parts = trained
    state = load_generator(merge(parts, tmp_path))[1]
    before = read_start(start).origin["history"]
    assert state["history"][: len(before)] == before
    own = {"phase": "pretrain-3d", "steps": 4, "batch": 8}
    branches = state["history"][len(before) :]
    runs = [branch.pop("run") for branch in branches]
    assert branches == [{**own, "branch": 1}, {**own, "branch": 2}] and len(set(runs)) == 2
    with_its_start = load_generator(merge([*parts, start], tmp_path / "three"))[1]["history"]
    assert [step.get("branch") for step in with_its_start] == [*[None] * len(before), 1, 2], (
        "it has no branch of its own"
    )
    assert state["bone_sum_mm"] == 4000.0


def test_the_last_step_alike_is_not_a_past_but_two_trainings():
    """Trained equally long from one start, their last entries are equal, too; they are no common past."""
    a, b, c = ({"phase": name, "steps": 1, "batch": 2} for name in ("pretrain-2d", "pretrain-3d", "adversarial"))
    assert common_start([[a, b], [a, b]]) == [a]
    assert common_start([[a, b, c], [a, b]]) == [a]
    assert common_start([[a, b], [a, c]]) == [a]
    assert common_start([[a], [a]]) == [] and common_start([[b, a], [c, a]]) == []
    one = b | {"run": "one"}
    assert common_start([[a, one], [a, one]]) == [a, one] and common_start([[a, one], [a, b | {"run": "two"}]]) == [a]


def test_it_goes_on_from_there(trained, tmp_path):
    _, parts = trained
    merged = merge(parts, tmp_path)
    with pytest.raises(InputError, match=r"nothing in the way of the mean.*step 4; give another --out"):
        merge(parts, tmp_path)
    refined = refine(
        merged,
        tiny_data(),
        tmp_path,
        RefineSettings(width=16, places_width=8, views=2, crops=96, rounds=1, batch=32),
        quiet,
    )
    assert [step["phase"] for step in read_start(refined).origin["history"]][-1] == "refine"
    on = run_phase(tiny_config(seed=3), "pretrain-3d", tiny_data(), tmp_path / "on", merged, notify=quiet)
    assert len(read_start(on).origin["history"]) == len(read_start(merged).origin["history"]) + 1
    with pytest.raises(InputError, match=r"networks without a refiner.*merge first, then refine"):
        merge([refined, refined], tmp_path / "again")


def test_what_has_no_mean_is_refused(trained, tmp_path, capsys):
    start, parts = trained
    with pytest.raises(SystemExit, match="2"):
        main(["merge", str(parts[0]), "--out", str(tmp_path)])
    assert "two checkpoints or more to merge, got 1" in capsys.readouterr().err
    wider = tiny_config(model=replace(MODEL, features=32))
    other = run_phase(wider, "pretrain-2d", tiny_data(), tmp_path / "wider", notify=quiet)
    with pytest.raises(InputError, match=r"features=16.*features=32"):
        merge([parts[0], other], tmp_path)
    first = run_phase(tiny_config(seed=9), "pretrain-2d", tiny_data(), tmp_path / "first", notify=quiet)
    with pytest.raises(InputError, match=r"pretrain-3d or adversarial.*pretrain-2d"):
        merge([parts[0], first], tmp_path)
    for phase in ("pretrain-2d", "pretrain-3d"):  # the same settings all through, but from other random weights
        strange = run_phase(tiny_config(seed=9), phase, tiny_data(), tmp_path / "strange", notify=quiet)
    with pytest.raises(InputError, match="a past in common"):
        merge([parts[0], strange], tmp_path)
    assert not (tmp_path / "merge").exists() and start.exists()
