"""Feeds over HTTP: a target that is read, by whoever asks, from a cursor of its own."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.archive.cases.feeding import Expired, Feeding, NoFeed
from services.archive.domain.feed import LONGEST, Cursor, NoCursor
from services.archive.http.callers import archive_reads, hub_answers, partner_of
from services.archive.http.parameters import BusName
from shared.contracts.buses import NAME
from shared.kernel.streams import TooManyStreams
from shared.routing.bus import Bus
from shared.routing.wrong import WrongBus
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Moment, Shown, WholeNumber
from shared.web.docs import READING, answers
from shared.web.problems import Problem, invalid_parameter, not_found, try_again
from shared.web.routes import Routes

PATH: Final = "/v1/hub/feed/{bus}/{target}"
MOST: Final = 1_000
LONGEST_WAIT: Final = 30
PAUSE: Final = "5"
TargetName = Annotated[str, Path(pattern=NAME, description="Its target.", examples=["own"])]
After = Annotated[
    str | None,
    Query(
        description="`after` of the page before; left out, the oldest that is kept.",
        examples=["WyIiLFtdXQ"],
        json_schema_extra={"maxLength": LONGEST, "pattern": "^[A-Za-z0-9_-]*$"},
    ),
]


class ShownBroken(Shown):
    """An event that is for the feed, or perhaps is, of which nothing can be made."""

    hubid: Annotated[str, Field(description="The hub's name for it")]
    reason: Annotated[str, Field(description="`template_failed`, `too_many_copies` or `undecided`")]
    detail: Annotated[str, Field(description="For people")]


class ShownPage(Shown):
    """What follows a cursor. At least once: what was kept twice may be told twice, under the same `hubid`."""

    events: Annotated[
        list[dict[str, Any]],
        Field(
            description="CloudEvents in JSON's format, with the hub's extensions, as a webhook would be sent them",
            examples=[[{"specversion": "1.0", "id": "4711", "source": "/x", "type": "a.b.v1", "hubid": "0198f0c2"}]],
        ),
    ]
    broken: Annotated[list[ShownBroken], Field(description="What a webhook's dead letters would have")]
    after: Annotated[str, Field(description="The cursor of what follows: to be kept with what was done")]
    more: Annotated[bool, Field(description="There is more to look through: ask again at once")]


def routes(router: Routes, feeding: Feeding, authenticator: Authenticator) -> None:
    """`/v1/hub/feed`."""
    reader = authenticator.requires_one(("archive:read", "ops:read"))

    @router.get(PATH, response_model=None, responses=answers(ShownPage, *READING, 410, 429, 500))
    async def read_feed(  # noqa: PLR0917 - FastAPI calls by name
        bus: BusName,
        target: TargetName,
        after: After = None,
        start: Annotated[
            Moment | None,
            Query(
                alias="from",
                description="Without `after`: accepted then or later.",
                examples=["2027-01-20T10:00:00Z"],
            ),
        ] = None,
        limit: Annotated[WholeNumber, Query(ge=1, le=MOST, description="At most so many events.")] = 100,
        wait: Annotated[
            WholeNumber, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait where nothing follows.")
        ] = 0,
        caller: Caller = reader,
    ) -> Response:
        """Read the events that match a `feed` target, by the rules of today. No cursor ever passes what is kept later,
        whenever it was accepted."""
        cursor = _cursor(after, start)
        found = await _bus(feeding, bus, target, await partner_of(feeding.hub, caller, "ops:read"))
        with archive_reads():
            try:
                with feeding.waits.one(caller.subject):
                    cursor = cursor or await feeding.first(start)
                    page = await feeding.read(found, target, cursor, limit, float(wait))
            except Expired as error:
                detail = "What followed is kept no longer: go on with `oldest`"
                raise Problem(410, "cursor_expired", detail, more={"oldest": error.oldest.text()}) from error
            except TooManyStreams as error:
                detail = "Too many requests wait for feeds: try again later"
                raise Problem(429, "too_many_streams", detail, headers={"Retry-After": PAUSE}) from error
        broken = [ShownBroken.model_validate(each).model_dump() for each in page.broken]
        return JSONResponse(
            {"events": page.events, "broken": broken, "after": page.cursor.text(), "more": page.more},
            headers={"Cache-Control": "no-store"},
        )


def _cursor(after: str | None, start: datetime | None) -> Cursor | None:
    """Raises 422."""
    if not after:
        return None
    if start is not None:
        raise invalid_parameter("from", "must be left out beside `after`, which goes on from where it is")
    try:
        return Cursor.of(after)
    except NoCursor as error:
        raise invalid_parameter("after", "must be an `after` as it came with the page before") from error


async def _bus(feeding: Feeding, bus: str, target: str, partner: str | None) -> Bus:
    """Raises 404, 503."""
    try:
        with hub_answers():
            return await feeding.bus(bus, target, partner)
    except NoFeed as error:
        raise not_found("feed") from error
    except WrongBus as error:
        raise try_again("unavailable", "The rules of the bus cannot be read here; try again") from error
