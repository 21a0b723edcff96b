"""Events are found: by time through the list of segments, by id through what blocks know is not in them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.archive.cases.reading import A_PAGE, Reading, Span
from services.archive.cases.shelf import LISTED
from services.archive.domain.deliveries import Page, WantedDeliveries
from services.archive.domain.lines import records_of
from services.archive.domain.segment import Segment
from shared.contracts.archive import ArchivedEvent, Contents, Records
from shared.contracts.hubids import AFTER_ALL, least_of
from shared.segments.lines import Block, Line
from shared.segments.merging import Budget, once
from shared.segments.sieves import may_know
from shared.store.repository import Repository

A_NAMES: Final = 100
"""Events of one name that are read at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: accepted in [`start`, `end`), by all that is given."""

    start: datetime | None = None
    end: datetime | None = None
    partner: str | None = None
    kind: str | None = None
    event_id: str | None = None
    since: str = ""
    """The page begins with the first that has this hubid or a greater one."""

    @property
    def span(self) -> Span:
        first = least_of(self.start) if self.start else ""
        return Span(max(first, self.since), least_of(self.end) if self.end else AFTER_ALL)

    def may_be_in(self, block: Block) -> bool:
        if self.partner is not None and self.partner not in block.owners:
            return False
        if self.kind is not None and self.kind not in block.kinds:
            return False
        return self.key is None or may_know(block.sieve, self.key)

    def is_it(self, line: Line) -> bool:
        if self.partner is not None and line.owner != self.partner:
            return False
        if self.kind is not None and line.kind != self.kind:
            return False
        return self.event_id is None or line.key.partition(":")[2] == self.event_id

    @property
    def key(self) -> str | None:
        """What sieves know of it."""
        return f"{self.partner}:{self.event_id}" if self.partner and self.event_id else None


@dataclass(frozen=True, slots=True)
class Found:
    """`since` of the page that follows; None where none does."""

    lines: Sequence[Line]
    since: str | None


def _finding(found: list[Line], lines: Iterator[Line], wanted: Wanted, limit: int) -> Iterator[Line]:
    """What is looked for into `found`, line by line."""
    for line in lines:
        if wanted.is_it(line):
            found.append(line)
            if len(found) == limit:
                return
        yield line


def _only(hubid: str) -> Span:
    return Span(hubid, f"{hubid}.")


def _may_have(hubid: str) -> Callable[[Block], bool]:
    return lambda block: may_know(block.sieve, hubid)


class Finding:
    """Reads segments of events, and of records. What was kept twice is told once."""

    def __init__(self, events: Reading, records: Reading, segments: Repository[Segment]) -> None:
        self._events = events
        self._records = records
        self._segments = segments

    async def find(self, wanted: Wanted, limit: int) -> Found:
        """In the order of acceptance, the first so many; fewer, or none, where much was read for them. Raises
        DamagedSegment."""
        span = wanted.span
        budget = Budget(A_PAGE, span.first)
        lines = await self._events.lines(span, wanted.may_be_in, wanted.key, budget)
        found: list[Line] = []
        await self._events.threads.drain(_finding(found, once(lines), wanted, limit + 1))
        if len(found) > limit:
            return Found(found[:limit], f"{found[limit - 1].id}.")
        return Found(found, budget.reached)

    async def has(self, hubid: str) -> bool:
        """Is an event of that name kept?"""
        lines = await self._of(self._events, hubid)
        return await self._events.threads.run(lambda: any(line.id == hubid for line in lines))

    async def named(self, partner: str, event_id: str) -> str | None:
        """The hubid of the newest event that its partner calls so. Raises DamagedSegment."""
        newest, since = None, ""
        while True:
            found = await self.find(Wanted(partner=partner, event_id=event_id, since=since), A_NAMES)
            newest = found.lines[-1].id if found.lines else newest
            if found.since is None:
                return newest
            since = found.since

    async def contents(self, hubid: str) -> Contents | None:
        """The event of that name, where it is kept. Raises DamagedSegment."""
        parts = await self._events.parted(_only(hubid), _may_have(hubid), hubid)

        def found() -> Contents | None:
            for keep, lines in parts.items():
                for line in lines:
                    if line.id == hubid:
                        return Contents(keep=keep, event=ArchivedEvent.model_validate_json(line.text))
            return None

        return await self._events.threads.run(found)

    async def records(self, hubid: str) -> Records:
        """What is on record of the event of that name. Raises DamagedSegment."""
        lines = await self._of(self._records, hubid)
        return await self._records.threads.run(lambda: records_of(hubid, list(lines)))

    @staticmethod
    async def _of(reading: Reading, hubid: str) -> Iterator[Line]:
        return await reading.lines(_only(hubid), _may_have(hubid), hubid)

    async def deliveries(self, wanted: WantedDeliveries) -> Page:
        """A page of them, filled; it ends early where much was read for it. Raises DamagedSegment."""
        page = Page(wanted)
        span, budget = Span(page.first, wanted.last), Budget(A_PAGE, page.first)
        lines = await self._records.lines(span, lambda block: wanted.bus in block.owners, budget=budget)
        await self._records.threads.drain(page.filling(lines, budget))
        return page

    async def segments(self, after: tuple[str, str] | None, limit: int) -> list[Segment]:
        return [stored.value for stored in await self._segments.find(LISTED, (), limit=limit, after=after)]
