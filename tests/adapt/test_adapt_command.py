"""`wildpose adapt` from photos and labels to weights and report, on rendered people and a tiny network."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from made_photos import coco_labels, write_labels, write_photos
from rendered_batch import MODEL, tiny_config

from wildpose.adapt import run
from wildpose.adapt.judge import NOT_JUDGED
from wildpose.cli import main
from wildpose.data.studio import StudioSet
from wildpose.export import describe, export_onnx, load_generator
from wildpose.predict.onnx_model import OnnxModel
from wildpose.studio.generate import generate
from wildpose.train.checkpoint import latest_checkpoint, read_checkpoint
from wildpose.train.start import read_start
from wildpose.train.state import Training

PHOTOS = 14
PATIENCE_S = 600
"""For a process to come to its first checkpoint, on a machine that does other work."""
SHORT = ["--steps", "4", "--set", "batch=8", "adversarial.batch_3d=4", "validate_every=4", "log_every=1"]

STUCK = """
import sys, time
from pathlib import Path
from wildpose.adapt import run
from wildpose.cli import main
from wildpose.predict import people
from wildpose.train import loop
people.MIN_SURENESS = 0.0
step = loop.advance
def advance(training, batch):
    values = step(training, batch)
    if training.step == 2:
        training.save(Path(sys.argv[1]))
        time.sleep(600)
    return values
loop.advance = advance
main(sys.argv[2:])
"""
"""The command, which never gets beyond a checkpoint after its second step."""


@pytest.fixture(autouse=True, scope="module")
def whoever_is_found():
    """A network that knows nothing agrees with no box of the detector; here they all count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wildpose.predict.people.MIN_SURENESS", 0.0)
        yield


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """A folder with photos/, labels.json, more/ (unlabelled), outdoor/, studio/ and start.onnx."""
    root = tmp_path_factory.mktemp("adapt")
    outdoor = StudioSet(generate("outdoor", root / "outdoor", PHOTOS + 4, seed=3, size_px=96, progress=False))
    rows = np.arange(len(outdoor))
    write_photos(outdoor, rows[:PHOTOS], root / "photos")
    write_photos(outdoor, rows[PHOTOS:], root / "more")
    write_photos(outdoor, rows[:2], root / "more")  # labelled ones among them must be left out
    write_labels(outdoor, rows[:PHOTOS], root / "labels.json")
    generate("studio", root / "studio", 16, seed=3, size_px=96, progress=False)
    training = Training(tiny_config(), "pretrain-3d")
    training.origin |= {"bone_sum_mm": 4000.0, "history": [{"phase": "pretrain-3d", "steps": 9, "batch": 4}]}
    training.origin["data"] = [{"name": "made up", "terms": "none", "samples": 8}]
    generator, state = load_generator(training.save(root / "start"))
    export_onnx(generator, describe(generator, state, "start", []), root / "start.onnx")
    return root


def command(given: Path, out: Path, *more: str) -> list[str]:
    return [
        *("adapt", str(given / "photos"), "--labels", str(given / "labels.json"), "--out", str(out)),
        *("--weights", str(given / "start.onnx"), "--outdoor", str(given / "outdoor")),
        *("--studio", str(given / "studio"), *SHORT, *more),
    ]


