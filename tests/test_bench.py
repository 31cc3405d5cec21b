"""Benchmarks: what they measure is a matter of the clock, so the clock is replaced where values are checked."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_detector import write_fake_detector
from fake_weights import write_fake_weights
from test_robust import walk_mp4

from wildpose import cli
from wildpose.bench import clock as bench_clock
from wildpose.bench.predict import table


class Clock:
    """Time that passes only when a call says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_measure_gives_median_and_spread_in_ms_without_the_warm_up(monkeypatch):
    clock, runs = Clock(), []
    monkeypatch.setattr(bench_clock.time, "perf_counter", clock)

    def call():
        runs.append(None)
        clock.now += 9.0 if len(runs) <= 3 else (len(runs) - 3) / 1000  # warm-up: 9 s each; then 1, 2, ... 11 ms

    got = bench_clock.measure({"call": call}, runs=11, warmup=3)
    assert len(runs) == 14
    assert got["call"] == pytest.approx({"median": 6.0, "p10": 2.0, "p90": 10.0})


def test_measured_calls_take_turns():
    order = []
    bench_clock.measure({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, runs=2, warmup=1)
    assert order == ["a", "b"] * 3


def test_machine_says_what_it_is():
    found = bench_clock.machine("numpy")
    assert found["cpu"] and found["cores"] >= 1 and found["libraries"]["numpy"][0].isdigit()


def result(load: float | None) -> dict:
    return {
        "bench": "predict",
        "unit": "ms",
        "runs": 7,
        "threads": 2,
        "image_hw": [720, 1280],
        "weights": {"name": "w", "sha256": "ab" * 32, "input_px": 128},
        "parts": {"network": {"median": 12.344, "p10": 11.0, "p90": 14.0}},
        "footage": None,
        "load_per_core": load,
        "machine": {"cpu": "C", "cores": 2, "system": "S", "python": "3", "libraries": {"numpy": "2"}},
    }


def test_table_shows_median_and_spread():
    lines = table(result(load=0.0)).splitlines()
    assert lines[2] == "| network | 12.34 | 11.00 | 14.00 |"
    assert "7 runs, 2 threads" in lines[4]


@pytest.mark.parametrize(("load", "warned"), [(0.9, True), (0.1, False), (None, False)])
def test_table_warns_on_a_busy_machine(load, warned):
    assert ("warning" in table(result(load))) == warned


def test_the_command_times_each_part_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture):
    weights = write_fake_weights(tmp_path / "dots.onnx")
    out = tmp_path / "new" / "bench.json"
    cli.main(["bench", "predict", "--weights", str(weights), "--runs", "3", "--threads", "1", "--out", str(out)])
    written = json.loads(out.read_text())
    assert written["format"] == "wildpose-bench/1" and written["weights"]["name"] == "coloured dots"
    assert list(written["parts"]) == ["crop", "network", "decode", "whole", "whole, --no-flip"]
    assert all(0 < part["p10"] <= part["median"] <= part["p90"] for part in written["parts"].values())
    assert table(written) in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]


def test_footage_adds_a_photo_a_video_and_a_process(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setattr("wildpose.bench.footage.START_RUNS", 1)
    video = walk_mp4(tmp_path / "walk.mp4", 3)
    options = ["--weights", str(write_fake_weights(tmp_path / "dots.onnx")), "--out", str(tmp_path / "b.json")]
    options += ["--detector", str(write_fake_detector(tmp_path / "finds.onnx")), "--runs", "2", "--frames", "2"]
    cli.main(["bench", "predict", "--video", str(video), *options])
    rows = json.loads((tmp_path / "b.json").read_text())["footage"]["rows"]
    assert {name: row["unit"] for name, row in rows.items()} == {"photo": "ms", "video": "frames/s", "start": "ms"}
    assert all(0 < row["p10"] <= row["median"] <= row["p90"] for row in rows.values())
    assert (rows["video"]["frames"], rows["video"]["image_hw"]) == (2, [280, 420])
    assert rows["start"]["median"] > 50  # no Python starts faster, let alone with ONNX Runtime
    assert "| video | frames/s |" in capsys.readouterr().out


def test_footage_without_people_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture):
    writer = cv2.VideoWriter(str(tmp_path / "empty.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    options = ["--weights", str(write_fake_weights(tmp_path / "dots.onnx")), "--runs", "1"]
    options += ["--detector", str(write_fake_detector(tmp_path / "finds.onnx"))]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "predict", "--video", str(tmp_path / "empty.mp4"), *options])
    assert stopped.value.code == 2 and "a person in the first frame" in capfd.readouterr().err


