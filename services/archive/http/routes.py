"""The archive over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from pydantic_core import from_json

from services.archive.cases.backtesting import Backtesting
from services.archive.cases.balancing import Balancing
from services.archive.cases.feeding import Feeding
from services.archive.cases.finding import Finding, Wanted
from services.archive.cases.replaying import Replaying
from services.archive.cases.verifying import Reached, Verifying
from services.archive.domain.segment import Segment
from services.archive.http import backtests, deliveries, feeds, replays, stats
from services.archive.http.callers import archive_reads, partner_of
from services.archive.http.parameters import End, Start
from services.archive.ports import Hub
from shared.contracts.archive import ArchivedEvent, Kept, Named, WantedEvent
from shared.kernel.ids import Ids
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Shown
from shared.web.docs import READING, answers
from shared.web.pages import Cursor, Listing, NextCursor, decode_cursor, next_cursor
from shared.web.problems import not_found
from shared.web.routes import Routes, told

FOUND: Final = 100
LISTED: Final = 200
SEGMENTS = Listing[Segment](lambda segment: (segment.last, segment.id), (str, str))


class ShownEvents(Shown):
    """Events as they are archived, in the order of their acceptance. A page has few of them, or none, where much was
    read for it: all are told when `next_cursor` is null."""

    events: Annotated[list[ArchivedEvent], Field(description="With what the hub knows of each")]
    next_cursor: NextCursor = None


class ShownSegment(Shown):
    """A closed segment."""

    id: Annotated[str, Field(description="Its name")]
    count: Annotated[int, Field(description="Events in it")]
    first: Annotated[str, Field(description="The hub's name of the first event")]
    last: Annotated[str, Field(description="The hub's name of the last event")]
    owners: Annotated[dict[str, int], Field(description="Events by partner")]
    kinds: Annotated[dict[str, int], Field(description="Events by type")]
    size: Annotated[int, Field(description="Bytes")]
    sha256: Annotated[str, Field(description="Of all its bytes")]
    previous: Annotated[str, Field(description="`sha256` of the segment that its writer closed before")]
    keep: Annotated[str, Field(description="The class of keeping of what is in it")]
    ends_at: Annotated[datetime | None, Field(description="When it goes; null where it stays for ever")] = None
    damage: Annotated[str | None, Field(description="What is wrong with it; null where it is as it was closed")] = None


class ShownSegments(Shown):
    """Closed segments, in the order of their last events."""

    segments: Annotated[list[ShownSegment], Field(description="With their counts")]
    next_cursor: NextCursor = None


class ShownWrong(Shown):
    """What is wrong with one segment."""

    segment: Annotated[str, Field(description="Its name")]
    wrong: Annotated[str, Field(description="What is wrong with it")]


class ShownVerdict(Shown):
    """Whether all is as it was written."""

    segments: Annotated[int, Field(description="That were read for this page")]
    wrong: Annotated[list[ShownWrong], Field(description="Empty where all is well")]
    next_cursor: NextCursor = None


def routes(  # noqa: PLR0917 - its composition root has them in this order
    finding: Finding,
    balancing: Balancing,
    verifying: Verifying,
    replaying: Replaying,
    backtesting: Backtesting,
    feeding: Feeding,
    ids: Ids,
    authenticator: Authenticator,
) -> Routes:
    """Public under `/v1/hub`: `archive`, `replays`, `backtests`, `feed`, `targets/*/*/deliveries`; for services
    `/internal/archive`."""
    router = Routes("archive")
    reader = authenticator.requires_one(("archive:read", "ops:read"))
    _events(router, finding, replaying.hub, reader)
    operators = authenticator.requires_one(("ops:read",))
    _segments(router, finding, verifying, operators)
    stats.routes(router, balancing, operators)
    _verifying(router, verifying, operators)
    backtests.routes(router, backtesting, ids, authenticator)
    feeds.routes(router, feeding, authenticator)
    replays.routes(router, replaying, authenticator)
    deliveries.routes(router, finding, replaying.hub, authenticator)

    @router.internal("/internal/archive/events/{hubid}", authenticator)
    async def kept(request: Request) -> Response:
        hubid = str(request.path_params["hubid"])
        with archive_reads():
            return answer(Kept(hubid=hubid, archived=await finding.has(hubid)))

    @router.internal("/internal/archive/events/{hubid}/contents", authenticator)
    async def contents(request: Request) -> Response:
        with archive_reads():
            found = await finding.contents(str(request.path_params["hubid"]))
        if found is None:
            raise not_found("event")
        return answer(found)

    @router.internal("/internal/archive/named", authenticator, method="POST")
    async def named(request: Request) -> Response:
        wanted = await told(request, WantedEvent)
        with archive_reads():
            return answer(Named(hubid=await finding.named(wanted.partner, wanted.event_id)))

    @router.internal("/internal/archive/records/{hubid}", authenticator)
    async def records(request: Request) -> Response:
        with archive_reads():
            return answer(await finding.records(str(request.path_params["hubid"])))

    return router


def _events(router: Routes, finding: Finding, hub: Hub, reader: Any) -> None:
    @router.get("/v1/hub/archive", response_model=None, responses=answers(ShownEvents, *READING, 500))
    async def find(  # noqa: PLR0917 - FastAPI calls by name
        start: Start = None,
        end: End = None,
        partner: Annotated[
            str | None, Query(max_length=100, description="Of this partner.", examples=["coles"])
        ] = None,
        kind: Annotated[
            str | None,
            Query(alias="type", max_length=1024, description="Of this type.", examples=["retail.receipt.issued.v1"]),
        ] = None,
        event_id: Annotated[
            str | None, Query(alias="id", max_length=1024, description="Of this id.", examples=["4711"])
        ] = None,
        cursor: Cursor = None,
        caller: Caller = reader,
    ) -> Response:
        """Archived events, in the order of their acceptance; for whoever is no operator, its own."""
        own = await partner_of(hub, caller, "ops:read")
        if own is not None and partner not in {None, own}:
            raise not_found("partner")

        (since,) = decode_cursor(cursor, (str,)) or ("",)
        with archive_reads():
            found = await finding.find(Wanted(start, end, own or partner, kind, event_id, str(since)), FOUND)
        following = next_cursor((found.since,) if found.since is not None else None)
        return JSONResponse({"events": [from_json(line.text) for line in found.lines], "next_cursor": following})


def _verifying(router: Routes, verifying: Verifying, reader: Any) -> None:
    @router.get(
        "/v1/hub/archive/verify",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownVerdict, *READING, 429),
    )
    async def verify(cursor: Cursor = None) -> Response:
        """Read segments for some seconds, and tell what is wrong: a changed byte, a torn end, a missing file or
        document. All of them are read when `next_cursor` is null."""
        with archive_reads():
            verdict, following = await verifying.verify(_reached(cursor))
        shown = {"segments": verdict.segments, "wrong": verdict.wrong, "next_cursor": next_cursor(following)}
        return answer(ShownVerdict.model_validate(shown))


def _reached(cursor: str | None) -> Reached | None:
    match decode_cursor(cursor, (int, str, str)):
        case (int(kind), str(last), str(name)):
            return kind, last, name
    return None


def _segments(router: Routes, finding: Finding, verifying: Verifying, reader: Any) -> None:
    @router.get(
        "/v1/hub/archive/segments",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownSegments, *READING, 429),
    )
    async def segments(
        cursor: Cursor = None,
        verify: Annotated[
            bool, Query(description="Read each for some seconds, and tell what is wrong with it.")
        ] = False,
    ) -> Response:
        """Closed segments."""
        page, following = await SEGMENTS.page(cursor, LISTED, finding.segments)  # type: ignore[arg-type]
        with archive_reads():
            damages = await verifying.damages(page) if verify else [None] * len(page)
        if len(damages) < len(page):
            page = page[: len(damages)]
            following = next_cursor(SEGMENTS.key(page[-1]))
        shown = [
            ShownSegment(**each.model_dump(exclude={"removed_at"}), damage=damage)
            for each, damage in zip(page, damages, strict=True)
        ]
        return answer(ShownSegments(segments=shown, next_cursor=following))
