"""What partners and operators are shown."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from services.hub.domain.journey import State
from shared.web.bodies import Shown
from shared.web.pages import NextCursor

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


class ShownMatching(Shown):
    """A rule that would match. Without a name: the rules of the bus have too much work with the event."""

    bus: Annotated[str, Field(description="Whose rule it is")]
    revision: Annotated[int, Field(description="Of the bus")]
    rule: Annotated[str | None, Field(description="Its name")]
    mode: Annotated[Literal["on", "shadow"] | None, Field(description="Whether it sends, or is only counted")]
    share: Annotated[int | None, Field(description="Per cent of the events")]
    to: Annotated[list[str], Field(description="Its targets")]


class ShownCheck(Shown):
    """How an event was judged."""

    status: Annotated[Literal["acceptable", "refused"], Field(description="Whether it would be accepted")]
    code: Code = None
    detail: Detail = None
    errors: Faults = ()
    rules: Annotated[tuple[ShownMatching, ...], Field(description="Those that would match, whatever their share")] = ()


class ShownChecks(Shown):
    """Of a request, in its order."""

    results: Annotated[list[ShownCheck], Field(description="One for each event")]


class ShownAttempt(Shown):
    """One try to deliver a copy, or its end."""

    at: Annotated[datetime, Field(description="When")]
    ms: Annotated[int, Field(description="How long it took")]
    attempt: Annotated[int, Field(description="1 for the first; 0 where there was none")]
    outcome: Annotated[str, Field(description="How it ended")]
    status: Annotated[int | None, Field(description="The receiver's HTTP status")]
    fault: Annotated[str | None, Field(description="What went wrong, in a word")]
    replay: Annotated[str | None, Field(description="The replay that it is of")]


class ShownLeg(Shown):
    """The event's way to one target."""

    bus: Annotated[str, Field(description="Whose target it is")]
    revision: Annotated[int | None, Field(description="Of the bus, that it was routed by; null for a replay's")]
    rules: Annotated[
        list[str], Field(description="Those that asked for it; the first decided what is sent; none of a replay's")
    ]
    target: Annotated[str, Field(description="Its name")]
    state: Annotated[
        State,
        Field(
            description="`counted`: by a rule that sends nothing; `waiting`, `tried`; `in_queue`, `handed_over` and "
            "`in_feed`: what follows is the receiver's business; the others are ends"
        ),
    ]
    replay: Annotated[str | None, Field(description="The replay that it is of: it is on record when it was tried")]
    attempts: Annotated[list[ShownAttempt], Field(description="In their order")]


class ShownUndecided(Shown):
    """A bus that made no copy, because its rules had too much work with the event."""

    bus: Annotated[str, Field(description="Its name")]
    revision: Annotated[int, Field(description="Of the bus")]


class ShownEvent(Shown):
    """What became of an event since."""

    partner: Annotated[str, Field(description="Whose it is")]
    event_id: Annotated[str, Field(description="Its id, as the partner gave it")]
    id: Annotated[str, Field(description="The hub's name for it")]
    page: Annotated[
        str, Field(description="The page that it was accepted by, or is meant for; empty of an event of long ago")
    ]
    state: Annotated[Literal["accepted", "in_flight", "refused"], Field(description="How far its acceptance is")]
    accepted_at: Annotated[datetime | None, Field(description="When its page was written")]
    archived: Annotated[bool, Field(description="Whether it is in the archive")]
    targets: Annotated[list[ShownLeg], Field(description="For whom it was, as far as that is on record")]
    undecided: Annotated[list[ShownUndecided], Field(description="Buses whose rules had too much work with it")]


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
    personal: Annotated[list[str], Field(description="Where something personal stands")]
    redact: Annotated[Literal["drop", "hash"] | None, Field(description="What is kept in its place")]
    examples: Annotated[list[Any], Field(description="Data that is valid")]
    ordered_by: Annotated[str | None, Field(description="Where the key stands whose events stay in order")]


class ShownBus(Shown):
    """A bus as it is kept."""

    id: Annotated[str, Field(description="Its name")]
    revision: Annotated[int, Field(description="Counts its files")]
    by: Annotated[str, Field(description="Who applied it")]
    at: Annotated[datetime, Field(description="When")]
    terms: Annotated[dict[str, Any], Field(description="Its file, as it can be applied")]
    active: Annotated[
        bool | None, Field(description="Whether all living replicas go by it; null where that was not asked")
    ] = None


class ShownBuses(Shown):
    """Buses by their names."""

    buses: Annotated[list[ShownBus], Field(description="As they are kept")]
    next_cursor: NextCursor = None


class ShownChange(Shown):
    """One thing that a file would change."""

    what: Annotated[Literal["bus", "rule", "target"], Field(description="Of what kind it is")]
    name: Annotated[str, Field(description="Of the rule or target; empty for the bus itself")]
    change: Annotated[
        Literal["added", "changed", "removed", "moved"], Field(description="`moved`: the order of the rules is another")
    ]


class ShownPlan(Shown):
    """What a file would do."""

    changes: Annotated[list[ShownChange], Field(description="Against the file in force")]
    queues: Annotated[list[str], Field(description="To be made")]
    cost: Annotated[int, Field(description="Of its rules; a bus may have 5000")]


class ShownRevision(Shown):
    """What a bus said before."""

    bus: Annotated[str, Field(description="Its name")]
    revision: Annotated[int, Field(description="Counts its files")]
    by: Annotated[str, Field(description="Who applied it")]
    at: Annotated[datetime, Field(description="When")]
    terms: Annotated[dict[str, Any] | None, Field(description="Its file; null where it was deleted")]


class ShownRevisions(Shown):
    """The newest first."""

    revisions: Annotated[list[ShownRevision], Field(description="Without the one in force")]
    next_cursor: NextCursor = None


class ShownExplanation(Shown):
    """Why an event matches a pattern, or does not."""

    matches: Annotated[bool, Field(description="The verdict")]
    failed_at: Annotated[
        str | None, Field(description="The first clause that does not hold: a pointer into the pattern")
    ]
    test: Annotated[Any, Field(description="What it asks")]
    at: Annotated[str | None, Field(description="Where in the event: a pointer")]
    found: Annotated[str | None, Field(description="What kind of value stands there")]
    reason: Annotated[str, Field(description="All that decided, for people; no value of a personal field is in it")]
