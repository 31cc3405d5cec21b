# ruff: noqa: E501 (rows of a table stay rows)
"""Every figure of the paper's Tables 1 to 4, typed from the paper: Yang et al., 3D Human Pose Estimation in the Wild by
Adversarial Learning, CVPR 2018, section 5. Nothing here is ours."""

import math
from dataclasses import dataclass

from wildpose.data.human36m import ACTIONS
from wildpose.metrics import LSP_COLUMNS


@dataclass(frozen=True)
class PaperTable:
    """One table (or one half of it) as printed; NaN where the paper prints a dash."""

    name: str
    """Number and protocol."""
    what: str
    """Metric, unit and data set."""
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]
    lower_is_better: bool
    ours: dict[str, str]
    """Our row -> the paper's row that it repeats."""
    also: tuple[str, ...] = ()
    """The same columns as our evaluation calls them."""


def _read(columns: str, rows: str) -> tuple[tuple[str, ...], dict[str, tuple[float, ...]]]:
    """Columns apart by spaces; a row a line, its name before the bar."""
    found = {}
    for line in rows.strip().splitlines():
        name, _, figures = line.partition("|")
        found[name.strip()] = tuple(math.nan if figure == "-" else float(figure) for figure in figures.split())
    return tuple(columns.split()), found


_ACTIONS = """Direct. Discuss Eating Greet Phone Photo Pose Purch. Sitting SittingD. Smoke Wait WalkD. Walk WalkT.
Avg."""

TABLE_1_P1 = PaperTable(
    "Table 1, Protocol #1",
    "MPJPE, mm, Human3.6M, S9 and S11",
    *_read(
        _ACTIONS,
        """
LinKDE PAMI'16 [19]              | 132.7 183.6 132.3 164.4 162.1 205.9 150.6 171.3 151.6 243.0 162.1 170.7 177.1 96.6 127.9 162.1
Tekin et al., ICCV'16 [37]       | 102.4 147.2 88.8 125.3 118.0 182.7 112.4 129.2 138.9 224.9 118.4 138.8 126.3 55.1 65.8 125.0
Du et al., ECCV'16 [11]          | 85.1 112.7 104.9 122.1 139.1 135.9 105.9 166.2 117.5 226.9 120.0 117.7 137.4 99.3 106.5 126.5
Chen & Ramanan CVPR'17 [4]       | 89.9 97.6 89.9 107.9 107.3 139.2 93.6 136.0 133.1 240.1 106.6 106.2 87.0 114.0 90.5 114.1
Pavlakos et al., CVPR'17 [30]    | 67.4 71.9 66.7 69.1 72.0 77.0 65.0 68.3 83.7 96.5 71.7 65.8 74.9 59.1 63.2 71.9
Zhou et al., ICCV'17 [57]        | 54.8 60.7 58.2 71.4 62.0 65.5 53.8 55.6 75.2 111.6 64.1 66.0 51.4 63.2 55.3 64.9
Martinez et al., ICCV'17 [25]    | 51.8 56.2 58.1 59.0 69.5 78.4 55.2 58.1 74.0 94.6 62.3 59.1 65.1 49.5 52.4 62.9
Fang et al., AAAI'18 [12]        | 50.1 54.3 57.0 57.1 66.6 73.3 53.4 55.7 72.8 88.6 60.3 57.7 62.7 47.5 50.6 60.4
Ours (Full-2s)                   | 53.0 60.8 47.9 57.1 61.5 65.5 50.8 49.9 73.3 98.6 58.8 58.1 42.0 62.3 43.6 59.7
Ours (Full-4s)                   | 51.5 58.9 50.4 57.0 62.1 65.4 49.8 52.7 69.2 85.2 57.4 58.4 43.6 60.1 47.7 58.6
""",
    ),
    lower_is_better=True,
    ours={"Full": "Ours (Full-2s)"},
    also=(*ACTIONS, "Avg."),
)

