"""How things are accepted once, in groups, by a store whose writes are of one document each.

A thing is accepted when a saved page holds its id, and by nothing else. A row for each key leads to the page and the id
that the thing was last meant for. A page is written once, under its own id, and never changed, so that whoever writes
it first decides: the one who gathered it, with all that goes, or somebody who has waited long enough for it, as a page
that holds nothing. What a row says is settled by its page:

    the page            the row                          the thing
    ------------------  -------------------------------  ----------------------------------------------------
    any                 its time is over                 free: the row may be taken
    holds its id        same contents                    a duplicate: accepted before, under the row's id
    holds its id        other contents                   reused
    does not hold it    -                                free
    is not there        younger than SETTLES             in flight
    is not there        older                            an orphan: the page is closed, and judged again

    1. the rows are inserted, all at once; those that exist are judged, and taken by compare-and-set where they may be
    2. what of it goes, and is part of an order, is numbered there
    3. the page is saved, with the ids of every unit of which all things are held or duplicates, and with its messages
    4. nobody is answered before

A number is given before the page is saved, so that whoever is told that his thing was accepted finds every later one
behind it; and it may be given for a page that is never saved. Whether there is a thing under it is settled by the page,
as with a row: whoever goes along the order closes a page that is not there in time, and passes its numbers over.

A row is turned away from its page only where that page is there and does not hold its id, or after its time: what was
accepted is never accepted a second time, whatever the clocks say and whoever dies where. Clocks decide no more than how
long somebody waits for the dead. Rows are never deleted before their time, because a row that is made anew counts its
versions anew. A page must outlive the rows that lead to it.

Nothing here awaits or knows a store. Whoever drives `settle` does each step and sends back its answer; a step that
fails ends it, and nobody of the page knows what became of his things until he asks again.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from shared.accepting.steps import (
    Accepted,
    Close,
    Found,
    Holds,
    Insert,
    Key,
    Order,
    Outcome,
    ReadPages,
    ReadRows,
    Refused,
    Row,
    Save,
    Step,
    Take,
    Unit,
    Wanted,
)
from shared.contracts.positions import Position

SETTLES: Final = timedelta(seconds=30)
"""So long a page that is not there is waited for; its rows are as old as the attempt."""
SAVED_WITHIN: Final = timedelta(seconds=20)
"""A page whose rows took longer is given up, so that one who is slow seldom meets one who has waited."""
CLOSED: Final[Holds] = ()

Settling: TypeAlias = Generator[Step, Any, Mapping[Unit, Outcome]]


@dataclass(frozen=True, slots=True)
class Watch:
    """Both clocks of a process: `now` is compared with others' times, `seconds` never runs backwards."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Held:
    """A row of this page's own stands for it."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Accepted before."""

    id: str


Stand: TypeAlias = Held | Duplicate | Literal["reused", "in_flight", "free", "orphan"]
"""How a key stands for whoever wants it."""


def settle(page: str, units: Sequence[Unit], watch: Watch) -> Settling:
    """Have units accepted by one page; no key stands in two of them."""
    began = watch.seconds()
    wanted = {thing.key: thing for unit in units for thing in unit.things}
    at = watch.now()
    there: frozenset[Key] = yield Insert(tuple(_row(thing, page, at) for thing in wanted.values()))
    stands: dict[Key, Stand] = {key: Held() for key in wanted if key not in there}
    if there:
        stands |= yield from _look(page, [wanted[key] for key in wanted if key in there], watch)
    holds = _goes(units, stands)
    ordered = _ordered(units, holds)
    positions: Mapping[str, Position] | None = (yield Order(page, ordered)) if ordered else {}
    goes = positions is not None and watch.seconds() - began <= SAVED_WITHIN.total_seconds()
    saved = False
    if Held() in stands.values():
        # Also when nothing goes: a closed page frees its rows, and its numbers, at once.
        save = Save(page, holds, positions or {}) if goes else Save(page, CLOSED)
        saved = is_ours((yield save), save.holds) and goes
    return {unit: _outcome(unit, stands, saved=saved) for unit in units}


