"""What there is, and what became of the events of a time, counted page by page: the counts of all pages add up."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.archive.cases.reading import A_PAGE, SEGMENTS, Reading, Span
from services.archive.cases.shelf import LISTED
from services.archive.domain.balance import Balance, balancing
from services.archive.domain.segment import RECORDS_KEPT, Segment
from shared.contracts.hubids import AFTER_ALL, least_of
from shared.kernel.clock import Clock
from shared.segments.merging import Budget
from shared.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the next page goes on: with the events from that hubid on, and behind a segment of the list. AFTER_ALL
    where either is counted."""

    hubid: str = ""
    last: str = ""
    segment: str = ""

    @property
    def is_all(self) -> bool:
        return self.hubid == self.last == AFTER_ALL


@dataclass(frozen=True, slots=True)
class Totals:
    """Of closed segments; one page of events was perhaps kept twice, and counts twice."""

    segments: int = 0
    events: int = 0
    bytes: int = 0
    partners: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    totals: Totals
    balance: Balance | None
    following: Reached | None


ON_RECORD: Final = RECORDS_KEPT - timedelta(days=1)
"""Of younger events it is on record whether they were routed. Records are removed while a page is counted."""


class Balancing:
    """Of events, and of what is on record of them."""

    def __init__(self, events: Reading, records: Reading, segments: Repository[Segment], clock: Clock) -> None:
        self._clock = clock
        self._events = events
        self._records = records
        self._segments = segments

    async def page(self, span: tuple[datetime, datetime] | None, after: Reached, *, by_minute: bool = False) -> Page:
        """The balance of a time, where one is named, and the totals, as far as one request may go. Raises
        DamagedSegment, OSError, Unavailable."""
        balance, hubid = None, AFTER_ALL
        if span is not None:
            balance = Balance()
            left = Span(max(least_of(span[0]), after.hubid), least_of(span[1]))
            hubid = await self._balance(balance, left, by_minute=by_minute)
        totals, last, segment = await self._totals(after)
        following = Reached(hubid, last, segment)
        return Page(totals, balance, None if following.is_all else following)

    async def _balance(self, made: Balance, left: Span, *, by_minute: bool) -> str:
        """Count into `made`, and tell where it ended."""
        if left.first >= left.last:
            return AFTER_ALL
        budget = Budget(A_PAGE, left.first)
        kept = await self._events.parted(left, budget=budget)
        told = await self._records.lines(left, budget=budget)
        on_record = least_of(self._clock.now() - ON_RECORD)
        counted = balancing(made, kept, told, budget, by_minute=by_minute, on_record=on_record)
        await self._events.threads.drain(counted)
        return budget.reached or AFTER_ALL

    async def _totals(self, after: Reached) -> tuple[Totals, str, str]:
        if after.last == AFTER_ALL:
            return Totals(), AFTER_ALL, ""
        place = (after.last, after.segment) if after.segment else None
        page = [stored.value for stored in await self._segments.find(LISTED, (), limit=SEGMENTS, after=place)]
        there = [each for each in page if each.removed_at is None]
        totals = Totals(
            segments=len(there),
            events=sum(each.count for each in there),
            bytes=sum(each.size for each in there),
            partners=dict(sum((Counter(each.owners) for each in there), Counter())),
            types=dict(sum((Counter(each.kinds) for each in there), Counter())),
        )
        return (totals, page[-1].last, page[-1].id) if len(page) == SEGMENTS else (totals, AFTER_ALL, "")
