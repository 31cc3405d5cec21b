"""The comparison of losses: in float32 the step as trained must follow the plain one, and the table must add up."""

from pathlib import Path

import pytest
from rendered_batch import tiny_data

from wildpose.bench import curves
from wildpose.config import PRESETS, override


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_in_float32_both_learn_the_same(optimiser, monkeypatch):
    monkeypatch.setitem(PRESETS, "smoke", override(PRESETS["smoke"], (f"optimiser={optimiser}",)))
    monkeypatch.setattr("wildpose.data.mix.build_data", lambda **_: tiny_data())
    result = curves.bench_curves(Path("lsp"), preset="smoke", steps=5)
    ours, plain, other = result["heatmap_loss"].values()
    assert ours[:3] == pytest.approx(plain[:3], rel=2e-3), "rounding alone tells them apart"
    assert ours == pytest.approx(plain, rel=0.05), "which steps of a given size amplify"
    assert abs(ours[0] / other[0] - 1) > 0.01, "other initial weights do differ"
    assert ours[-1] < ours[0]


def test_the_table_adds_up(tmp_path):
    losses = {"fast": [0.002] * 5 + [0.001] * 5, "plain": [0.002] * 10, "other": [0.003] * 10}
    facts = {"steps": 10, "preset": "small", "batch": 16, "seed": 0, "samples": 7}
    machine = {"cpu": "C", "cores": 2, "system": "S", "python": "3", "libraries": {}}
    result = facts | {"heatmap_loss": losses, "machine": machine}
    assert curves.windows(losses["fast"]).tolist() == pytest.approx([0.002, 0.002, 0.0015, 0.001, 0.001])
    text = curves.curves_table(result)
    assert "| fast | 2.0000 | 2.0000 | 1.5000 | 1.0000 | 1.0000 |" in text
    assert "| as trained against plain | +0.00 % | +0.00 % | -25.00 % | -50.00 % | -50.00 % |" in text
    assert "| other weights against plain | +50.00 % |" in text
    curves.draw(result, tmp_path / "curves.png", span=2)
    assert (tmp_path / "curves.png").stat().st_size > 1000
