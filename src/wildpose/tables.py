"""The paper's tables from joint errors: Table 1 (an action a column), Table 2 (limb groups), Table 4 (PCK and AUC).

`rows` is always row name -> (N, 16) joint errors in mm of the same N images; `basis` is what the title says of all of
them: how many images, by which scale rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from wildpose import metrics
from wildpose.report import Table
from wildpose.skeleton import LSP14, MPII16, convert

LSP_JOINTS = convert(np.zeros((LSP14.n, 2)), LSP14, MPII16)[1]
"""Which of the 16 joints LSP annotates: all but pelvis and thorax. Also the 14 that MPI-INF-3DHP's PCK counts (head
top, neck, shoulders, elbows, wrists, hips, knees, ankles; not pelvis, spine and head)."""

LIMB_COLUMNS = {
    "upper_arms": "U.Arms",
    "lower_arms": "L.Arms",
    "upper_legs": "U.Legs",
    "lower_legs": "L.Legs",
    "mean": "Mean",
}
"""Table 2's headings of metrics.limb_errors."""


@dataclass(frozen=True)
class Grouping:
    """One way to sort N images into the columns of a table."""

    name: str
    """What a column is: action, activity, scene."""
    labels: np.ndarray
    """(N,) str: the column of each image."""
    columns: tuple[str, ...]
    """Headings in the order of the table; a column without images stays, empty."""

    def masks(self) -> list[np.ndarray]:
        """Which images stand in each column, and, as the last, all of them."""
        return [*(self.labels == column for column in self.columns), np.ones(len(self.labels), dtype=bool)]


def per_group(title: str, rows: Mapping[str, Float[np.ndarray, "N 16"]], by: Grouping, basis: str) -> Table:
    """Table 1: the mean error of each group's images, and Avg. over all images; the last row counts the images."""
    masks = by.masks()
    cells = {row: tuple(_mean(errors[mask]) for mask in masks) for row, errors in rows.items()}
    return Table(f"{title}, per {by.name}, mm, {basis}", (*by.columns, "Avg."), cells | _counts(masks))


def limbs(title: str, rows: Mapping[str, Float[np.ndarray, "N 16"]], basis: str) -> Table:
    """Table 2: the mean error of four limb groups, and of all joints."""
    found = {row: metrics.limb_errors(errors) | {"mean": float(errors.mean())} for row, errors in rows.items()}
    cells = {row: tuple(values[key] for key in LIMB_COLUMNS) for row, values in found.items()}
    return Table(f"{title}, limb groups, mm, {basis}", tuple(LIMB_COLUMNS.values()), cells)


def reach(title: str, rows: Mapping[str, Float[np.ndarray, "N 16"]], by: Grouping, basis: str) -> Table:
    """Table 4: PCK at 150 mm and AUC over 0:5:150 of the 14 joints of MPI-INF-3DHP, per group and in total.

    As in MPI-INF-3DHP's own scripts, the total is over all images, not over the groups.
    """
    masks = by.masks()
    cells: dict[str, tuple[float, ...]] = {}
    for row, errors in rows.items():
        for name, metric in (("PCK", metrics.pck3d), ("AUC", metrics.auc)):
            values = (metric(errors[mask][:, LSP_JOINTS]) if mask.any() else float("nan") for mask in masks)
            cells[f"{name} {row}"] = tuple(values)
    return Table(f"{title}, per {by.name}, percent, {basis}", (*by.columns, "Total"), cells | _counts(masks))


def plausibility(title: str, rows: Mapping[str, Float[np.ndarray, "N 16 3"]], basis: str) -> Table:
    """Poses without truth: by how much left and right limbs differ in length, and how many knees and elbows bend the
    wrong way, both in percent; `rows` holds poses of any unit."""
    cells = {}
    for row, poses in rows.items():
        asymmetry, wrong = metrics.limb_asymmetry(poses).mean(0), 100.0 * metrics.hinge_violations(poses).mean(0)
        cells[row] = (*map(float, asymmetry), float(asymmetry.mean()), float(wrong[:2].mean()), float(wrong[2:].mean()))
    columns = (*(f"{name} asymmetry" for name in LIMB_COLUMNS.values()), "Knees wrong", "Elbows wrong")
    return Table(f"{title}: plausibility, percent, {basis}", columns, cells)


def _mean(errors: np.ndarray) -> float:
    return float(errors.mean()) if len(errors) else float("nan")


def _counts(masks: list[np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {"images": tuple(int(mask.sum()) for mask in masks)}