@pytest.mark.parametrize("flag", ["--threads", "--runs", "--frames"])
def test_a_count_of_zero_is_refused(flag: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "predict", flag, "0"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error: expected at least 1 thread, run and frame")


def test_a_stopwatch_books_each_moment_once(monkeypatch):
    clock, watch = Clock(), bench_clock.Stopwatch()
    monkeypatch.setattr(bench_clock.time, "perf_counter", clock)
    with watch.part("outer"):
        clock.now = 1.0
        with watch.part("inner"):
            clock.now = 3.0
        watch.timed("inner", lambda: None)()
        clock.now = 7.0
    clock.now = 100.0
    assert watch.take() == {"outer": 5.0, "inner": 2.0}
    assert watch.take() == {}


def test_quartiles_by_hand():
    assert bench_clock.quartiles([5.0, 1.0, 2.0, 4.0, 3.0]) == {"median": 3.0, "q1": 2.0, "q3": 4.0}


@pytest.mark.parametrize("phase", ["pretrain-3d", "adversarial"])
@pytest.mark.parametrize("optimiser", ["adamw", "rmsprop"])
def test_the_plain_step_has_the_losses_of_the_real_one(phase: str, optimiser: str):
    """Two implementations, three steps each: eq. (2), (3) and (5), masks, clipping, D before G."""
    torch = pytest.importorskip("torch")
    from gang import Patchy
    from rendered_batch import Dots, tiny_config

    from wildpose.bench.plain import PlainStep
    from wildpose.config import AdversarialConfig, PhaseConfig
    from wildpose.data.batches import Batches
    from wildpose.train.state import Training
    from wildpose.train.steps import advance

    settings = PhaseConfig(steps=9, lr=1e-4, depth_weight=0.5, batch_3d=4, warmup_steps=0)
    config = tiny_config(
        pretrain_3d=settings,
        adversarial=settings,
        adversarial_loss=AdversarialConfig(weight=0.1),
        schedule="constant",
        optimiser=optimiser,
        clip_norm=0.5,
    )
    batches = Batches(Patchy(12, False), Dots(10, True), 8, 4, config.model, config.augment, (0, 2))
    ours, plain = Training(config, phase), PlainStep(config, phase, torch.device("cpu"))
    for k in range(3):
        expected, got = plain(batches[k]), advance(ours, batches[k])
        assert {name: got[name] for name in expected} == pytest.approx(expected, rel=2e-3), k
    assert expected["heatmap"] > 0.01 and expected["depth"] > 0.01


def test_bench_train_times_parts_and_ratios(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch):
    pytest.importorskip("torch")
    from wildpose.bench import peak
    from wildpose.bench import train as bench_train

    monkeypatch.setattr(peak, "COPY_BYTES", 2**20)
    monkeypatch.setattr(bench_train, "measure_peak", lambda device: peak.measure_peak(device, 2, 64))
    small = ["model.features=16", "model.levels=2", "model.input_px=32", "model.depth_stages=2", "batch=4"]
    out = tmp_path / "train.json"
    args = ["bench", "train", "--preset", "smoke", "--steps", "2", "--threads", "1", "--out", str(out)]
    cli.main([*args, "--set", *small, "adversarial.batch_3d=2", "pretrain_3d.batch_3d=2"])
    written = json.loads(out.read_text())
    assert set(written["in_turns_ms"]) == {"ours", "supervised", "plain"}
    assert all(written["parts_ms"][part]["median"] > 0 for part in ("forward", "backward", "optimiser", "D", "rest"))
    parts = sum(part["median"] for part in written["parts_ms"].values())
    assert 0 < parts < 3e3 * 4 / written["images_s"]["q1"]
    assert written["share_of_peak"]["median"] > 0 and 0 < written["wait_share"] < 1
    shown = capsys.readouterr().out
    assert "times as fast as the plain step" in shown and "adversarial in supervised steps" in shown


def test_a_matrix_product_takes_two_operations_a_multiply_add(monkeypatch):
    torch = pytest.importorskip("torch")
    from wildpose.bench import peak

    monkeypatch.setattr(peak, "COPY_BYTES", 4096)
    monkeypatch.setattr(peak, "_timed", lambda _call, _device, repeats: [0.5] * repeats)
    found = peak.measure_peak(torch.device("cpu"), 3, 8)
    assert found["float32_gflop_s"]["median"] == pytest.approx(2 * 8**3 / 0.5 / 1e9)
    assert found["copy_gb_s"]["median"] == pytest.approx(2 * 4096 / 0.5 / 1e9)


@pytest.mark.slow
def test_bench_data_times_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture):
    pytest.importorskip("numba")
    out = tmp_path / "data.json"
    cli.main(["bench", "data", "--images", "2", "--workers", "1", "--size-px", "64", "--out", str(out)])
    written = json.loads(out.read_text())
    assert all(stage["median"] > 0 for stage in written["stages_ms"].values()), "a function was renamed or goes unused"
    assert "pictures/s" in capsys.readouterr().out


def test_watching_the_renderer_leaves_no_trace():
    pytest.importorskip("numba")
    from wildpose.bench import data

    before = [getattr(module, name) for module, name, _ in data.watched_functions()]
    with data._watched(bench_clock.Stopwatch()):
        assert all(getattr(m, n) is not b for (m, n, _), b in zip(data.watched_functions(), before, strict=True))
    assert [getattr(module, name) for module, name, _ in data.watched_functions()] == before
