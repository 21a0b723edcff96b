"""What partners and operators are shown."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.web.bodies import Shown

Faults = Annotated[tuple[dict[str, str], ...], Field(description="Every wrong place, as in a problem")]
Code = Annotated[str | None, Field(description="Why it was refused, as in a problem")]
Detail = Annotated[str | None, Field(description="The same, for people")]


class ShownResult(Shown):
    """What became of an event."""

    id: Annotated[str | None, Field(description="The hub's name for it; null where it was refused")] = None
    status: Annotated[Literal["accepted", "duplicate", "refused"], Field(description="What became of it")]
    code: Code = None
    detail: Detail = None
    errors: Faults = ()


class ShownResults(Shown):
    """Of a batch, in its order."""

    results: Annotated[list[ShownResult], Field(description="One for each event")]


class ShownCheck(Shown):
    """How an event was judged."""

    status: Annotated[Literal["acceptable", "refused"], Field(description="Whether it would be accepted")]
    code: Code = None
    detail: Detail = None
    errors: Faults = ()


class ShownChecks(Shown):
    """Of a request, in its order."""

    results: Annotated[list[ShownCheck], Field(description="One for each event")]


class ShownEvent(Shown):
    """What became of an event since."""

    partner: Annotated[str, Field(description="Whose it is")]
    event_id: Annotated[str, Field(description="Its id, as the partner gave it")]
    id: Annotated[str, Field(description="The hub's name for it")]
    page: Annotated[str, Field(description="The page that it was accepted by, or is meant for")]
    state: Annotated[Literal["accepted", "in_flight", "refused"], Field(description="How far its acceptance is")]
    accepted_at: Annotated[datetime | None, Field(description="When its page was written")]
    archived: Annotated[bool, Field(description="Whether it is in the archive")]


class ShownRate(Shown):
    """How much a partner may send."""

    events_per_second: Annotated[int, Field(description="On average")]
    burst: Annotated[int, Field(description="After a rest")]


class ShownPartner(Shown):
    """A partner as it is kept."""

    id: Annotated[str, Field(description="Its name")]
    clients: Annotated[list[str], Field(description="Subjects of its tokens")]
    publishes: Annotated[list[str], Field(description="Types it may publish")]
    rate: Annotated[ShownRate, Field(description="How much it may send")]
    strict_types: Annotated[bool, Field(description="Whether types that are not registered are refused")]
    dedupe_hours: Annotated[int, Field(description="How long an event's id is known")]
    contact: Annotated[str, Field(description="Whom to write to")]
    broker_user: Annotated[str | None, Field(description="Its user on the broker")]


class ShownType(Shown):
    """A type as it is kept."""

    id: Annotated[str, Field(description="Its name")]
    schema_document: Annotated[dict[str, Any], Field(description="JSON Schema 2020-12 of the data")]
    keep: Annotated[str, Field(description="How long its events are kept")]
    examples: Annotated[list[Any], Field(description="Data that is valid")]
