"""The queue of a table from end to end: killed, gone on with, skipped when done, and what it refuses."""

import json
import signal

import pytest
from fork_server import start
from queue_trial import command, made_sets, reproduce

from wildpose.cli import main

ROWS = ("--rows", "Pretrain", "Baseline", "Full", "--seeds", "2", "--steps", "2")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Table 2 with two rows and two seeds, killed in the first run's checkpoint and in the second's evaluation."""
    folder = tmp_path_factory.mktemp("queue")
    flags = made_sets(folder)
    args = command("table2", folder / "out", *flags, *ROWS)
    codes = []
    for kill_at in (13, 16, 0):
        process = start(reproduce, args, kill_at)
        process.join(300)
        codes.append(process.exitcode)
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    return folder, flags


def reports(out):
    return {
        str(path.parent.relative_to(out)): json.loads(path.read_text())["reports"]
        for path in sorted((out / "runs").rglob("evaluation.json"))
    }


def numbers(report):
    """Its figures; not the protocol, which names the file that was judged."""
    return {name.split()[0]: one["metrics"] for name, one in report.items()}


def test_every_row_and_seed_is_trained_and_judged(killed):
    folder, _ = killed
    found = reports(folder / "out")
    trained = [f"runs/{row}/seed-{seed}" for row in ("baseline", "full") for seed in (0, 1)]
    assert sorted(found) == [*trained, "runs/pretrain/as-it-is"]
    assert all(set(numbers(report)) == {"studio", "outdoor"} for report in found.values())
    errors = {name: numbers(report)["studio"]["mpjpe_p1_mm"] for name, report in found.items()}
    assert len(set(errors.values())) == 5, "seeds and rows differ, and training changes something"


def test_a_killed_queue_ends_as_an_undisturbed_one(killed):
    folder, flags = killed
    rows = ("--rows", "Full", "--seeds", "1", "--steps", "2", "--pretrained", str(folder / "out" / "pretrained"))
    process = start(reproduce, command("table2", folder / "whole", *flags, *rows), 0)
    process.join(300)
    assert process.exitcode == 0
    whole, gone_on = (folder / out / "runs" / "full" / "seed-0" / "evaluation.json" for out in ("whole", "out"))
    assert json.loads(whole.read_text())["sha256"] == json.loads(gone_on.read_text())["sha256"]
    # The same weights, but not always the same last bit of a convolution's output: on an EPYC, oneDNN's 1x1 kernel for
    # 4 channels rounds otherwise in a process that has trained before it judges.
    ours, theirs = (numbers(reports(folder / out)["runs/full/seed-0"]) for out in ("whole", "out"))
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-5)


def test_results_stand_beside_the_papers(killed):
    folder, _ = killed
    text = (folder / "out" / "results.md").read_text()
    assert "| Baseline " in text and "(64.8)" in text and "(59.7)" in text and "-5.1" in text and "±" in text
    assert "6 images, scale rule train-mean" in text and "![Table 2](table2.png)" in text
    assert (folder / "out" / "table2.png").stat().st_size > 5000


def test_done_runs_are_not_touched_and_other_tables_share_them(killed):
    folder, flags = killed
    before = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    process = start(reproduce, command("table4", folder / "out", *flags, *ROWS), 0)
    process.join(300)
    assert process.exitcode == 0
    after = {path: path.stat().st_mtime_ns for path in (folder / "out" / "runs").rglob("*") if path.is_file()}
    assert after == before
    text = (folder / "out" / "results.md").read_text()
    assert "## Table 2" in text and "## Table 4" in text and "(69.0)" in text and "+18.9" in text


def test_a_folder_with_runs_of_other_settings_is_refused(killed, capsys):
    folder, flags = killed
    args = command("table2", folder / "out", *flags, "--rows", "Full", "--seeds", "1", "--steps", "3")
    pretrained = ("--pretrained", str(folder / "out" / "pretrained"))
    with pytest.raises(SystemExit) as stopped:
        main([*args[: args.index("--preset")], *pretrained])
    assert stopped.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "a run of these settings" in error and "give another --out" in error


def test_a_folder_with_runs_of_other_data_is_refused(killed, capsys):
    """Seeds of one row are compared in pairs; half of them on another studio would be no pairs."""
    folder, flags = killed
    note = folder / "out" / "runs" / "full" / "seed-0" / "run.json"
    told = json.loads(note.read_text())
    note.write_text(json.dumps(told | {"data": "of another studio"}))
    args = command("table2", folder / "out", *flags, "--rows", "Full", "--seeds", "1", "--steps", "2")
    with pytest.raises(SystemExit, match="2"):
        main(args)
    assert "data and pretrained weights of that run" in capsys.readouterr().err
    note.write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "either --embedded or --data-root"),
        (("--embedded", "--rows", "Best"), "rows of table2: Pretrain, Baseline"),
        (("--embedded",), "--studio DIR to train on"),
        (("--data-root", "nowhere"), "no human36m, no mpii"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(flags, says, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["reproduce", "table2", "--out", str(tmp_path / "out"), *flags])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
