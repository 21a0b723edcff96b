"""A lane: what of one partner's events has one key, in order. Pure.

Numbers are given when a page is about to be saved, and are settled by it: a page that holds something has an event
under each of its numbers, one that was closed under none. So a lane knows for which page each number was given until it
has been routed, and whoever goes along it finds no gap that it cannot judge. Beside that it counts the copies that each
ordered target was given, in the write that holds them: a target's copies have no gap at all.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.contracts.positions import Position
from shared.kernel.values import Value, changed

LIFE: Final = timedelta(days=35)
"""A lane in which nothing happens for so long is forgotten: longer than an event's id is known."""
MOST_SPANS: Final = 200
"""Pages that are known by their names; of those before them it is looked up whether they hold anything."""
GIVES_UP: Final = timedelta(hours=1)
"""So long an event that was accepted is waited for that cannot be routed; those behind it go on without it then."""
MOST_PASSED: Final = 1_000
"""Events that were passed over and are still to come; no more are."""

Turn = Literal["now", "late", "past", "loose", "waits"]
"""`late`: it was passed over; `past`: it was routed; `loose`: the lane does not know it, and it has no place there."""


class Span(Value):
    """Numbers that were given for a page; `page` is empty where it is settled that there is an event under each."""

    page: str
    first: int
    last: int


class Stream(Value):
    """One target's copies: how many there are, and the number of the event that had the last one."""

    id: str
    count: int = 0
    through: int = 0


class Lane(BaseModel):
    """`given` is the last number that anybody has, `routed` the last one that is settled; `spans` are those behind it.
    `passed` numbers were given up: what comes under them is welcome after all, but where it had its copy already.
    `waits_for` is the number that does not come, since then. `streams` are by `place`."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    epoch: str
    at: AwareDatetime
    given: int = 0
    routed: int = 0
    spans: tuple[Span, ...] = ()
    passed: dict[int, tuple[str, ...]] = {}
    waits_for: int = 0
    waits_since: AwareDatetime | None = None
    streams: dict[str, Stream] = {}

    @property
    def head(self) -> Span | None:
        """Where the next number is."""
        return self.spans[0] if self.spans else None


def wakes(lane: Lane) -> datetime:
    return lane.at + LIFE


def place(bus: str, target: str, since: int) -> str:
    """A target's name for lanes: one that was away, or had no order meanwhile, counts anew."""
    return f"{bus}/{target}@{since}"


def given(lane: Lane | None, position: Position, page: str, count: int, now: datetime) -> Lane:
    """With so many numbers for a page; those it has already, where this is the echo of one's own write. `position`
    names the lane, and the epoch of one that is new."""
    lane = lane or Lane(id=position.lane, epoch=position.epoch, at=now)
    if any(span.page == page for span in lane.spans):
        return lane
    last = lane.given + count
    return changed(lane, given=last, spans=(*lane.spans, Span(page=page, first=lane.given + 1, last=last)), at=now)


def renewed(lane: Lane | None, since: datetime | None, epoch: str, now: datetime) -> Lane | None:
    """The lane, or a new one in its place where it was last written before `since`, when the store came out of a
    backup: numbers were given and copies counted that it knows nothing of. What has an old number is loose then."""
    return Lane(id=lane.id, epoch=epoch, at=now) if lane is not None and is_older(lane, since) else lane


def is_older(lane: Lane, since: datetime | None) -> bool:
    """Was it last written before `since`? Never where there is no such moment."""
    return since is not None and lane.at < since


def positions(lane: Lane, page: str) -> list[Position]:
    """Those that were given for the page."""
    spans = [span for span in lane.spans if span.page == page]
    numbers = [number for span in spans for number in range(span.first, span.last + 1)]
    return [Position(lane=lane.id, epoch=lane.epoch, number=number) for number in numbers]


def turn(lane: Lane | None, position: Position, page: str) -> Turn:
    """How an event that came with a page stands."""
    if lane is None or lane.epoch != position.epoch:
        return "loose"
    if position.number in lane.passed:
        return "late"
    if position.number <= lane.routed:
        return "past"
    if not any(span.page in {page, ""} and span.first <= position.number <= span.last for span in lane.spans):
        return "loose"
    return "now" if position.number == lane.routed + 1 else "waits"


def routed(lane: Lane, number: int, now: datetime) -> Lane:
    """The event under this number has its copies."""
    if number in lane.passed:
        return changed(lane, passed={each: had for each, had in lane.passed.items() if each != number}, at=now)
    return _after(lane, number, now)


def voided(lane: Lane, now: datetime) -> Lane:
    """Without the numbers of the head, whose page was closed."""
    return _after(lane, lane.spans[0].last, now) if lane.spans else lane


def waiting(lane: Lane, now: datetime) -> Lane:
    """Somebody waits for the next number."""
    number = lane.routed + 1
    return lane if lane.waits_for == number else changed(lane, waits_for=number, waits_since=now)


def waited(lane: Lane, now: datetime) -> timedelta:
    """For how long the next number has been waited for."""
    is_known = lane.waits_for == lane.routed + 1 and lane.waits_since is not None
    return now - lane.waits_since if is_known and lane.waits_since is not None else timedelta(0)


def passed_over(lane: Lane, now: datetime) -> Lane:
    """The next number was accepted and does not come: in the end it is given up."""
    if waited(lane, now) < GIVES_UP or len(lane.passed) >= MOST_PASSED:
        return lane
    number = lane.routed + 1
    had = tuple(where for where, stream in lane.streams.items() if stream.through == number)
    return changed(_after(lane, number, now), passed={**lane.passed, number: had})


def merged(lane: Lane, held: frozenset[str]) -> Lane:
    """Without the names of pages that are known to hold what was numbered for them."""
    spans: list[Span] = []
    for span in lane.spans:
        named = changed(span, page="") if span.page in held else span
        before = spans[-1] if spans else None
        if before is not None and not before.page and not named.page:
            spans[-1] = changed(before, last=named.last)
        else:
            spans.append(named)
    return changed(lane, spans=tuple(spans))


def numbered(lane: Lane, where: str, number: int, new_id: str) -> tuple[Lane, Stream] | None:
    """With one copy more for a place, of the event under this number; None where it has had it. `new_id` names the
    stream where it is the first one there."""
    stream = lane.streams.get(where) or Stream(id=new_id)
    had = lane.passed.get(number)
    if where in had if had is not None else stream.through >= number:
        return None
    after = changed(stream, count=stream.count + 1, through=max(stream.through, number))
    return changed(lane, streams={**lane.streams, where: after}), after


def _after(lane: Lane, number: int, now: datetime) -> Lane:
    spans = tuple(span for span in lane.spans if span.last > number)
    return changed(lane, routed=number, spans=spans, at=now, waits_for=0, waits_since=None)