def judge(row: Row, thing: Wanted, holds: Holds | None, now: datetime) -> Stand:
    """How a row that exists stands to a thing that is wanted; `holds` is what its page holds, None without a page."""
    if now >= row.until:
        return "free"
    if holds is None:
        return "in_flight" if is_young(row, now) else "orphan"
    if not is_in(row, holds):
        return "free"
    return Duplicate(row.id) if is_same(row, thing) else "reused"


def is_young(row: Row, now: datetime) -> bool:
    return now - row.at < SETTLES


def is_in(row: Row, holds: Holds) -> bool:
    return row.id in holds


def is_same(row: Row, thing: Wanted) -> bool:
    return row.digest == thing.digest


def _look(page: str, things: Sequence[Wanted], watch: Watch) -> Generator[Step, Any, Mapping[Key, Stand]]:
    """How those stand whose rows exist, once what is free has been taken."""
    found: Mapping[Key, Found] = yield ReadRows(tuple(thing.key for thing in things))
    # A row that is gone since has come to its end: whoever asks again finds none.
    stands: dict[Key, Stand] = {thing.key: "in_flight" for thing in things}
    # One's own row may have been there already: the driver wrote it twice, because its first answer was lost.
    stands |= {key: Held() for key, stored in found.items() if stored.row.page == page}
    here = [thing for thing in things if thing.key in found and stands[thing.key] != Held()]
    pages: Mapping[str, Holds] = yield ReadPages(_pages(found.values()))
    now = watch.now()
    stands |= {thing.key: _judged(found, pages, thing, now) for thing in here}
    orphans = [thing for thing in here if stands[thing.key] == "orphan"]
    if orphans:
        closed: Mapping[str, Holds] = yield Close(_pages(found[thing.key] for thing in orphans))
        stands |= {thing.key: _judged(found, closed, thing, now) for thing in orphans}
    free = [thing for thing in here if stands[thing.key] == "free"]
    if free:
        mine = [replace(found[thing.key], row=_row(thing, page, now)) for thing in free]
        taken: frozenset[Key] = yield Take(tuple(mine))
        stands |= {thing.key: Held() if thing.key in taken else "in_flight" for thing in free}
    return stands


def _judged(found: Mapping[Key, Found], pages: Mapping[str, Holds], thing: Wanted, now: datetime) -> Stand:
    row = found[thing.key].row
    return judge(row, thing, pages.get(row.page), now)


def _pages(found: Iterable[Found]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.row.page for each in found))


def _row(thing: Wanted, page: str, at: datetime) -> Row:
    return Row(thing.key, thing.digest, thing.id, page, at, at + thing.life)


def _goes(units: Sequence[Unit], stands: Mapping[Key, Stand]) -> Holds:
    """What the page will hold: of whole units alone, and nothing that another page holds."""
    going = [unit for unit in units if _refusal(unit, stands) is None]
    return tuple(thing.id for unit in going for thing in unit.things if stands[thing.key] == Held())


def _ordered(units: Sequence[Unit], holds: Holds) -> tuple[tuple[str, str], ...]:
    """Of what goes, what is part of an order, with its lane; as it was told."""
    lanes = {thing.id: thing.lane for unit in units for thing in unit.things}
    return tuple((id_, lanes[id_]) for id_ in holds if lanes[id_])


def is_ours(stored: Holds, holds: Holds) -> bool:
    """What was there first may have been our own, whose acknowledgement was lost."""
    return stored == holds


def _refusal(unit: Unit, stands: Mapping[Key, Stand]) -> Refused | None:
    """What keeps a unit from being accepted; that it never will be comes first."""
    for reason in ("reused", "in_flight"):
        for thing in unit.things:
            if stands[thing.key] == reason:
                return Refused(thing.key, reason)
    return None


def _outcome(unit: Unit, stands: Mapping[Key, Stand], *, saved: bool) -> Outcome:
    if (refusal := _refusal(unit, stands)) is not None:
        return refusal
    held = [thing for thing in unit.things if stands[thing.key] == Held()]
    if held and not saved:
        return Refused(held[0].key, "in_flight")
    return Accepted({thing.key: _told(thing, stands[thing.key]) for thing in unit.things})


def _told(thing: Wanted, stand: Stand) -> tuple[str, Literal["accepted", "duplicate"]]:
    return (stand.id, "duplicate") if isinstance(stand, Duplicate) else (thing.id, "accepted")
