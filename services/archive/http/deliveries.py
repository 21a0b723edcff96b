"""A target's deliveries over HTTP, as they are on record.

They stand below targets, which are another service's: the records are here, and that one asks nobody."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Path, Query, Response
from pydantic import Field

from services.archive.cases.finding import Finding
from services.archive.domain.deliveries import EVER, Delivery, Since, WantedDeliveries
from services.archive.http.callers import archive_reads, hub_answers
from services.archive.http.parameters import BusName, End, Start
from services.archive.ports import Hub
from shared.contracts.archive import Stands
from shared.contracts.buses import NAME
from shared.contracts.hubids import AFTER_ALL, HUBID, least_of, moment_of
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Shown, WholeNumber
from shared.web.docs import READING, answers
from shared.web.pages import Cursor, NextCursor, decode_cursor, next_cursor
from shared.web.problems import invalid_parameter, not_found
from shared.web.routes import Routes

PATH: Final = "/v1/hub/targets/{bus}/{target}/deliveries"
MOST: Final = 500
USUAL: Final = 100
EXAMPLE: Final = "01984f2a-90c1-7d7b-8e01-0123456789ab"
TargetName = Annotated[str, Path(pattern=NAME, description="The target.", examples=["coles-bi"])]
Hubid = Annotated[str | None, Query(pattern=HUBID, description="Of this event alone.", examples=[EXAMPLE])]
Status = Annotated[Stands | None, Query(description="Those that stand so.", examples=["dead"])]
Limit = Annotated[WholeNumber, Query(ge=1, le=MOST, description="At most so many, but all of an event.")]


class ShownTry(Shown):
    """One try, or what somebody decided."""

    at: Annotated[datetime, Field(description="When it began")]
    attempt: Annotated[int, Field(description="1 for the first; 0 where nothing was sent")]
    outcome: Annotated[
        str,
        Field(description="`delivered`, `refused`, `failed`, `dead`, `skipped`, `discarded`, `redriven`"),
    ]
    status: Annotated[int | None, Field(description="HTTP's; null where there was no answer")]
    fault: Annotated[str | None, Field(description="What went wrong, in a word")]
    ms: Annotated[int, Field(description="How long it took")]


class ShownDelivery(Shown):
    """One copy of an event for this target."""

    hubid: Annotated[str, Field(description="The event's")]
    accepted_at: Annotated[datetime, Field(description="When the event was accepted")]
    delivery_id: Annotated[str, Field(description="The `webhook-id` that it was sent under last")]
    status: Annotated[Stands, Field(description="`waiting` where nothing was tried yet, or nobody tells")]
    rules: Annotated[list[str], Field(description="That wanted it; none of a replay's")]
    revision: Annotated[int | None, Field(description="Of the bus; null for a replay's")]
    replay: Annotated[str | None, Field(description="The replay that it is of")]
    tries: Annotated[int, Field(description="How often it was tried or given up")]
    attempts: Annotated[list[ShownTry], Field(description="The newest hundred of them, by time")]


class ShownDeliveries(Shown):
    """Deliveries of a target, in the order of their events' acceptance."""

    deliveries: Annotated[list[ShownDelivery], Field(description="None, where little was found in much that was read")]
    next_cursor: NextCursor = None


def routes(router: Routes, finding: Finding, hub: Hub, authenticator: Authenticator) -> None:
    """`/v1/hub/targets/{bus}/{target}/deliveries`."""
    reader = authenticator.requires_one(("hub:read", "ops:read"))

    @router.get(PATH, response_model=None, responses=answers(ShownDeliveries, *READING, 500))
    async def list_deliveries(  # noqa: PLR0917 - FastAPI calls by name
        bus: BusName,
        target: TargetName,
        start: Start = None,
        end: End = None,
        status: Status = None,
        hubid: Hubid = None,
        limit: Limit = USUAL,
        cursor: Cursor = None,
        caller: Caller = reader,
    ) -> Response:
        """What was delivered, waits, or was given up, with the attempts: for thirty days. What was said within the last
        second or two may not be on record yet."""
        first, last = _span(start, end, hubid)
        (since,) = decode_cursor(cursor, (str,)) or ("",)
        owned = await _owned_since(hub, bus, target, caller)
        with archive_reads():
            page = await finding.deliveries(
                WantedDeliveries(bus, target, first, last, str(since), limit, stands=status, owned=owned)
            )
        following = next_cursor((page.since,)) if page.since is not None else None
        return answer(ShownDeliveries(deliveries=[_shown(each) for each in page.found], next_cursor=following))


async def _owned_since(hub: Hub, bus: str, target: str, caller: Caller) -> Since:
    """Raises 404 where there is no such target, or it is not the caller's; 503."""
    sees_everything = "ops:read" in caller.scopes
    with hub_answers():
        known = await hub.bus(bus)
        partner = None if sees_everything else await hub.partner_of(caller.subject)
    if known is None or target not in known.terms.targets:
        raise not_found("target")
    if sees_everything:
        return EVER
    if partner != known.terms.partner:
        raise not_found("target")
    return Since(known.owned_since or known.revision, known.owned_at)


def _span(start: datetime | None, end: datetime | None, hubid: str | None) -> tuple[str, str]:
    """The hubids of the time, or of the event. Raises 422."""
    if hubid is not None:
        if start is not None or end is not None:
            raise invalid_parameter("hubid", "must be left out beside `from` and `to`")
        return hubid, f"{hubid}."
    if start is not None and end is not None and not start < end:
        raise invalid_parameter("to", "must be later than `from`")
    return least_of(start) if start is not None else "", least_of(end) if end is not None else AFTER_ALL


def _shown(delivery: Delivery) -> ShownDelivery:
    return ShownDelivery(
        hubid=delivery.hubid,
        accepted_at=moment_of(delivery.hubid),
        delivery_id=delivery.deliveryid,
        status=delivery.stands,
        rules=list(delivery.rules),
        revision=delivery.revision,
        replay=delivery.replay,
        tries=delivery.tries,
        attempts=[ShownTry.model_validate(each) for each in delivery.attempts],
    )
