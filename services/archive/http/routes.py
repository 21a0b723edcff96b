"""The archive over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from pydantic_core import from_json

from services.archive.cases.finding import Finding, Wanted
from services.archive.domain.segment import Segment
from shared.contracts.archive import ArchivedEvent, Kept
from shared.segments.lines import Line
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.bodies import Moment, Shown
from shared.web.docs import READING, answers
from shared.web.pages import Cursor, Listing, NextCursor
from shared.web.routes import Routes

FOUND: Final = 100
LISTED: Final = 200
NEWEST = Listing[Line](lambda line: (line.id,), (str,))
SEGMENTS = Listing[Segment](lambda segment: (segment.last, segment.id), (str, str))


class ShownEvents(Shown):
    """Events as they are archived, in the order of their acceptance."""

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


class ShownStats(Shown):
    """All that is in closed segments."""

    segments: Annotated[int, Field(description="How many there are")]
    events: Annotated[int, Field(description="How many are in them")]
    bytes: Annotated[int, Field(description="Of the segments")]
    partners: Annotated[dict[str, int], Field(description="Events by partner")]
    types: Annotated[dict[str, int], Field(description="Events by type")]


def routes(finding: Finding, authenticator: Authenticator) -> Routes:
    """Public under `/v1/hub/archive`, for services under `/internal/archive`."""
    router = Routes("archive")
    reader = authenticator.requires_one(("archive:read", "ops:read"))
    _events(router, finding, reader)
    _segments(router, finding, reader)

    @router.internal("/internal/archive/events/{hubid}", authenticator)
    async def kept(request: Request) -> Response:
        hubid = str(request.path_params["hubid"])
        return answer(Kept(hubid=hubid, archived=await finding.has(hubid)))

    @router.internal("/internal/archive/records/{hubid}", authenticator)
    async def records(request: Request) -> Response:
        return answer(await finding.records(str(request.path_params["hubid"])))

    return router


def _events(router: Routes, finding: Finding, reader: Any) -> None:
    @router.get("/v1/hub/archive", dependencies=[reader], response_model=None, responses=answers(ShownEvents, *READING))
    async def find(  # noqa: PLR0917 - FastAPI calls by name
        start: Annotated[
            Moment | None, Query(alias="from", description="Accepted then or later.", examples=["2027-01-20T10:00:00Z"])
        ] = None,
        end: Annotated[
            Moment | None, Query(alias="to", description="Accepted before.", examples=["2027-01-20T11:00:00Z"])
        ] = None,
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
    ) -> Response:
        """Archived events, in the order of their acceptance."""

        async def page(after: Any, limit: int) -> list[Line]:
            return await finding.find(Wanted(start, end, partner, kind, event_id, after[0] if after else ""), limit)

        lines, following = await NEWEST.page(cursor, FOUND, page)
        return JSONResponse({"events": [from_json(line.text) for line in lines], "next_cursor": following})


def _segments(router: Routes, finding: Finding, reader: Any) -> None:
    @router.get(
        "/v1/hub/archive/segments",
        dependencies=[reader],
        response_model=None,
        responses=answers(ShownSegments, *READING),
    )
    async def segments(
        cursor: Cursor = None,
        verify: Annotated[bool, Query(description="Read each, and tell what is wrong with it.")] = False,
    ) -> Response:
        """Closed segments."""
        page, following = await SEGMENTS.page(cursor, LISTED, finding.segments)  # type: ignore[arg-type]
        shown = [
            ShownSegment(
                **each.model_dump(exclude={"removed_at"}), damage=await finding.damaged(each) if verify else None
            )
            for each in page
        ]
        return answer(ShownSegments(segments=shown, next_cursor=following))

    @router.get(
        "/v1/hub/archive/stats", dependencies=[reader], response_model=None, responses=answers(ShownStats, *READING)
    )
    async def stats() -> Response:
        """What there is in closed segments."""
        return answer(ShownStats.model_validate(await finding.stats()))