@pytest.fixture(scope="module")
def whole(given, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "mine.onnx"
    main(command(given, out, "--unlabelled", str(given / "more")))
    return out


@pytest.mark.slow
def test_from_photos_to_weights_and_report(given, whole):
    folder = whole.with_suffix(".adapt")
    assert {p.name for p in folder.iterdir()} == {"run.json", "adversarial", "report.json", "before-after.jpg"}
    model = OnnxModel.load(whole)
    told = model.info.metadata
    assert told["name"] == "mine" and model.info.bone_sum_mm == 4000.0, "the scale of the weights it started from"
    assert [entry["phase"] for entry in told["history"]] == ["pretrain-3d", "adversarial"]
    sizes = {entry["name"]: entry["samples"] for entry in told["training_data"]}
    assert sizes["own photos, 2D labels"] == PHOTOS - 3, "a fifth is held out"
    assert sizes["outdoor train, 3D labels"] == PHOTOS + 4 and sizes["studio train"] > 0
    assert 1 <= sizes["own photos, no labels"] <= 4 * 4, "those that are labelled as well are not among them"
    report = json.loads((folder / "report.json").read_text())
    assert report["protocol"]["verdict"] in ("better", "no clear difference", "worse")
    assert report["protocol"]["held_out"] == "3 photos, 3 people, boxes of the labels"
    for when in ("before", "after"):
        for name in ("pck_torso_0.2", "error_percent_of_torso", "limb_asymmetry_percent", "knees_wrong_percent"):
            assert np.isfinite(report["metrics"][f"{when}/{name}"])
    assert told["metrics"][0]["metrics"] == report["metrics"]
    height, width = cv2.imread(str(folder / "before-after.jpg")).shape[:2]
    assert height > 300 and width > 800


@pytest.mark.slow
def test_a_refiner_learns_the_errors_of_the_adapted_network(given, tmp_path, monkeypatch):
    config = tiny_config(model=replace(MODEL, refiner_width=16, refiner_places_width=8))
    training = Training(config, "pretrain-3d")
    training.origin |= {"bone_sum_mm": 4000.0, "history": [{"phase": "pretrain-3d", "steps": 9, "batch": 4}]}
    training.origin["data"] = [{"name": "made up", "terms": "none", "samples": 8}]
    torch.nn.init.normal_(training.average.refiner.net[-1].weight, 0, 0.01)  # it corrects something already
    generator, state = load_generator(training.save(tmp_path / "start"))
    export_onnx(generator, describe(generator, state, "start", []), tmp_path / "start.onnx")
    monkeypatch.setattr(run, "REFINING", replace(run.REFINING, crops=96, batch=32, rounds=1, lr=1e-5))
    out = tmp_path / "mine.onnx"
    main(command(given, out, "--weights", str(tmp_path / "start.onnx")))
    folder = out.with_suffix(".adapt")
    before, trained, after = (
        read_start(path).weights
        for path in (tmp_path / "start.onnx", latest_checkpoint(folder / "adversarial"), folder / "refine/step-000001")
    )
    own = "refiner.net.0.weight"
    assert torch.equal(trained[own], before[own]), "while the network learns it stays"
    torch.testing.assert_close(after[own], before[own], rtol=0, atol=1e-4)  # from there, not from random weights
    assert not torch.equal(after[own], before[own])
    assert all(torch.equal(after[name], trained[name]) for name in trained if not name.startswith("refiner."))
    assert [entry["phase"] for entry in OnnxModel.load(out).info.metadata["history"]][-1] == "refine"


@pytest.mark.slow
def test_without_labels_it_learns_from_the_discriminator_alone_and_judges_nothing(given, tmp_path, capsys):
    args = command(given, tmp_path / "mine.onnx")
    at = args.index("--labels")
    del args[at : at + 2]
    main(args)
    folder, told = tmp_path / "mine.adapt", capsys.readouterr()
    own = [e for e in OnnxModel.load(tmp_path / "mine.onnx").info.metadata["training_data"] if "own" in e["name"]]
    assert [entry["name"] for entry in own] == ["own photos, no labels"] and own[0]["samples"] > 0
    assert f"{own[0]['samples']} unlabelled people to learn from" in told.err
    steps = [json.loads(line) for line in (folder / "adversarial" / "log.jsonl").read_text().splitlines()]
    assert all(step["g_adversarial"] > 0 for step in steps if step["kind"] == "train")
    report = json.loads((folder / "report.json").read_text())
    assert report["protocol"]["verdict"] == NOT_JUDGED and "without labels nobody can tell" in told.out
    assert "after/pck_torso_0.2" not in report["metrics"] and report["metrics"]["after/mirror_percent_of_box"] > 0
    assert np.isfinite(report["metrics"]["after/studio_p2_mm"]), "what it costs where there is truth is still said"
    assert (folder / "before-after.jpg").is_file()
    before = (tmp_path / "mine.onnx").read_bytes()
    main(args)
    assert (tmp_path / "mine.onnx").read_bytes() == before


@pytest.mark.slow
def test_without_rendered_sets_one_is_rendered(given, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "RENDERED_IMAGES", 4)
    out = tmp_path / "mine.onnx"
    args = command(given, out)
    for option in ("--outdoor", "--studio"):
        at = args.index(option)
        del args[at : at + 2]
    main(args)
    sizes = {entry["name"]: entry["samples"] for entry in OnnxModel.load(out).info.metadata["training_data"]}
    assert sizes["outdoor train, 3D labels"] == 4 and "studio train" not in sizes
    report = json.loads((out.with_suffix(".adapt") / "report.json").read_text())
    assert "after/studio_p2_mm" not in report["metrics"], "nobody of the studio was there to be held out"


@pytest.mark.slow
def test_the_same_command_again_changes_nothing_and_other_photos_are_refused(given, whole, tmp_path, capsys):
    before = whole.read_bytes()
    main(command(given, whole, "--unlabelled", str(given / "more")))
    assert whole.read_bytes() == before
    with pytest.raises(SystemExit) as stopped:
        main(command(given, whole))
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and "a run of the same photos and labels" in error.splitlines()[-1]


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(given, whole, tmp_path):
    """kill -9 after the first checkpoint; the end equals that of the undisturbed run."""
    out = tmp_path / "mine.onnx"
    args = command(given, out, "--unlabelled", str(given / "more"))
    stuck = [sys.executable, "-c", STUCK, str(out.with_suffix(".adapt") / "adversarial"), *args]
    process = subprocess.Popen(stuck, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    folder, waited = out.with_suffix(".adapt") / "adversarial", time.monotonic()
    while latest_checkpoint(folder) is None and process.poll() is None and time.monotonic() - waited < PATIENCE_S:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    reached, said = latest_checkpoint(folder), process.stderr.read().decode()
    assert reached is not None, f"no checkpoint in {PATIENCE_S} s: {said}"
    assert reached.name == "step-000002" and not out.exists(), said
    main(args)
    ends = [read_checkpoint(path.with_suffix(".adapt") / "adversarial" / "step-000004")[0] for path in (whole, out)]
    assert ends[0]["sha256"] == ends[1]["sha256"]
    assert OnnxModel.load(out).info.bone_sum_mm == OnnxModel.load(whole).info.bone_sum_mm


def swapped_sizes(data: dict) -> None:
    for image in data["images"]:
        image["width"] += 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--labels", "{tmp}/none.json"], "no such file; check --labels"),
        (["--out", "{tmp}/mine.pt"], "--out FILE.onnx"),
        (["--steps", "0"], "--steps of 1 or more"),
        (["--out", "{given}/outdoor/manifest.json/mine.onnx"], "a folder to write to"),
        (["--set", "batch=8", "adversarial.batch_3d=8"], "from 1 to 7 samples with 3D labels"),
        (["--set", "seed=-1"], "seed of at least 0"),
        (["--weights", "{tmp}/none.onnx"], "none.onnx, got no such file"),
        (["--studio", "{tmp}"], "a studio set"),
        (["--outdoor", "{tmp}"], "a studio set"),
        (["--unlabelled", "{given}/studio"], "photos (.jpg"),
        (["--unlabelled", "{given}/photos"], "in which all are labelled"),
        (["--unlabelled", "{given}/more", "--labels", "None"], "name that folder in place of PHOTOS"),
        (["--unlabelled", "{given}/more", "--labels", "None"], "name that folder in place of PHOTOS"),
        (["--set", "adversarial.batch_3d=40"], "adversarial.batch_3d from 0 to batch"),
        (["--labels", "{tmp}/few.json"], "10 or more different labelled photos, got 3"),
        (["--labels", "{tmp}/sizes.json"], "a photo of 97 x 96 px, as the labels say"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_exit_code_2(given, change, says, tmp_path, capsys):
    outdoor = StudioSet(given / "outdoor")
    write_labels(outdoor, np.arange(3), tmp_path / "few.json")
    sizes = coco_labels(outdoor, np.arange(PHOTOS))
    swapped_sizes(sizes)
    (tmp_path / "sizes.json").write_text(json.dumps(sizes))
    out = tmp_path / "mine.onnx"
    more = [part.format(tmp=tmp_path, given=given) for part in change]
    with pytest.raises(SystemExit) as stopped:
        main([*command(given, out), *more])
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert says in error[-1] and error[-1].startswith("error: ")
    assert not out.exists() and not list(tmp_path.glob("*.onnx"))
    assert not any((tmp_path / "mine.adapt").rglob("step-*"))
