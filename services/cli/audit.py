"""`milesaga audit`: reads our books and the sandbox's, and shows where they differ."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli import audit_metrics, printing, view
from services.cli.audited import events
from services.cli.audited.book import Finding
from services.cli.books import Account, Booking, BothSides, Charge, Entry, IssuedDocument, Purchase, RedeemedMiles
from services.cli.client import Api, Json, named, operator, reported
from services.cli.purchases import CHECKOUTS, PAGE
from services.cli.reconciliation import Result, compare
from services.cli.timers import when

CANNOT_AUDIT: Final = 2
SECOND_LOOK: Final = 2.0
"""Seconds until a difference is looked at again: the books cannot all be read at one moment, and purchases go on."""
MOST_LOOKS: Final = 5
DAY: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=31)


def run(
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs instead of tables.")] = False,
    metrics: Annotated[Path | None, typer.Option(help="File for Prometheus' textfile collector.")] = None,
    window: Annotated[
        str, typer.Option("--events-of", metavar="24h", help="Partners' events of so long a time, up to 31d.")
    ] = "24h",
    routed_within: Annotated[
        str, typer.Option(metavar="10m", help="Events that were accepted so long ago are routed.")
    ] = "10m",
) -> None:
    """Compare our books with the outside world's. Exit code 1 when any book differs, 2 when they cannot be read."""
    since, settled = _window(window, "24h"), _window(routed_within, "10m")
    with reported(CANNOT_AUDIT), operator() as api:
        result = audit(api, progress=not as_json, window=since, routed_within=settled)
    if metrics is not None:
        audit_metrics.write(metrics, result)
    if as_json:
        printing.tell(as_dict(result))
    else:
        show(printing.console(), result)
    if result.differences:
        raise typer.Exit(1)


def audit(
    api: Api, *, progress: bool = False, window: timedelta = DAY, routed_within: timedelta = events.ROUTED_WITHIN
) -> Result:
    """Compare; what differs is looked at again, more often while purchases or events go on, and only what lasts counts.
    Events are those that were accepted before the first look: what is behind has come by the last."""
    now = datetime.now(UTC)

    def look() -> Result:
        return compare(read(api, now, progress=progress, window=window, routed_within=routed_within))

    result = look()
    for number in range(2, MOST_LOOKS + 1):
        if not result.differences or (number > 2 and not _goes_on(result)):  # noqa: PLR2004 - at rest two looks are enough
            break
        time.sleep(SECOND_LOOK)
        lasting = {(finding.reference, finding.book) for finding in result.differences}
        again = look()
        result = replace(again, differences=tuple(f for f in again.differences if (f.reference, f.book) in lasting))
    return result


def _goes_on(result: Result) -> bool:
    """May what differs be on its way?"""
    return bool(result.open) or any(finding.book == events.ACCEPTED for finding in result.differences)


def read(
    api: Api,
    now: datetime,
    *,
    progress: bool = False,
    window: timedelta = DAY,
    routed_within: timedelta = events.ROUTED_WITHIN,
) -> BothSides:
    """Both sides' books, every page of them; of partners' events those accepted in the `window` before `now`."""
    with _progress(progress) as bar:
        purchases = _counted(bar, "purchases", api.pages(CHECKOUTS, "checkouts", limit=PAGE))
        entries = _counted(bar, "miles entries", api.pages("/v1/miles/entries", "entries"))
        accounts = _counted(bar, "miles accounts", api.pages("/v1/miles/accounts", "accounts"))
        task = bar.add_task("the outside world's books", total=1)
        with named("sandbox beside this stack, whose books are the other side"):
            outside = api.get("/sandbox/books")
        bar.update(task, completed=1)
        told = events.read(api, window, now, routed_within)
    return BothSides(
        purchases=[Purchase.model_validate(row) for row in purchases],
        charges=[Charge.model_validate(row).in_our_units() for row in outside["charges"]],
        documents=[IssuedDocument.model_validate(row) for row in outside["tickets"]],
        bookings=[Booking.model_validate(row) for row in outside["bookings"]],
        redeemed=[RedeemedMiles.model_validate(row) for row in outside["miles"]],
        entries=[Entry.model_validate(row) for row in entries],
        accounts=[Account.model_validate(row) for row in accounts],
        outside=outside,
        events=told,
    )


def as_dict(result: Result) -> Json:
    return {
        "purchases": result.purchases,
        "events": result.events,
        "differences": [asdict(finding) for finding in result.differences],
        "orphans": [asdict(finding) for finding in result.orphans],
        "open": [{"id": purchase.id, "status": purchase.status} for purchase in result.open],
    }


def show(out: Console, result: Result) -> None:
    """Tables of what was found, and one sentence."""
    if result.differences:
        out.print(_table("differences", result.differences))
    if result.orphans:
        out.print(_table("orphans: they lapse by themselves", result.orphans))
    if result.open:
        table = Table(view.reference("purchase"), "status", title="open purchases")
        for purchase in result.open:
            table.add_row(purchase.id, view.status(purchase.status))
        out.print(table)
    verdict = f"{len(result.differences)} differences" if result.differences else "no difference"
    told = f"{result.purchases} purchases, {len(result.open)} of them open"
    told += f", {result.events} events of partners" if result.events else ""
    out.print(f"{told}: {verdict}")


def _window(text: str, example: str) -> timedelta:
    """Raises typer.BadParameter."""
    now = datetime.now(UTC)
    window = when(f"+{text}", now) - now
    if not timedelta(0) < window <= LONGEST:
        raise typer.BadParameter(f"{text!r} is not like {example}, or longer than 31d.")
    return window


def _table(title: str, findings: Iterable[Finding]) -> Table:
    table = Table(view.reference("reference"), "book", "expected", "found", title=title)
    for finding in findings:
        table.add_row(finding.reference, finding.book, finding.expected, finding.found)
    return table


def _progress(visible: bool) -> Progress:
    """On standard error, and only for people."""
    out = printing.console(error=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=True), TimeElapsedColumn())
    return Progress(*columns, console=out, transient=True, disable=not (visible and out.is_terminal))


def _counted(bar: Progress, what: str, rows: Iterator[Json]) -> list[Json]:
    """How many there will be is known at the end only."""
    task = bar.add_task(what, total=None)
    found = []
    for row in rows:
        found.append(row)
        bar.advance(task)
    bar.update(task, total=len(found))
    return found
