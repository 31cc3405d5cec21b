"""The rows of the paper's tables as settings of one and the same adversarial phase.

All rows of a table start from one pretrained state, take the same number of steps and, seed by seed, see the same
batches: Baseline is the adversarial phase with lambda = 0. So rows differ in what they are named for and in nothing
else, and may be compared in pairs. (The paper's Baseline stops after pretraining, 120,000 steps before the others.)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wildpose.config import TrainConfig, override
from wildpose.errors import InputError

Target = Literal["table1", "table2", "table3", "table4", "figure5", "poses", "diagnose"]


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    name: str
    """As the paper's table names it."""
    settings: tuple[str, ...] = ()
    """Changes to the run's settings, as for --set."""
    start: Literal["pretrain-2d", "pretrain-3d"] = "pretrain-3d"
    """Whose last checkpoint it starts from."""
    trained: bool = True
    """False: the start itself, as it is."""

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


PRETRAIN = Row("Pretrain", trained=False)
BASELINE_FIXED = Row("Baseline (fix 2D)", ("adversarial_loss.weight=0", "adversarial_loss.fix_2d=true"))
BASELINE = Row("Baseline", ("adversarial_loss.weight=0",))
MAP = Row("Map", ("discriminator.sources=image,maps",))
GEO = Row("Geo", ("discriminator.sources=image,geometry",))
FULL_FIXED = Row("Full (fix 2D)", ("adversarial_loss.fix_2d=true",))
WITHOUT_PRETRAIN = Row("Full (w/o pretrain)", start="pretrain-2d")
FULL = Row("Full")

ROWS: dict[Target, tuple[Row, ...]] = {
    "table1": (PRETRAIN, BASELINE, FULL),
    "table2": (PRETRAIN, BASELINE, FULL, GEO, MAP, FULL_FIXED, BASELINE_FIXED, WITHOUT_PRETRAIN),
    "table3": (PRETRAIN, BASELINE, FULL),
    "table4": (PRETRAIN, BASELINE, FULL),
    "figure5": (FULL, WITHOUT_PRETRAIN),
    "poses": (BASELINE, FULL),
    "diagnose": (),
}
"""In the order in which they are run: what the claims rest on comes first. `diagnose` trains nothing."""


def settings_of(row: Row, base: TrainConfig, seed: int) -> TrainConfig:
    """The settings of one run of a row."""
    return override(base, (*row.settings, f"seed={seed}"))


def choose_rows(target: Target, names: Sequence[str]) -> tuple[Row, ...]:
    """The rows of those names, all for none; InputError for a name that the target doesn't have."""
    unknown = [name for name in names if name not in {row.name for row in ROWS[target]}]
    if unknown:
        have = ", ".join(row.name for row in ROWS[target])
        raise InputError(f"rows of {target}: {have}", ", ".join(unknown), "mend --rows")
    return tuple(row for row in ROWS[target] if not names or row.name in names)
