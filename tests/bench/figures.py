"""What is measured, as people and programs read it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROUNDS_TO = 3


@dataclass(frozen=True)
class Figure:
    """One number. `runs` are the single measurements where `value` is their median; `target` is what is asked for."""

    name: str
    value: float
    unit: str
    runs: tuple[float, ...] = ()
    target: str = ""


def write(path: Path, figures: Sequence[Figure]) -> None:
    """As a list of `{name, value, unit}`."""
    rows = [
        {key: value for key, value in asdict(figure).items() if key in {"name", "value", "unit"}}
        | {"value": round(figure.value, ROUNDS_TO)}
        for figure in figures
    ]
    path.write_text(json.dumps(rows, indent=2) + "\n")


def show(out: Console, figures: Sequence[Figure], title: str) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("name", "value", "unit", "single runs", "target"):
        table.add_column(column, justify="right" if column == "value" else "left", no_wrap=column != "target")
    for figure in figures:
        runs = "  ".join(short(run) for run in figure.runs)
        table.add_row(figure.name, short(figure.value), figure.unit, runs, figure.target)
    out.print(table)


def short(value: float) -> str:
    """Three digits are as many as a busy machine gives."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
