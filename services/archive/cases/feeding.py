"""Feeds are read: what the rules of one target select of all that is kept, from a cursor on.

What is kept later stands behind what was kept before, whenever it was accepted, so no cursor ever passes it. What was
kept twice may be told twice.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.archive.cases.reading import NOT_LISTED, Reading, Span
from services.archive.cases.shelf import NAMED, PAGE, place_of
from services.archive.cases.streams import Stream
from services.archive.domain.feed import Cursor, Log, beginning, behind, missing
from services.archive.domain.picking import Broken, Picked, picked
from services.archive.domain.segment import RECORDS, Segment
from services.archive.domain.selecting import sees
from services.archive.ports import Hub
from shared.contracts.archive import ArchivedEvent
from shared.contracts.hubids import least_of
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.streams import OpenStreams
from shared.routing.bus import Bus, compiled
from shared.segments.following import Position
from shared.segments.lines import GONE, DamagedSegment, Line
from shared.segments.places import Place
from shared.store.repository import Repository

AT_ONCE: Final = 0.1
"""Seconds of looking for a page, in which nothing may be found: meanwhile others of this process are slower."""
LARGEST: Final = 4 << 20
"""Bytes of a page, and one event."""
LOOKS: Final = 0.25
"""Seconds between two looks for what is new."""
WAITING: Final = 100
"""Requests of one process that wait."""
PER_CALLER: Final = 20
"""Of them, or one client's feeds would keep all others waiting."""
BUSES: Final = 64
"""That are kept compiled."""


class NoFeed(Exception):
    """There is none of that name; or it is another partner's."""


class Expired(Exception):
    """What followed the cursor was kept as long as it should be, and is gone. `oldest` is what is still there."""

    def __init__(self, oldest: Cursor) -> None:
        super().__init__("the cursor is older than what is kept")
        self.oldest = oldest


@dataclass
class Page:
    """`more`: there is more to look through at once."""

    events: list[dict[str, Any]]
    broken: list[Broken]
    cursor: Cursor
    more: bool

    @property
    def is_empty(self) -> bool:
        return not self.events and not self.broken


