"""`milesaga timers`: when purchases are to be looked at again, and how to change that."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import named, operator, reported, segment
from services.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="Timers: list, move or cancel them.")

TIMERS = "/v1/operations/timers"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

PurchaseId = Annotated[str, typer.Argument(metavar="PURCHASE", help="The checkout's id.")]
TimerName = Annotated[str, typer.Argument(metavar="NAME", help="The timer's name, as `milesaga timers list` shows it.")]


@app.command("list")
def list_timers(as_json: AsJson = False) -> None:
    """List all timers."""
    with reported(), operator() as api:
        found = list(api.pages(TIMERS, "timers"))
    if as_json:
        printing.tell({"timers": found})
        return
    table = Table(view.reference("purchase"), "name", "step", "at")
    for timer in found:
        table.add_row(timer["checkout_id"], timer["name"], timer.get("step") or "", view.moment(timer["at"]))
    printing.console().print(table)


@app.command("move")
def move_timer(
    purchase_id: PurchaseId,
    name: TimerName,
    at: Annotated[str, typer.Argument(metavar="AT", help="RFC 3339, `now`, or from now: `+30s`, `+5m`, `+2h`, `+1d`.")],
    as_json: AsJson = False,
) -> None:
    """Have a timer ring at another time."""
    moment = when(at, datetime.now(UTC))
    with reported(), named(f"timer {name} of a purchase {purchase_id}"), operator() as api:
        answer = api.send("PUT", _path(purchase_id, name), {"at": moment.isoformat()})
    if as_json:
        printing.tell(answer)
    else:
        printing.say(f"{name} of {purchase_id} rings at {moment.isoformat()}")


@app.command("cancel")
def cancel_timer(purchase_id: PurchaseId, name: TimerName) -> None:
    """Cancel a timer: the purchase waits until an answer comes or `milesaga purchases ask` asks for one."""
    with reported(), named(f"timer {name} of a purchase {purchase_id}"), operator() as api:
        api.send("DELETE", _path(purchase_id, name))
    printing.say(f"{name} of {purchase_id} is cancelled")


def when(text: str, now: datetime) -> datetime:
    """A moment as people write it. Raises typer.BadParameter."""
    if text == "now":
        return now
    if found := re.fullmatch(r"\+(\d{1,6})([smhd])", text):
        try:
            return now + timedelta(**{UNITS[found[2]]: int(found[1])})
        except OverflowError as error:
            raise typer.BadParameter(f"{text!r} is after all time.") from error
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is neither RFC 3339 with an offset, nor `now`, nor like `+5m`.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise typer.BadParameter(f"{text!r} is no moment in UTC.") from error


def _path(purchase_id: str, name: str) -> str:
    return f"{TIMERS}/{segment(purchase_id)}/{segment(name)}"
