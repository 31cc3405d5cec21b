"""Runs of the detector: one learns and goes on, becomes a file or part of a mean, and begins from either."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_detector import DATA

from wildpose.detector.data import SceneBatches
from wildpose.detector.model import PeopleNet, maps
from wildpose.detector.train import (
    DetectorConfig,
    DetectorTraining,
    learning_rate,
    load_network,
    train_detector,
    training_of,
)
from wildpose.errors import InputError
from wildpose.predict.detect import Detector


def test_a_batch_is_learnt():
    """Both losses of two scenes fall in a few steps."""
    images, wanted = SceneBatches(DATA, 2, 64, 1)[0]
    training = DetectorTraining(DetectorConfig(steps=60, warmup_steps=5, average=0.5, bfloat16=False))
    first = training.advance(images, wanted)
    for _ in range(20):
        last = training.advance(images, wanted)
    assert last["middle"] < 0.2 * first["middle"] and last["box"] < 0.4 * first["box"]


def test_learning_rate_rises_and_falls_to_nothing():
    config = DetectorConfig(steps=100, warmup_steps=10, lr=1.0)
    rates = [learning_rate(config, step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == max(rates) == pytest.approx(1.0, abs=0.03)
    assert rates[100] == pytest.approx(0) and (np.diff(rates[10:]) < 0).all()


def test_a_run_ends_with_a_log_and_goes_on_as_if_never_stopped(tmp_path):
    config = DetectorConfig(steps=4, batch=2, side_px=64, log_every=2, validate_every=100, bfloat16=False)
    whole = train_detector(config, DATA, tmp_path / "whole")
    stopped = train_detector(config, DATA, tmp_path / "parts", stop_at=2)
    assert stopped.name == "step-000002"
    parts = train_detector(config, DATA, tmp_path / "parts")
    a, b = ((p / "average.safetensors").read_bytes() for p in (whole, parts))
    assert a == b
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["step"]) for line in lines] == [("train", 2), ("train", 4), ("validation", 4)]
    assert {"dots_recall", "dots_boxes", "false_alarms"} <= lines[-1].keys()


def test_only_a_run_of_the_same_settings_and_sets_goes_on(tmp_path):
    config = DetectorConfig(steps=4, batch=2, side_px=64, validate_every=100, bfloat16=False)
    train_detector(config, DATA, tmp_path, stop_at=1)
    train_detector(replace(config, steps=2), DATA, tmp_path)  # as --help says
    others = replace(DATA, sources=({"name": "stripes", "samples": 6},))
    for other, data in ((replace(config, batch=4), DATA), (replace(config, seed=1), DATA), (config, others)):
        with pytest.raises(InputError, match="settings and sets of the run"):
            train_detector(other, data, tmp_path)


def test_the_exported_file_says_what_the_checkpoint_says(tmp_path):
    from wildpose.detector.export import describe_detector, export_detector
    from wildpose.detector.train import load_network
    from wildpose.export import as_stored

    training = DetectorTraining(DetectorConfig())
    network, state = load_network(training.save(tmp_path, DATA.sources))
    export_detector(network, describe_detector(state, "t", 64, 0.25, []), tmp_path / "d.onnx")
    detector = Detector.load(tmp_path / "d.onnx")
    assert (detector.input_px, detector.threshold) == (64, 0.25)
    assert detector.metadata["training_data"] == [{"name": "dots", "samples": 6}]
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    stored = as_stored(network, "int8")
    for got, expected in zip(detector.run(images), maps(stored(torch.from_numpy(images))), strict=True):
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-3)


def test_the_mean_of_two_detectors_weights_and_past(tmp_path, capsys):
    """Weights by hand; the exported file says of which trainings it is the mean, and training goes on from it."""
    from wildpose.cli import main
    from wildpose.detector.train import load_network

    parts = []
    for seed in (1, 2):
        training = DetectorTraining(DetectorConfig(seed=seed))
        parts.append(training.save(tmp_path / str(seed), DATA.sources))
    main(["detector", "merge", *map(str, parts), "--out", str(tmp_path / "mean")])
    merged = capsys.readouterr().out.strip()
    weights = [load_network(Path(path))[0].state_dict() for path in (*parts, merged)]
    for name, weight in weights[2].items():
        if weight.is_floating_point():
            torch.testing.assert_close(weight, (weights[0][name] + weights[1][name]) / 2)
    main(["detector", "export", merged, "--name", "mean", "--out", str(tmp_path / "mean.onnx")])
    told = Detector.load(tmp_path / "mean.onnx").metadata
    assert [each["seed"] for each in told["training"]["mean_of"]] == [1, 2]
    assert told["training_data"] == [{"name": "dots", "samples": 6}]
    on = DetectorTraining(DetectorConfig())
    on.start_from(tmp_path / "mean.onnx")
    assert on.started_from == told["training"]
    for args, says in (([str(parts[0])], "two checkpoints or more"), (map(str, parts), "in the way of the mean")):
        with pytest.raises(SystemExit, match="2"):
            main(["detector", "merge", *args, "--out", str(tmp_path / "mean")])
        assert says in capsys.readouterr().err


def test_another_checkpoint_is_refused(tmp_path):
    from wildpose.detector.train import load_network
    from wildpose.train.checkpoint import save_checkpoint

    other = save_checkpoint(tmp_path, {"average": PeopleNet()}, [], {"step": 1, "phase": "adversarial"})
    with pytest.raises(InputError, match="adversarial"):
        load_network(other)


def test_training_starts_from_the_weights_of_a_file_or_a_checkpoint(tmp_path):
    """A step of learning rate zero later they find what the file finds."""
    training = DetectorTraining(DetectorConfig(steps=1))
    training.start_from(Path("default"))
    again = DetectorTraining(DetectorConfig(steps=1))
    again.start_from(training.save(tmp_path, ()))
    images = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    wanted = Detector.load("default").session.run(None, {"images_rgb": images})
    for run in (training, again):
        with torch.no_grad():
            scores, _ = maps(run.average(torch.from_numpy(images)))
        assert np.allclose(scores.numpy(), wanted[0], atol=1e-3)
    state = load_network(tmp_path / "step-000000")[1]
    before = Detector.load("default").metadata["training"]
    assert training_of(state) == {**asdict(DetectorConfig()), "steps": 0, "started_from": before}
    assert again.started_from["started_from"] == before
    assert [each["name"] for each in state["data"]][:2] == ["LSP train", "LSPET with 12 or more joints, nine of ten"]
    with pytest.raises(InputError, match="no such file"):
        again.start_from(tmp_path / "nothing.onnx")
