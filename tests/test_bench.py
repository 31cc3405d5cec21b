"""Benchmarks: what they measure is a matter of the clock, so the clock is replaced where values are checked."""

import json
from pathlib import Path

import pytest
from fake_weights import write_fake_weights

from wildpose import bench, cli


class Clock:
    """Time that passes only when a call says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_measure_gives_median_and_spread_in_ms_without_the_warm_up(monkeypatch):
    clock, runs = Clock(), []
    monkeypatch.setattr(bench.time, "perf_counter", clock)

    def call():
        runs.append(None)
        clock.now += 9.0 if len(runs) <= 3 else (len(runs) - 3) / 1000  # warm-up: 9 s each; then 1, 2, ... 11 ms

    got = bench.measure({"call": call}, runs=11, warmup=3)
    assert len(runs) == 14
    assert got["call"] == pytest.approx({"median": 6.0, "p10": 2.0, "p90": 10.0})


def test_measured_calls_take_turns():
    order = []
    bench.measure({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, runs=2, warmup=1)
    assert order == ["a", "b"] * 3


def test_machine_says_what_it_is():
    found = bench.machine("numpy")
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
        "load_per_core": load,
        "machine": {"cpu": "C", "cores": 2, "system": "S", "python": "3", "libraries": {"numpy": "2"}},
    }


def test_table_shows_median_and_spread():
    lines = bench.table(result(load=0.0)).splitlines()
    assert lines[2] == "| network | 12.34 | 11.00 | 14.00 |"
    assert "7 runs, 2 threads" in lines[4]


@pytest.mark.parametrize(("load", "warned"), [(0.9, True), (0.1, False), (None, False)])
def test_table_warns_on_a_busy_machine(load, warned):
    assert ("warning" in bench.table(result(load))) == warned


def test_the_command_times_each_part_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture):
    weights = write_fake_weights(tmp_path / "dots.onnx")
    out = tmp_path / "new" / "bench.json"
    cli.main(["bench", "predict", "--weights", str(weights), "--runs", "3", "--threads", "1", "--out", str(out)])
    written = json.loads(out.read_text())
    assert written["format"] == "wildpose-bench/1" and written["weights"]["name"] == "coloured dots"
    assert list(written["parts"]) == ["crop", "network", "decode", "whole"]
    assert all(0 < part["p10"] <= part["median"] <= part["p90"] for part in written["parts"].values())
    assert bench.table(written) in capsys.readouterr().out
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"]


@pytest.mark.parametrize("flag", ["--threads", "--runs"])
def test_a_count_of_zero_is_refused(flag: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["bench", "predict", flag, "0"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error: expected at least 1 thread and 1 run")
