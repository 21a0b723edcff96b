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
        list[str] | None,
        typer.Option(
            help="Parts to measure: sagas, telemetry, purchases, services, costs; where they are named also kinds "
            "(processor time by process and kind of work), hub (partners' events, beside the obvious way), of that "
            "hub-matching (one event against many rules) and hub-archive (replays, back-tests, searches), hub-large "
            "(a search among ten million events, minutes), hub-mongodb (partners' events over a MongoDB: that of "
            "MONGODB_URL, or a mongod of its own), gate (from a press to what it lets run), decide (presses that come "
            "at once), verify (a log and a receipt, offline), "
            "and stored (purchases over 100, 10,000 and 100,000 stored ones, minutes). With --against: sagas, "
            "purchases, where they are named also events and single-events (partners', in batches and one by one)."
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="A commit, branch or tag: its sagas, purchases and events beside those of the files here, on one "
            "broker, in turns; rate and CPU of both and the ratio of each round. Its packages, where its lock is "
            "another, are installed in .bench-venvs.",
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of a comparison; both sides have a part in each.")] = 5,
) -> None:
    """Measure sagas, purchases and services on this machine, beside other engines; print a table, write the figures."""
    if not (REPOSITORY / "tests" / "bench").is_dir():
        printing.complain("milesaga bench: run it in a clone of the repository, whose tests/bench it uses.")
        raise typer.Exit(1)
    command = [sys.executable, "-m", "tests.bench", "--output", str(output.absolute()), "--rounds", str(rounds)]
    parts = [part for named in only or () for part in named.split(",")]
    command += [argument for part in parts for argument in ("--only", part)]
    command += ["--against", against] if against is not None else []
    os.chdir(REPOSITORY)
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
