"""What an evaluation says: its protocol, its numbers, and tables to read or to parse."""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpose.errors import InputError

FORMAT = "wildpose-evaluation/1"


@dataclass(frozen=True)
class Table:
    """Named rows of numbers under named columns; the title carries unit, protocol and count."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float | int, ...]]

    def text(self) -> str:
        """Plain text, aligned; whole numbers as such, others with one decimal, `-` where nothing could be counted."""
        cells = [["", *self.columns]]
        cells += [[row, *(_number(v) for v in values)] for row, values in self.rows.items()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in cells]
        return "\n".join([self.title, *lines])


@dataclass(frozen=True)
class Report:
    """One evaluation of one model on one set."""

    protocol: dict[str, Any]
    """Everything that decides the numbers, by name."""
    metrics: dict[str, float]
    """Each number by its name."""
    tables: tuple[Table, ...]

    def text(self) -> str:
        """The protocol, then the tables, as plain text."""
        width = max(map(len, self.protocol))
        head = "\n".join(f"{name:<{width}}  {value}" for name, value in self.protocol.items())
        return "\n\n".join([head, *(table.text() for table in self.tables)])

    def json(self) -> str:
        """The same as JSON (format wildpose-evaluation/1), null where nothing could be counted."""
        whole = {
            "format": FORMAT,
            "protocol": self.protocol,
            "metrics": {name: _known(value) for name, value in self.metrics.items()},
            "tables": [
                {"title": t.title, "columns": t.columns, "rows": {r: [*map(_known, v)] for r, v in t.rows.items()}}
                for t in self.tables
            ],
        }
        return json.dumps(whole, indent=1, allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write the JSON, all or nothing."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            beside.write_text(self.json() + "\n")
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: str | Path) -> "Report":
        """A report from its JSON; InputError for another file."""
        try:
            told = json.loads(Path(path).read_text())
            if told["format"] != FORMAT:
                raise ValueError(told["format"])
            tables = [
                Table(t["title"], tuple(t["columns"]), {r: tuple(map(_value, v)) for r, v in t["rows"].items()})
                for t in told["tables"]
            ]
            return cls(told["protocol"], {name: _value(v) for name, v in told["metrics"].items()}, tuple(tables))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            fix = "write it with `wildpose evaluate --out`"
            raise InputError(f"JSON of format {FORMAT} at {path}", repr(error), fix) from None


def _value(known: float | int | None) -> float | int:
    return math.nan if known is None else known


def _known(value: float | int) -> float | int | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def _number(value: float | int) -> str:
    """As the paper prints it: `-` where nothing could be counted."""
    return str(value) if isinstance(value, int) else "-" if math.isnan(value) else f"{value:.1f}"
