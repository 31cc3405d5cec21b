"""Means, deviations and paired differences by hand."""

import json

import numpy as np
import pytest
from rendered_batch import tiny_data

from wildpose.config import PRESETS
from wildpose.report import Report, Table
from wildpose.reproduce.paper import TABLE_2, TABLE_3
from wildpose.reproduce.plots import curve
from wildpose.reproduce.queue import Outcome, Plan
from wildpose.reproduce.results import difference_to_baseline, figures_of, markdown, section
from wildpose.reproduce.rows import (
    BASELINE,
    BASELINE_FIXED,
    FULL,
    GEO,
    MAP,
    PRETRAIN,
    ROWS,
    WITHOUT_PRETRAIN,
    settings_of,
)
from wildpose.reproduce.tables import table_3


def outcome(row, seed, mean):
    table = {
        "title": "studio test: Protocol #1, MPJPE, limb groups, mm, 6 images",
        "columns": list(TABLE_2.columns),
        "rows": {"wildpose": [10.0, 20.0, 30.0, None, mean]},
    }
    return Outcome(row, seed, {"studio": {"tables": [table]}})


@pytest.fixture
def figures():
    """Baseline 100, 110, 120; Full 2, 3 and 7 less in the same seeds."""
    means = {BASELINE: (100.0, 110.0, 120.0), FULL: (98.0, 107.0, 113.0)}
    outcomes = [outcome(row, seed, mean) for row, values in means.items() for seed, mean in enumerate(values)]
    return figures_of(outcomes, (BASELINE, GEO, FULL), TABLE_2, "studio", "limb groups", "wildpose")


def test_rows_without_runs_are_left_out(figures):
    assert list(figures.rows) == ["Baseline", "Full"]
    assert figures.rows["Full"].shape == (3, 5) and figures.seeds["Full"] == (0, 1, 2)
    assert figures_of([], (FULL,), TABLE_2, "studio", "limb groups", "wildpose") is None


def test_differences_are_taken_in_pairs(figures):
    """-2, -3, -7: mean -4, deviation sqrt(7), and 4.3027 sqrt(7 / 3) either side; unpaired it would drown."""
    found = difference_to_baseline(figures, "Full", -1)
    assert (found.mean, found.better, found.pairs) == (-4.0, 3, 3)
    assert found.deviation == pytest.approx(7**0.5)
    assert found.high - found.mean == pytest.approx(4.30265 * (7 / 3) ** 0.5, rel=1e-4)
    assert found.low == pytest.approx(2 * found.mean - found.high)
    assert difference_to_baseline(figures, "Baseline", -1) is None
    assert difference_to_baseline(figures, "Map", -1) is None


def test_more_is_better_where_the_paper_counts_hits():
    table = {"title": "LSP test: PCK@0.2", "columns": list(TABLE_3.columns), "rows": {"PCK@0.2": [70.0] * 8}}
    higher = table | {"rows": {"PCK@0.2": [71.0] * 8}}
    outcomes = [Outcome(row, 0, {"photos": {"tables": [t]}}) for row, t in ((BASELINE, table), (FULL, higher))]
    figures = figures_of(outcomes, (BASELINE, FULL), TABLE_3, "photos", "PCK", "PCK@0.2")
    found = difference_to_baseline(figures, "Full", -1)
    assert (found.mean, found.better, found.pairs) == (1.0, 1, 1) and np.isinf(found.high)


def test_the_section_shows_ours_and_the_papers(figures):
    text = section(figures)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    assert [
        "Full",
        "3",
        "10.0 ± 0.0 (61.7)",
        "20.0 ± 0.0 (81.1)",
        "30.0 ± 0.0 (43.1)",
        "- (77.6)",
        "106.0 ± 7.5 (59.7)",
    ] in lines
    assert ["Full", "-4.00 ± 2.65", "-10.57 to +2.57", "3 of 3", "-5.1"] in lines
    assert "6 images" in text and "Human3.6M" in text


def test_markdown_by_hand():
    assert markdown(["a", "bb"], [["x", "1"]]) == "| a | bb |\n| - | -: |\n| x |  1 |"


def test_a_curve_keeps_the_steps_that_all_seeds_have(tmp_path):
    for seed, steps in enumerate(((10, 20, 30), (10, 30))):
        lines = [f'{{"kind": "validation", "step": {s}, "p1_mm": {s + seed}}}' for s in steps]
        (tmp_path / f"{seed}.jsonl").write_text('{"kind": "train", "step": 5, "p1_mm": 0}\n' + "\n".join(lines) + "\n")
    steps, values = curve([tmp_path / "0.jsonl", tmp_path / "1.jsonl", tmp_path / "none.jsonl"], "p1_mm")
    assert steps.tolist() == [10, 30] and values.tolist() == [[10, 30], [11, 31]]


def test_rows_differ_from_full_in_what_they_are_named_for():
    from wildpose.config import PRESETS

    base = PRESETS["small"]
    full = settings_of(FULL, base, 3)
    assert full.seed == 3 and full.adversarial_loss.weight == base.adversarial_loss.weight
    assert settings_of(WITHOUT_PRETRAIN, base, 3) == full and WITHOUT_PRETRAIN.start == "pretrain-2d"
    assert settings_of(BASELINE, base, 3).adversarial_loss.weight == 0.0
    assert settings_of(BASELINE_FIXED, base, 3).adversarial_loss.fix_2d
    assert settings_of(MAP, base, 3).discriminator.sources == ("image", "maps")
    assert settings_of(GEO, base, 3).discriminator.sources == ("image", "geometry")
    slugs = [row.slug for row in ROWS["table2"]]
    assert len(set(slugs)) == len(slugs) == 8 and {"full", "full-fix-2d", "full-w-o-pretrain"} <= set(slugs)
    assert {row.name for row in ROWS["table2"]} - {"Pretrain"} == set(TABLE_2.rows)


def test_table_3_of_photos_without_plausibility(tmp_path):
    """As of MPII, whose evaluation is of 2D alone."""
    columns = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")
    table = Table("MPII val: PCKh@0.5, percent, 2 people", columns, {"PCKh@0.5": (90.0,) * 8})
    report = json.loads(Report({}, {}, (table,)).json())
    rows = (PRETRAIN, BASELINE, FULL)
    outcomes = [Outcome(row, 0, {"photos": report}) for row in rows]
    plan = Plan(tmp_path, PRESETS["smoke"], {}, tiny_data(), (), 1)
    text = table_3(outcomes, rows, plan)
    assert "90.0" in text and "(88.6)" in text and "plausib" not in text.lower()
