"""Events are found: by time through the list of segments, by id through what blocks know is not in them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.archive.cases.reading import Reading, Span
from services.archive.cases.shelf import LISTED
from services.archive.domain.balance import Balance, balancing, counting
from services.archive.domain.deliveries import Page
from services.archive.domain.lines import records_of
from services.archive.domain.segment import Segment
from shared.contracts.archive import Deliveries, Records, WantedDeliveries
from shared.contracts.hubids import AFTER_ALL, least_of
from shared.segments.lines import Block, Line
from shared.segments.merging import once
from shared.segments.sieves import may_know
from shared.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: accepted in [`start`, `end`), by all that is given."""

    start: datetime | None = None
    end: datetime | None = None
    partner: str | None = None
    kind: str | None = None
    event_id: str | None = None
    after: str = ""
    """The hubid that the page follows."""

    @property
    def span(self) -> Span:
        first = least_of(self.start) if self.start else ""
        return Span(max(first, self.after), least_of(self.end) if self.end else AFTER_ALL)

    def may_be_in(self, block: Block) -> bool:
        if self.partner is not None and self.partner not in block.owners:
            return False
        if self.kind is not None and self.kind not in block.kinds:
            return False
        return self.key is None or may_know(block.sieve, self.key)

    def is_it(self, line: Line) -> bool:
        if line.id == self.after:
            return False
        if self.partner is not None and line.owner != self.partner:
            return False
        if self.kind is not None and line.kind != self.kind:
            return False
        return self.event_id is None or line.key.partition(":")[2] == self.event_id

    @property
    def key(self) -> str | None:
        """What sieves know of it."""
        return f"{self.partner}:{self.event_id}" if self.partner and self.event_id else None


class Finding:
    """Reads segments of events, and of records. What was kept twice is told once."""

    def __init__(self, events: Reading, records: Reading, segments: Repository[Segment]) -> None:
        self._events = events
        self._records = records
        self._segments = segments

    async def find(self, wanted: Wanted, limit: int) -> list[Line]:
        """In the order of acceptance, the first so many. Raises DamagedSegment."""
        lines = await self._events.lines(wanted.span, wanted.may_be_in, wanted.key)

        def first() -> list[Line]:
            found: list[Line] = []
            for line in once(lines):
                if wanted.is_it(line):
                    found.append(line)
                    if len(found) == limit:
                        break
            return found

        return await self._events.threads.run(first)

    async def has(self, hubid: str) -> bool:
        """Is an event of that name kept?"""
        lines = await self._of(self._events, hubid)
        return await self._events.threads.run(lambda: any(line.id == hubid for line in lines))

    async def records(self, hubid: str) -> Records:
        """What is on record of the event of that name. Raises DamagedSegment."""
        lines = await self._of(self._records, hubid)
        return await self._records.threads.run(lambda: records_of(hubid, list(lines)))

    @staticmethod
    async def _of(reading: Reading, hubid: str) -> Iterator[Line]:
        return await reading.lines(Span(hubid, f"{hubid}."), lambda block: may_know(block.sieve, hubid), hubid)

    async def deliveries(self, wanted: WantedDeliveries) -> Deliveries:
        """A page of them; it ends early where much was read for it. Raises DamagedSegment."""
        page = Page(wanted)
        lines = await self._records.lines(Span(page.first, wanted.last), lambda block: wanted.bus in block.owners)
        await self._records.threads.drain(page.filling(lines))
        return Deliveries(deliveries=tuple(page.found), after=page.after)

    async def segments(self, after: tuple[str, str] | None, limit: int) -> list[Segment]:
        return [stored.value for stored in await self._segments.find(LISTED, (), limit=limit, after=after)]

    async def stats(self) -> dict[str, Any]:
        """All that is in closed segments; one page was perhaps kept twice, and counts twice."""
        all_ = await self._events.listed(Span())
        return {
            "segments": len(all_),
            "events": sum(each.count for each in all_),
            "bytes": sum(each.size for each in all_),
            "partners": dict(sum((Counter(each.owners) for each in all_), Counter())),
            "types": dict(sum((Counter(each.kinds) for each in all_), Counter())),
        }

    async def balance(self, start: datetime, end: datetime, *, by_minute: bool = False) -> Balance:
        """What became of the events accepted in [`start`, `end`). Raises DamagedSegment, BeingRead."""
        span, made, threads = Span(least_of(start), least_of(end)), Balance(), self._events.threads
        with threads.alone():
            for keep in await threads.run(self._events.classes):
                events = once(await self._events.lines(span, keep=keep))
                await threads.drain(counting(made, keep, events, by_minute=by_minute))
            await threads.drain(balancing(made, await self._records.lines(span)))
        return made
