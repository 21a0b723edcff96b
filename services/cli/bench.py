"""`milesaga bench`: speed and size on this machine. What measures lies in a clone's `tests/bench`, not in a package."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli import printing

REPOSITORY: Final = Path(__file__).parents[2]


def run(
    output: Annotated[Path, typer.Option(help="File for the figures: a list of name, value, unit.")] = Path(
        "bench.json"
    ),
    only: Annotated[
        list[str] | None, typer.Option(help="Parts to measure: sagas, telemetry, purchases, services, costs.")
    ] = None,
) -> None:
    """Measure sagas, purchases and services on this machine, beside other engines; print a table, write the figures."""
    if not (REPOSITORY / "tests" / "bench").is_dir():
        printing.complain("milesaga bench: run it in a clone of the repository, whose tests/bench it uses.")
        raise typer.Exit(1)
    parts = [argument for part in only or () for argument in ("--only", part)]
    command = [sys.executable, "-m", "tests.bench", "--output", str(output.absolute()), *parts]
    os.chdir(REPOSITORY)
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
