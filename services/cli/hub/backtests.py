"""`milesaga hub backtest`: what a bus's file would have done with events of the past; `backtests` steers them."""

import time
from typing import Annotated, Final

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Json, operator, reported, segment
from services.cli.hub.archived import SINCE, moment
from services.cli.hub.reading import Wrong, complain, documents
from services.cli.hub.things import Thing, things
from services.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Back-tests that there are: watch and steer them.")

BACKTESTS: Final = "/v1/hub/backtests"
LOOKS: Final = 0.5
SAMPLES: Final = 3
"""Hubids that are shown of a rule."""
OPEN: Final = frozenset({"running", "paused"})
Id = Annotated[str, typer.Argument(metavar="ID", help="A back-test's, as `list` shows it.")]


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
            while shown["state"] in OPEN:
                time.sleep(LOOKS)
                shown = api.get(f"{BACKTESTS}/{shown['id']}")
    printing.tell(shown) if as_json else _print(shown)
    raise typer.Exit(int(shown["state"] != "done"))


@app.command("list")
def list_backtests(as_json: AsJson = False) -> None:
    """List the back-tests of the last week, the newest first."""
    with reported(), operator() as api:
        found = list(api.pages(BACKTESTS, "backtests"))
    if as_json:
        printing.tell({"backtests": found})
        return
    table = Table("id", "bus", "from", "to", "state", "events", "beside", "by")
    for each in found:
        span = view.moment(each["from"]), view.moment(each["to"])
        beside = "" if each["revision"] is None else str(each["revision"])
        table.add_row(each["id"], each["bus"], *span, each["state"], str(each["events"]), beside, each["by"])
    printing.console().print(table)


@app.command("show")
def show_backtest(id_: Id, as_json: AsJson = False) -> None:
    """Show a back-test, and what it found until now."""
    with reported(), operator() as api:
        shown = api.get(_path(id_))
    printing.tell(shown) if as_json else _print(shown)


@app.command("pause")
def pause_backtest(id_: Id, as_json: AsJson = False) -> None:
    """Have a back-test stand still, and keep what it found until then."""
    _change(id_, "paused", as_json=as_json)


@app.command("resume")
def resume_backtest(id_: Id, as_json: AsJson = False) -> None:
    """Have a back-test go on behind what it dealt with."""
    _change(id_, "running", as_json=as_json)


@app.command("cancel")
def cancel_backtest(id_: Id, as_json: AsJson = False) -> None:
    """End a back-test; what it found until then can be read for a week."""
    _change(id_, "cancelled", as_json=as_json)


def _change(id_: str, state: str, *, as_json: bool) -> None:
    with reported(), operator() as api:
        tag = api.request("GET", _path(id_)).headers["etag"]
        shown = api.send("PATCH", _path(id_), {"state": state}, headers={"If-Match": tag})
    printing.tell(shown) if as_json else _print(shown)


def _path(id_: str) -> str:
    return f"{BACKTESTS}/{segment(id_)}"


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
    if shown["state"] != "done":
        printing.say(f"{shown['id']} is {shown['state']}; until now:")
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
