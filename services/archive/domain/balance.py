"""What became of the events of a time, counted: each event, copy and end once, however often it was kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Final, Self

from services.archive.domain.lines import records_of
from services.archive.domain.segment import RECORDS
from shared.contracts.archive import Attempt, MinuteOfEvents, Records, Stands
from shared.contracts.hubids import minute_at, minute_of
from shared.segments.lines import Line
from shared.segments.merging import Budget, once

WAITING: Final[Stands] = "waiting"
"""Nothing was tried yet; or the target is a queue, a service or a feed, of which nothing more is known."""
RETRYING: Final[Stands] = "retrying"
Count = dict[str, dict[str, int]]
MOST_UNROUTED: Final = 1_000
"""Events that are named on a page: where more were not routed, it ends there."""


@dataclass(frozen=True, slots=True)
class Unrouted:
    """An event that is archived, and of whose routing nothing is on record: it is under way, or its page was lost."""

    hubid: str
    partner: str
    id: str
    type: str

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(line.id, line.owner, line.key.partition(":")[2], line.kind)


@dataclass
class Balance:
    """`events` by partner and type, where it was asked in each of `minutes` by partner and class of keeping; by
    `bus/target` the `copies` that were routed, and how each of them stands; by `bus/target` how those of replays ended;
    by bus the events with which its rules had too much work; the events that were not routed."""

    events: Count = field(default_factory=dict)
    minutes: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    copies: dict[str, int] = field(default_factory=dict)
    outcomes: Count = field(default_factory=dict)
    counted_only: dict[str, int] = field(default_factory=dict)
    replayed: Count = field(default_factory=dict)
    undecided: dict[str, int] = field(default_factory=dict)
    unrouted: list[Unrouted] = field(default_factory=list)

    def in_minutes(self) -> list[MinuteOfEvents]:
        """The same as the hub tells it."""
        return [
            MinuteOfEvents(partner=partner, keep=keep, minute=minute_at(minute), events=count)
            for (partner, keep, minute), count in sorted(self.minutes.items())
        ]


def balancing(
    made: Balance,
    kept: Mapping[str, Iterator[Line]],
    told: Iterator[Line],
    budget: Budget,
    *,
    by_minute: bool,
    on_record: str = "",
) -> Iterator[None]:
    """Count into `made`, event by event, what is kept by class of keeping, and what is on record, as far as the budget
    goes: what the next page begins with is told by it. All lines are in the order of hubids. `on_record`: of events
    from that one on it is known whether they were routed."""
    of_events = [_labelled(keep, once(lines)) for keep, lines in kept.items()]
    both = merge(*of_events, _labelled(RECORDS, told), key=itemgetter(0))
    for hubid, group in groupby(both, key=itemgetter(0)):
        if len(made.unrouted) >= MOST_UNROUTED:
            budget.end(hubid)
        if not budget.has(hubid):
            return
        event, records = None, list[Line]()
        for _, keep, line in group:
            if keep == RECORDS:
                records.append(line)
            else:
                event = line
                _add_event(made, keep, line, by_minute=by_minute)
        found = records_of(hubid, records)
        _add_records(made, found)
        if event is not None and not found.is_routed and hubid >= on_record:
            made.unrouted.append(Unrouted.of(event))
        yield


def _labelled(keep: str, lines: Iterable[Line]) -> Iterator[tuple[str, str, Line]]:
    for line in lines:
        yield line.id, keep, line


def _add_event(made: Balance, keep: str, line: Line, *, by_minute: bool) -> None:
    _add(made.events, line.owner, line.kind)
    if by_minute:
        made.minutes[line.owner, keep, minute_of(line.id)] += 1


def _add_records(made: Balance, records: Records) -> None:
    last: dict[str, Attempt] = {}
    replayed: dict[str, Attempt] = {}
    for attempt in records.attempts:  # by time
        place = f"{attempt.bus}/{attempt.target}"
        if attempt.replay:
            replayed[f"{place} {attempt.replay}"] = attempt  # a copy that was redriven has another delivery id
        else:
            last[place] = attempt
    routed = Counter(f"{each.bus}/{each.target}" for each in records.routed if not each.shadow)
    for place in routed:  # two revisions may have asked for it: it is one copy, under one delivery id
        made.copies[place] = made.copies.get(place, 0) + 1
        _add(made.outcomes, place, stands(last.get(place)))
    for place in {f"{each.bus}/{each.target}" for each in records.routed if each.shadow}:
        made.counted_only[place] = made.counted_only.get(place, 0) + 1
    for name, attempt in replayed.items():
        _add(made.replayed, name.partition(" ")[0], stands(attempt))
    for bus in {each.bus for each in records.undecided}:
        made.undecided[bus] = made.undecided.get(bus, 0) + 1


def stands(last: Attempt | None) -> Stands:
    """How a copy stands of which this is the last attempt."""
    match last.outcome if last is not None else None:
        case None:
            return WAITING
        case "refused" | "failed" | "redriven":
            return RETRYING
        case ended:
            return ended


def _add(counts: Count, name: str, kind: str) -> None:
    by_kind = counts.setdefault(name, {})
    by_kind[kind] = by_kind.get(kind, 0) + 1