TABLE_1_P2 = PaperTable(
    "Table 1, Protocol #2",
    "MPJPE after a rigid transform, mm, Human3.6M, S9 and S11",
    *_read(
        _ACTIONS,
        """
Ramakrishna et al., ECCV'12 [33] | 137.4 149.3 141.6 154.3 157.7 158.9 141.8 158.1 168.6 175.6 160.4 161.7 150.0 174.8 150.2 157.3
Bogo et al., ECCV'16 [2]         | 62.0 60.2 67.8 76.5 92.1 77.0 73.0 75.3 100.3 137.3 83.4 77.3 86.8 79.7 87.7 82.3
Moreno-Noguer CVPR'17 [27]       | 66.1 61.7 84.5 73.7 65.2 67.2 60.9 67.3 103.5 74.6 92.6 69.6 71.5 78.0 73.2 74.0
Pavlakos et al., CVPR'17 [30]    | - - - - - - - - - - - - - - - 51.9
Martinez et al., ICCV'17 [25]    | 39.5 43.2 46.4 47.0 51.0 56.0 41.4 40.6 56.5 69.4 49.2 45.0 49.5 38.0 43.1 47.7
Fang et al., AAAI'18 [12]        | 38.2 41.7 43.7 44.9 48.5 55.3 40.2 38.2 54.5 64.4 47.2 44.3 47.3 36.7 41.7 45.7
Ours (Full-4s)                   | 26.9 30.9 36.3 39.9 43.9 47.4 28.8 29.4 36.9 58.4 41.5 30.5 29.5 42.5 32.2 37.7
""",
    ),
    lower_is_better=True,
    ours={"Full": "Ours (Full-4s)"},
    also=(*ACTIONS, "Avg."),
)

TABLE_2 = PaperTable(
    "Table 2",
    "MPJPE, mm, Protocol #1, Human3.6M, 2 stacks",
    *_read(
        "U.Arms L.Arms U.Legs L.Legs Mean",
        """
Baseline (fix 2D)   | 67.6 89.6 46.6 83.3 65.2
Baseline            | 66.6 90.0 47.1 83.7 64.8
Map                 | 62.9 81.6 44.6 80.9 61.3
Geo                 | 61.6 80.7 43.9 78.8 60.3
Full (fix 2D)       | 63.9 84.4 45.8 85.1 63.1
Full (w/o pretrain) | 65.2 84.2 46.7 82.5 63.4
Full                | 61.7 81.1 43.1 77.6 59.7
""",
    ),
    lower_is_better=True,
    ours={},
)

TABLE_3 = PaperTable(
    "Table 3",
    "PCKh@0.5, percent, MPII validation",
    *_read(
        "Head Sho. Elb. Wri. Hip Knee Ank. Mean",
        """
Pretrain | 96.3 95.0 89.0 84.5 87.1 82.5 78.3 87.6
Ours     | 96.1 95.6 89.9 84.6 87.9 84.3 81.2 88.6
""",
    ),
    lower_is_better=False,
    ours={"Full": "Ours"},
    also=(*LSP_COLUMNS, "Mean"),
)

TABLE_4 = PaperTable(
    "Table 4",
    "percent, MPI-INF-3DHP test, 2,929 frames",
    *_read(
        "PCK AUC",
        """
[26]     | 64.7 31.7
Baseline | 50.1 21.6
Ours     | 69.0 32.0
""",
    ),
    lower_is_better=False,
    ours={"Full": "Ours"},
)
"""[26], Mehta et al., 3DV 2017, trained on this set's own training part; the other two rows did not."""

PAPER = (TABLE_1_P1, TABLE_1_P2, TABLE_2, TABLE_3, TABLE_4)


def of_row(table: PaperTable, ours: str) -> tuple[float, ...] | None:
    """The paper's figures for one of our rows; None where it has no such row."""
    return table.rows.get(table.ours.get(ours, ours))


def shared_columns(table: PaperTable, columns: tuple[str, ...]) -> tuple[int | None, ...]:
    """For each of our columns the place of the paper's that it stands beside; None where it has none.

    Other actions than Human3.6M's fifteen are not those, however many they are: only the average is shared.
    """
    if columns in (table.columns, table.also):
        return tuple(range(len(columns)))
    last = len(table.columns) - 1 if columns[-1:] == table.columns[-1:] else None
    return (*[None] * (len(columns) - 1), last)
