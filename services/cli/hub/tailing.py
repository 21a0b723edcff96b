"""`milesaga hub tail`: events as they are archived, and what one bus makes of each."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from services.cli import printing, view
from services.cli.client import Api, Json, named, operator, reported, segment
from services.cli.hub.on_bus import Watched, lines_of
from services.cli.hub.reading import Wrong
from services.cli.options import AsJson
from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import BusTerms
from shared.routing.bus import Bus, compiled
from shared.routing.wrong import WrongBus

LOOKS: Final = 1.0
"""Seconds between two looks into the archive, and for what is in force."""
LATE: Final = timedelta(seconds=30)
"""A process may archive an event so much later than another archived a newer one."""
SEEN: Final = 100_000


def tail(  # noqa: PLR0917 - typer calls by name
    partner: Annotated[str | None, typer.Option("--partner", help="Of this partner alone.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Of this type alone.")] = None,
    bus: Annotated[
        str | None, typer.Option("--bus", metavar="NAME", help="What this bus admits, with the rules that match.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="With --bus: why each rule matches or not; what is not admitted, too."),
    ] = False,
    for_seconds: Annotated[float, typer.Option("--for", help="So many seconds; for ever where not given.")] = math.inf,
    as_json: AsJson = False,
) -> None:
    """Follow the events that are archived from now on, as they come; `--json` shows each whole, one a line."""
    with reported(), operator() as api:
        if explain and bus is None:
            raise Wrong("--explain: says why a bus's rules match: name it by --bus")
        watched = Watched(lambda: _in_force(api, str(bus)), LOOKS, explains=explain) if bus is not None else None
        if watched is not None:
            partner = partner or watched.owner_alone()
        for event in _new(api, partner, kind, time.monotonic() + for_seconds):
            _tell(event, watched, as_json=as_json)


def _tell(event: Json, watched: Watched | None, *, as_json: bool) -> None:
    routing = watched.routing(ArchivedEvent.model_validate(event)) if watched is not None else None
    if watched is not None and routing is None:
        return
    if as_json:
        printing.tell(event | ({"routing": routing} if routing is not None else {}), indent=None)
        return
    told = event["event"]
    first, *others = lines_of(routing) if routing is not None else [""]
    line = " ".join((view.moment(event["at"]), event["partner"], told["type"], told["id"], event["hubid"], first))
    for each in (line.rstrip(), *others):
        printing.say(printing.in_one_line(each))


def _in_force(api: Api, name: str) -> Bus:
    """Raises ApiError, Wrong."""
    with named(f"bus {name}"):
        shown = api.get(f"/v1/hub/buses/{segment(name)}")
    try:
        return compiled(name, int(shown["revision"]), BusTerms.model_validate(shown["terms"]))
    except (WrongBus, ValueError) as error:
        raise Wrong(f"bus {name}: its rules cannot be read by this release: {error}") from error


def _new(api: Api, partner: str | None, kind: str | None, until: float) -> Iterator[Json]:
    begun = since = datetime.now(UTC)
    seen: dict[str, None] = {}
    while True:
        params = {"from": since.isoformat(), "partner": partner, "type": kind}
        for event in api.pages("/v1/hub/archive", "events", **params):
            if event["hubid"] in seen:
                continue
            seen[event["hubid"]] = None
            since = max(since, datetime.fromisoformat(event["at"]) - LATE, begun)
            yield event
        while len(seen) > SEEN:
            del seen[next(iter(seen))]
        if time.monotonic() >= until:
            return
        time.sleep(min(LOOKS, max(0.0, until - time.monotonic())))
