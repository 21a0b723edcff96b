"""`milesaga hub route`: archived events that were never routed are routed."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Final

import typer
from rich.table import Table

from services.cli import printing, view
from services.cli.audited.events import ROUTED_WITHIN, STATS
from services.cli.client import Api, Json, operator, reported
from services.cli.hub.archived import SINCE, moment
from services.cli.options import AsJson

ROUTING: Final = "/v1/hub/routing"
AT_ONCE: Final = 50
"""Events that one request may name."""
MEANS: Final = {
    "sent": "sent to the router",
    "routed": "nothing: it was routed",
    "missing": "nothing: it is not archived",
}


def route(
    hubids: Annotated[
        list[str] | None, typer.Argument(metavar="[HUBID...]", help="The hub's names for them, as the audit tells.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help=f"All of a time that were not: accepted then or later: {SINCE}")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Accepted before; 10 minutes ago where not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Route archived events of whose routing nothing is on record: the message of their page was lost. What was routed
    is left alone."""
    if bool(hubids) == (start is not None):
        raise typer.BadParameter("Name events, or a time by --from.")
    with reported(), operator() as api:
        named = iter(hubids) if hubids else _unrouted(api, str(start), end)
        said = [each for some in _by(AT_ONCE, named) for each in _routed(api, some)]
    if as_json:
        printing.tell({"events": said})
    else:
        table = Table(view.reference("hubid"), "what is done")
        for each in said:
            table.add_row(each["hubid"], MEANS[each["status"]])
        printing.console().print(table)
    raise typer.Exit(int(any(each["status"] == "missing" for each in said)))


def _unrouted(api: Api, start: str, end: str | None) -> Iterator[str]:
    """All are found before the first is routed: the time is that of the question."""
    until = moment(end) or (datetime.now(UTC) - ROUTED_WITHIN).isoformat()
    pages = api.whole_pages(STATS, **{"from": moment(start), "to": until})
    return iter([each["hubid"] for page in pages for each in page["balance"]["unrouted"]])


def _by(size: int, names: Iterable[str]) -> Iterator[list[str]]:
    left = iter(names)
    while some := list(islice(left, size)):
        yield some


def _routed(api: Api, hubids: list[str]) -> list[Json]:
    said: list[Json] = api.send("POST", ROUTING, {"hubids": hubids})["events"]
    return said