class Feeding:
    """Of one process. Whoever reads keeps the cursor."""

    def __init__(  # noqa: PLR0917 - its composition root has them in this order
        self,
        root: Place,
        classes: Callable[[], Sequence[str]],
        reading: Reading,
        segments: Repository[Segment],
        hub: Hub,
        draining: asyncio.Event,
        clock: Clock,
    ) -> None:
        self.hub = hub
        self.waits = OpenStreams(WAITING, PER_CALLER)
        self._root = root
        self._classes = classes
        self._reading = reading
        self._segments = segments
        self._draining = draining
        self._clock = clock
        self._buses: OrderedDict[tuple[str, int], Bus] = OrderedDict()

    async def bus(self, name: str, target: str, partner: str | None) -> Bus:
        """That which has the feed, as it is in force. `partner`: of that one alone. Raises NoFeed, HubUnavailable,
        WrongBus."""
        told = await self.hub.bus(name)
        if told is None or partner not in {None, told.terms.partner}:
            raise NoFeed
        if target not in told.terms.targets or not told.terms.targets[target].feed:
            raise NoFeed
        key = told.bus, told.revision
        if key not in self._buses:
            self._buses[key] = compiled(told.bus, told.revision, told.terms)
            if len(self._buses) > BUSES:
                self._buses.popitem(last=False)
        return self._buses[key]

    async def first(self, start: datetime | None) -> Cursor:
        """Of the oldest that there is; or of what was accepted then or later. Raises Unavailable, OSError."""
        logs = await self._reading.threads.run(self._logs)
        if start is None:
            return Cursor({log: await self._oldest(log, names) for log, (_, names) in logs.items()})
        floor = least_of(start)
        positions: dict[Log, Position] = {}
        young: dict[Log, list[str]] = {}
        for segment in await self._reading.listed(Span(floor)):
            young.setdefault((segment.keep, segment.id.partition(".")[0]), []).append(segment.id)
        for log, (place, names) in logs.items():
            found = await self._reading.threads.run(lambda: place.segments(log[1]))  # noqa: B023 - it is awaited here
            unlisted = [each.name for each in found if each.is_open]
            candidates = [*young.get(log, []), *unlisted, *names[-NOT_LISTED:]]
            positions[log] = Position(min(candidates)) if candidates else await self._oldest(log, names)
        return Cursor(positions, floor)

    async def read(self, bus: Bus, target: str, cursor: Cursor, limit: int, wait: float) -> Page:
        """What follows the cursor; where nothing does, it is waited for so many seconds. Enter `waits`
        before. Raises Expired, DamagedSegment, OSError, Unavailable."""
        until = running_seconds() + wait
        while True:
            page = await self._page(bus, target, cursor, limit)
            if not page.is_empty or running_seconds() >= until or self._draining.is_set():
                return page
            cursor = page.cursor
            if not page.more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOKS):
                        await self._draining.wait()

    async def _page(self, bus: Bus, target: str, cursor: Cursor, limit: int) -> Page:
        logs = await self._reading.threads.run(self._logs)
        streams = [
            Stream(log, place, names, cursor.positions.get(log, beginning(log[1])))
            for log, (place, names) in logs.items()
        ]
        page = await self._reading.threads.run(lambda: self._collected(bus, target, cursor.floor, streams, limit))
        passed = [stream for stream in streams if stream.may_have_passed]
        lost = [stream for stream in passed if await self._has_lost(stream, bus)]
        if lost:
            oldest = {stream.log: await self._oldest(stream.log, stream.names) for stream in lost}
            raise Expired(Cursor({**cursor.positions, **oldest}, cursor.floor))
        positions = {**cursor.positions, **{stream.log: stream.position for stream in streams}}
        return Page(page.events, page.broken, Cursor(positions, cursor.floor), more=any(not s.ended for s in streams))

    def _collected(self, bus: Bus, target: str, floor: str, streams: Sequence[Stream], limit: int) -> Picked:
        """In the order of acceptance, as far as each log is in it. It blocks."""
        found, seen, size = Picked([], []), set[str](), 0
        until = running_seconds() + AT_ONCE
        heads: list[tuple[str, int, Line]] = []

        def pull(number: int) -> None:
            line = streams[number].pull(until)
            if line is not None:
                heapq.heappush(heads, (line.id, number, line))

        for number, stream in enumerate(streams):
            stream.begin(lambda block: any(sees(bus, owner) for owner in block.owners), self._reading.read_line)
            pull(number)
        while heads and len(found) < limit and size < LARGEST and running_seconds() < until:
            _, number, line = heapq.heappop(heads)
            if line.id >= floor and line.id not in seen and sees(bus, line.owner):
                seen.add(line.id)
                before = len(found)
                found.add(picked(bus, target, ArchivedEvent.model_validate_json(line.text)))
                size += len(line.text) * (len(found) > before)
            streams[number].take()
            pull(number)
        return found

    async def _has_lost(self, stream: Stream, bus: Bus) -> bool:
        """Raises DamagedSegment where something is not there whose time was not over."""
        last = stream.position.segment if stream.position.segment != stream.start.segment else None
        passed = await self._listed(stream.log, stream.start.segment, last)
        gone = missing(stream.start, stream.opened | set(stream.names), passed)
        for segment in gone:
            if not segment.is_over(self._clock.now()):
                raise DamagedSegment(segment.id, GONE)
        return any(sees(bus, owner) for segment in gone for owner in segment.owners)

    async def _listed(self, log: Log, first: str, last: str | None) -> list[Segment]:
        """Those of a log from a name on; up to another one, or the next few."""
        keep, writer = log
        found: list[Segment] = []
        here = await self._segments.load(first)
        if here is not None and here.value.keep == keep:
            found.append(here.value)
        after = first
        while True:
            page = [stored.value for stored in await self._segments.find(NAMED, (keep,), limit=PAGE, after=(after,))]
            found += [each for each in page if each.id.startswith(f"{writer}.") and (last is None or each.id <= last)]
            if len(page) < PAGE or last is None or page[-1].id > last:
                return found
            after = page[-1].id

    async def _oldest(self, log: Log, names: Sequence[str]) -> Position:
        """Of the segments that there are; where there are none, behind all that there were."""
        if names:
            return Position(names[0])
        keep, writer = log
        last = await self._segments.find(NAMED, (keep,), limit=1, after=(f"{writer}.~",), descending=True)
        if last and last[0].value.id.startswith(f"{writer}."):
            return behind(last[0].value)
        return beginning(writer)

    def _logs(self) -> dict[Log, tuple[Place, list[str]]]:
        """Each with its place and the names of its segments. It blocks."""
        places = {keep: place_of(self._root, keep) for keep in self._classes() if keep != RECORDS}
        return {
            (keep, writer): (place, [each.name for each in place.segments(writer)])
            for keep, place in places.items()
            for writer in place.writers()
        }
