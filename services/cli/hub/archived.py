"""`milesaga hub archive`: what is kept for good, found, taken out, counted and verified."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Final

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.client import Api, Json, operator, reported, writing
from services.cli.options import AsJson
from services.cli.timers import when
from services.cli.verified import verified

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The archive: find, export, count, verify.")

NUMBERS: Final = ("segments", "events", "bytes")
NAMED: Final = ("partners", "types")
"""What is counted of closed segments, page by page."""
SINCE: str = "RFC 3339, `now`, or before now: `-30m`, `-2h`, `-1d`."
From = Annotated[str | None, typer.Option("--from", help=f"Accepted then or later: {SINCE}")]
To = Annotated[str | None, typer.Option("--to", help=f"Accepted before: {SINCE}")]
OfPartner = Annotated[str | None, typer.Option("--partner", help="Of this partner.")]
OfType = Annotated[str | None, typer.Option("--type", help="Of this type.")]
OfId = Annotated[str | None, typer.Option("--id", help="Of this id.")]


@app.command("find")
def find(  # noqa: PLR0917 - typer calls by name
    start: From = None,
    end: To = None,
    partner: OfPartner = None,
    kind: OfType = None,
    event_id: OfId = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Find archived events, in the order of their acceptance."""
    with reported(), operator() as api:
        found = list(islice(_found(api, start, end, partner=partner, type=kind, id=event_id), limit))
    if as_json:
        printing.tell({"events": found})
        return
    table = Table("accepted", "partner", "type", "id", view.reference("hubid"))
    for each in found:
        event = each["event"]
        table.add_row(view.moment(each["at"]), each["partner"], event["type"], event["id"], each["hubid"])
    printing.console().print(table)


@app.command("export")
def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="To be written; `-` is standard output.")],
    start: From = None,
    end: To = None,
    partner: OfPartner = None,
    kind: OfType = None,
) -> None:
    """Write archived events as JSON lines, each with what the hub knows of it."""
    with reported(), operator() as api, _opened(file) as out:
        count = 0
        for count, each in enumerate(_found(api, start, end, partner=partner, type=kind), 1):  # noqa: B007 - the last one counts
            out.write(_line(each))
    printing.complain(f"{count} events")


@app.command("stats")
def stats(as_json: AsJson = False) -> None:
    """Count what is in closed segments."""
    with reported(), operator() as api:
        shown = _added(api.whole_pages("/v1/hub/archive/stats"))
    if as_json:
        printing.tell(shown)
        return
    printing.say(f"{shown['events']:,} events in {shown['segments']:,} closed segments, {shown['bytes']:,} bytes")
    for of in NAMED:
        table = Table(of.removesuffix("s"), "events")
        for name, count in sorted(shown[of].items()):
            table.add_row(name, f"{count:,}")
        printing.console().print(table)


@app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Read every segment; exit 1 where one is not what was written, or is not there, 2 where that cannot be said."""
    with reported(exit_code=2), operator() as api:
        found = verified(api)
    if as_json:
        printing.tell({"segments": found.segments, "wrong": found.wrong})
    else:
        for each in found.wrong:
            printing.say(f"{each['segment']}: {each['wrong']}")
        printing.say(f"{found.segments:,} closed segments, {len(found.wrong)} damaged")
    raise typer.Exit(int(bool(found.wrong)))


def moment(text: str | None, now: datetime | None = None) -> str | None:
    """As people write it, also so long ago: `-2h`. Raises typer.BadParameter."""
    if text is None:
        return None
    now = now or datetime.now(UTC)
    if text.startswith("-"):
        try:
            return (now - (when(f"+{text[1:]}", now) - now)).isoformat()
        except OverflowError as error:
            raise typer.BadParameter(f"{text!r} is before all time.") from error
    return when(text, now).isoformat()


def _added(pages: Iterator[Json]) -> Json:
    numbers: Counter[str] = Counter()
    named: dict[str, Counter[str]] = {name: Counter() for name in NAMED}
    for page in pages:
        numbers.update({name: page[name] for name in NUMBERS})
        for name, counts in named.items():
            counts.update(page[name])
    return dict(numbers) | {name: dict(counts) for name, counts in named.items()}


def _found(api: Api, start: str | None, end: str | None, **which: str | None) -> Iterator[Json]:
    """`which` are the API's own names: partner, type, id."""
    return api.pages("/v1/hub/archive", "events", **{"from": moment(start), "to": moment(end)}, **which)


@contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        yield sys.stdout
        return
    with writing(Path(file)), Path(file).open("w", encoding="utf-8") as out:
        yield out


def _line(event: Json) -> str:
    return json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n"
