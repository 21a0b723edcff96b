"""`milesaga hub backtest`: what a bus's file would have done with events of the past."""

import time
from typing import Annotated, Final

import typer
from rich.table import Table

from services.cli import printing
from services.cli.client import Json, operator, reported
from services.cli.hub.archived import SINCE, moment
from services.cli.hub.reading import Wrong, complain, documents
from services.cli.hub.things import Thing, things
from services.cli.options import AsJson

BACKTESTS: Final = "/v1/hub/backtests"
LOOKS: Final = 0.5
SAMPLES: Final = 3
"""Hubids that are shown of a rule."""


def backtest(  # noqa: PLR0917 - typer calls by name
    file: Annotated[str, typer.Argument(metavar="FILE", help="A bus, as `milesaga hub apply` takes it; or `-`.")],
    start: Annotated[str, typer.Option("--from", help=f"Accepted then or later: {SINCE}")] = "-1d",
    end: Annotated[str, typer.Option("--to", help=f"Accepted before: {SINCE}")] = "now",
    share: Annotated[int, typer.Option(min=1, max=100, help="Per cent of the events.")] = 100,
    revision: Annotated[
        int | None, typer.Option(min=1, help="Beside this revision of the bus, and not the one in force.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a bus's file on archived events, beside what is in force; nothing is sent."""
    with reported():
        bus = _bus(file)
        body = {"name": bus.name, "bus": bus.body, "from": moment(start), "to": moment(end), "share": share}
        body |= {"revision": revision} if revision is not None else {}
        with operator() as api:
            shown = api.send("POST", BACKTESTS, body)
            while shown["state"] == "running":
                time.sleep(LOOKS)
                shown = api.get(f"{BACKTESTS}/{shown['id']}")
    printing.tell(shown) if as_json else _print(shown)
    raise typer.Exit(int(shown["state"] == "failed"))


def _bus(file: str) -> Thing:
    """The one bus of a file. Raises Wrong."""
    found = things(documents([file]))
    if found.wrong:
        complain(found.wrong[1:])
        raise Wrong(f"milesaga: {found.wrong[0]}")
    buses = [each for each in found.things if each.kind == "bus"]
    if len(buses) != 1:
        raise Wrong(f"{file}: one bus is expected, found {len(buses)}")
    return buses[0]


def _print(shown: Json) -> None:
    if shown["state"] == "failed":
        printing.say(f"it failed: {shown['reason']}")
        return
    table = Table("rule", "matched", "an hour", "gained", "lost", "such as")
    for rule in shown["rules"]:
        samples = [f"+{each}" for each in rule["gained_ids"][:SAMPLES]]
        samples += [f"-{each}" for each in rule["lost_ids"][:SAMPLES]]
        counts = (str(rule["matched"]), f"{rule['per_hour']:g}", str(rule["gained"]), str(rule["lost"]))
        table.add_row(rule["name"], *counts, "\n".join(samples))
    printing.console().print(table)
    beside = f"beside revision {shown['revision']}" if shown["revision"] is not None else "beside nothing in force"
    printing.say(f"{shown['events']:,} events {beside}, {shown['microseconds']:.1f} us each")
    if shown["undecided"]:
        printing.say(f"the rules have too much work with {shown['undecided']} of them")
