"""Figures 3, 4 and 6: poses of held-out people along the adversarial training, and after it beside those of Baseline.

Drawn from what the runs' logs keep of a few held-out people, and from the pictures of these, which must be at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from wildpose.config import ModelConfig
from wildpose.data.batches import plain_batches
from wildpose.data.sample import SampleSet
from wildpose.errors import InputError
from wildpose.geometry import bone_length_sum
from wildpose.reproduce.network import load_network
from wildpose.reproduce.queue import Plan
from wildpose.reproduce.rows import BASELINE, FULL, Row
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES
from wildpose.train.log import read_log
from wildpose.train.validate import WATCHED, First, watched_poses
from wildpose.view3d import render_pose

CELL = 190
SIDE_DEG = 68.0
MOMENTS = 4
"""Columns of Figure 3 between the start and the end."""
Pose = Float[np.ndarray, "16 3"]


@dataclass(frozen=True)
class Column:
    """A column of pictures: what is written above it, and a pose for each person (None: the person's picture)."""

    title: str
    poses: Sequence[Pose] | None


def draw_pose_figures(plan: Plan, seed: int = 0) -> list[Path]:
    """OUT/figure3.png, figure4.png, figure6.png, and figure6-poses.png without the photos, which may be passed on.

    Of the first seed's runs of Full and Baseline. Raises InputError if Full wasn't trained yet.
    """
    data = plan.data
    if data.studio_val is None or data.wild_val is None:
        raise InputError("held-out people with 3D labels and held-out photos", "none", "give --studio and --lsp")
    logged = {row: _logged(plan, row, seed) for row in (BASELINE, FULL)}
    if not logged[FULL]:
        raise InputError(
            f"a log of {FULL.name} with poses in {plan.out}", "none", "run `wildpose reproduce table2` first"
        )
    began = load_network(plan.starts[FULL.start], torch.device("cpu")).generator
    drawn = [_figure_3(plan, logged[FULL], watched_poses(began, data.studio_val))]
    if logged[BASELINE]:
        ends = {row.name: lines[-1] for row, lines in logged.items()}
        compared = [Column(name, np.array(line["studio"])) for name, line in ends.items()]
        truth = Column("truth", _truth(data.studio_val))
        drawn.append(_sheet(data.studio_val, [Column("", None), truth, *compared], plan.out / "figure4.png"))
        compared = [Column(name, np.array(line["photos"])) for name, line in ends.items()]
        drawn.append(_sheet(data.wild_val, [Column("", None), *compared], plan.out / "figure6.png"))
        drawn.append(_sheet(data.wild_val, compared, plan.out / "figure6-poses.png"))
    return drawn


def _logged(plan: Plan, row: Row, seed: int) -> list[dict]:
    return [line for line in read_log(plan.log(row, seed)) if line["kind"] == "poses"]


def _figure_3(plan: Plan, lines: list[dict], began: np.ndarray) -> Path:
    chosen = [lines[i] for i in np.unique(np.linspace(0, len(lines) - 1, MOMENTS + 1).round().astype(int))]
    along = [Column(f"step {line['step']}", np.array(line["studio"])) for line in chosen]
    people = plan.data.studio_val
    columns = [Column("", None), Column("step 0", began), *along, Column("truth", _truth(people))]
    return _sheet(people, columns, plan.out / "figure3.png")


def _truth(people: SampleSet) -> list[Pose]:
    """Of the first few: root-relative, mm."""
    poses = [people.load(i).joints_cam_mm for i in range(min(WATCHED, len(people)))]
    return [pose - pose[MPII16.index("pelvis")] for pose in poses]


def _sheet(people: SampleSet, columns: Sequence[Column], target: Path) -> Path:
    """A row for each person; poses from the camera's side and turned, both."""
    pictures = _pictures(people)
    grid = [
        np.hstack([pictures[i] if c.poses is None else _two_views(c.poses[i], c.title) for c in columns])
        for i in range(len(pictures))
    ]
    if not cv2.imwrite(str(target), np.vstack(grid)[..., ::-1]):
        raise InputError(f"a writable {target}", "an error", "choose another --out")
    return target


def _pictures(people: SampleSet) -> list[UInt8[np.ndarray, "H W 3"]]:
    [(batch, _)] = plain_batches(First(people, WATCHED), ModelConfig(), WATCHED)
    return [cv2.resize(crop, (CELL, CELL), interpolation=cv2.INTER_AREA) for crop in batch.crops_rgb.numpy()]


def _two_views(pose: Pose, title: str) -> UInt8[np.ndarray, "H W 3"]:
    """All in one size: by the sum of the bones."""
    size = float(bone_length_sum(pose, MPII16.pairs(MPII16_LEGACY_BONES)))
    pose_mm = (pose * (4150.0 / max(size, 1e-6))).astype(np.float32)
    sure = np.ones(MPII16.n, np.float32)
    views = ((0.0, title), (SIDE_DEG, ""))
    width = CELL * 3 // 4
    return np.hstack([render_pose(pose_mm, sure, (CELL, width), turn, caption=c, axes=False) for turn, c in views])
