"""The paper's figures as data: as printed, and consistent among themselves."""

import re

import numpy as np
import pytest

from wildpose.reproduce.paper import PAPER, TABLE_1_P1, TABLE_2, TABLE_3, TABLE_4, of_row


@pytest.mark.parametrize("table", PAPER, ids=lambda table: table.name)
def test_every_row_has_a_figure_in_each_column(table):
    assert all(len(figures) == len(table.columns) for figures in table.rows.values())


@pytest.mark.data
@pytest.mark.parametrize("table", PAPER, ids=lambda table: table.name)
def test_every_row_stands_in_the_text_of_the_paper(table, shared_data):
    """The converted text of the paper, tables as rows of cells: the same figures in the same order."""
    path = shared_data.parent / "reference" / "paper.md"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    text = re.sub(r"</?\w+>", "", path.read_text())
    rows = [line.split("\t") for line in text.splitlines()]
    figures = [tuple(re.findall(r"-|\d+\.\d", cell)[0] for cell in row[1:] if re.fullmatch(r"-|\d+\.\d", cell))
               for row in rows]  # fmt: skip
    by_rows = set(figures) | set(zip(*(f for f in figures if len(f) == 3), strict=True))  # Table 4 is printed sideways
    for name, values in table.rows.items():
        assert tuple("-" if np.isnan(v) else f"{v:.1f}" for v in values) in by_rows, name


def test_averages_are_near_those_of_the_actions():
    """Near: the paper's averages are over frames, of which actions have unlike numbers."""
    off = {name: abs(np.mean(figures[:-1]) - figures[-1]) for name, figures in TABLE_1_P1.rows.items()}
    assert off["Ours (Full-2s)"] < 1.0 and off["Ours (Full-4s)"] < 1.0
    assert np.median(list(off.values())) < 0.6


def test_the_abstracts_claims_follow_from_the_tables():
    """7.9 % less error, 8.1 % fewer errors in 2D, PCK from 50.1 to 69.0."""
    base, full = TABLE_2.rows["Baseline"][-1], TABLE_2.rows["Full"][-1]
    assert (base - full) / base == pytest.approx(0.079, abs=5e-4)
    before, after = TABLE_3.rows["Pretrain"][-1], TABLE_3.rows["Ours"][-1]
    assert (after - before) / (100 - before) == pytest.approx(0.081, abs=5e-4)
    assert of_row(TABLE_4, "Full")[0] - of_row(TABLE_4, "Baseline")[0] == pytest.approx(18.9)
    assert of_row(TABLE_4, "Map") is None
