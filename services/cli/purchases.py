"""`milesaga purchases`: what is bought, and how far it has come."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Api, Json, named, operator, reported, segment
from services.cli.options import AsJson
from services.cli.timers import UNITS, when

app = typer.Typer(no_args_is_help=True, help="Purchases: list, show or follow them, ask for their steps.")

CHECKOUTS = "/v1/operations/checkouts"
PAGE = 100

PurchaseId = Annotated[str, typer.Argument(metavar="ID", help="The checkout's id.")]


@app.command("list")
def list_purchases(
    *,
    status: Annotated[str | None, typer.Option(help="Only this status, such as running or needs_attention.")] = None,
    member: Annotated[str | None, typer.Option(help="Only this member's.")] = None,
    step: Annotated[str | None, typer.Option(help="Only those that await this step, such as `issue tickets`.")] = None,
    code: Annotated[str | None, typer.Option(help="Only those refused so, such as price_changed.")] = None,
    locator: Annotated[str | None, typer.Option(help="Only that of this booking.")] = None,
    ticket: Annotated[str | None, typer.Option(help="Only that of this ticket's or document's number.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only those begun before: 30s, 5m, 2h, 1d, or RFC 3339.")
    ] = None,
    changed_since: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only those that changed since then, as above.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, newest first; 0 for all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List purchases, newest first."""
    now = datetime.now(UTC)
    wanted = {
        "status": status,
        "member_id": member,
        "step": step,
        "code": code,
        "locator": locator,
        "ticket": ticket,
        "begun_before": ago(older_than, now),
        "changed_since": ago(changed_since, now),
    }
    with reported(), operator() as api:
        found = list(islice(api.pages(CHECKOUTS, "checkouts", **wanted, limit=PAGE), limit or None))
    if as_json:
        printing.tell({"checkouts": found})
        return
    printing.console().print(_list(found))


@app.command("show")
def show_purchase(
    purchase_id: PurchaseId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one purchase with its timers and timeline, or watch it move (with --json: a line per change)."""
    with reported(), named(f"purchase {purchase_id}"), operator() as api:
        path = f"{CHECKOUTS}/{segment(purchase_id)}"
        found = api.get(path)
        if follow:
            _follow(api, path, as_json)
        elif as_json:
            printing.tell(found)
        else:
            _show(found)


@app.command("ask")
def ask(purchase_id: PurchaseId) -> None:
    """Have the awaited step asked for now, and anew if it was refused: for a purchase that needs attention."""
    with reported(), named(f"purchase {purchase_id}"), operator() as api:
        found = api.send("POST", f"{CHECKOUTS}/{segment(purchase_id)}/ask")
    printing.console().print(f"{purchase_id}: asked, now {found['status']}")


def ago(text: str | None, now: datetime) -> str | None:
    """A moment so long ago, or as it is given, in RFC 3339."""
    if text is None:
        return None
    if told := re.fullmatch(r"(\d{1,5})([smhd])", text):
        return (now - timedelta(**{UNITS[told[2]]: int(told[1])})).isoformat()
    return when(text, now).isoformat()


def _follow(api: Api, path: str, as_json: bool) -> None:
    changes = api.changes(f"{path}/events")
    if not as_json:
        view.follow(printing.console(), changes)
        return
    for change in changes:
        printing.tell(change.checkout, indent=None)


def _awaiting(waits: Json) -> Table:
    table = Table(title="what it waits for", show_header=False)
    table.add_row("step", f"{waits['step']}, by {waits['service']}" if waits["service"] else waits["step"])
    table.add_row("asked", f"{waits['asks']} times since {view.moment(waits['since'])}")
    table.add_row("next ask", view.moment(waits["next_ask_at"]) or "never by itself")
    table.add_row("cause", waits["cause"])
    table.add_row("to do", waits["what_to_do"])
    return table


def _list(found: list[Json]) -> Table:
    table = Table(view.reference("id"), "status", "member", "total", "refused at", "begun", "changed")
    for checkout in found:
        table.add_row(
            checkout["id"],
            view.status(checkout["status"]),
            checkout["member_id"],
            view.total(checkout),
            view.refusal(checkout),
            view.moment(checkout["created_at"]),
            view.moment(checkout["updated_at"]),
        )
    return table


def _show(found: Json) -> None:
    out = printing.console()
    head = Table(box=None, show_header=False, padding=(0, 1))
    for name in ("id", "member_id", "key", "cart_id"):
        head.add_row(name, str(found.get(name, "")))
    head.add_row("status", view.status(found["status"]))
    head.add_row("total", view.total(found))
    if refusal := found.get("refusal"):
        head.add_row("refusal", f"{refusal['step']}: {refusal['code']}, {refusal['detail']}")
    head.add_row("locators", ", ".join(found.get("locators") or []))
    head.add_row("tickets", ", ".join(ticket["number"] for ticket in found.get("tickets") or []))
    head.add_row("documents", ", ".join(f"{doc['number']} ({doc['kind']})" for doc in found.get("documents") or []))
    head.add_row("log", f'lines with "purchase_id": "{found["id"]}"')
    head.add_row("trace", found.get("trace_id") or "")
    out.print(head)
    if waits := found.get("awaiting"):
        out.print(_awaiting(waits))
    out.print(view.steps(found))
    if timers := found.get("timers"):
        table = Table("timer", "step", "at", title="timers")
        for timer in timers:
            table.add_row(timer["name"], timer.get("step") or "", view.moment(timer["at"]))
        out.print(table)
    table = Table("#", "at", "step", "status", "detail", title="timeline")
    for entry in found.get("timeline") or []:
        cells = (str(entry["position"]), view.moment(entry["at"]), entry.get("step") or "")
        table.add_row(*cells, view.status(entry["status"]), str(entry.get("detail") or ""))
    out.print(table)
