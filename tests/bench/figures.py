"""What a benchmark gives, as a table for people and a file for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULT = Path("build/bench.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its floor, both from the same run; `met` is null where there is no target."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    target: str | None = None
    met: bool | None = None


def publish(figures: Sequence[Figure]) -> None:
    """Print the table and write the file."""
    table = Table("name", "value", "unit", "floor", "ratio", "target", "met", box=None, header_style="bold")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.2f}",
            figure.unit,
            "" if figure.floor is None else f"{figure.floor:,.2f}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.target or "",
            "" if figure.met is None else "yes" if figure.met else "NO",
        )
    Console(highlight=False, width=110).print(table)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
