"""Who waits to be accepted is gathered into pages: one fills while the one before it is on its way to the disk.

An idle process lets nobody wait, a busy one writes no more pages than its disk takes, and what waits has a bound.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.accepting.books import Books
from shared.accepting.steps import Holds, Outcome, Refused, Unit
from shared.contracts.messages import OutboxMessage
from shared.contracts.positions import Position
from shared.kernel.clock import running_seconds
from shared.kernel.ids import Ids

LARGEST_PAGE: Final = 256
"""Things in a page; one unit of more is a page of its own."""
LARGEST_BYTES: Final = 512 * 1024
LONGEST_WAIT: Final = 1.0
"""Seconds that the first in the line may have waited: whoever comes then is turned away."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""That wait."""
SECOND_LOOK: Final = 1.0
"""Seconds after which one that somebody else has in hand is looked at again, once."""


class Overloaded(Exception):
    """More comes in than is written. Nothing was accepted; it may be tried again."""


@dataclass(eq=False)
class _Waiting:
    unit: Unit
    entries: Mapping[str, bytes]
    since: float
    done: asyncio.Future[Outcome]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(map(len, self.entries.values()))


class Speaker(Protocol):
    """Makes the messages that go out with a page."""

    def messages(self, page: str, entries: Sequence[tuple[bytes, Position | None]]) -> Sequence[OutboxMessage]:
        """`entries` are those of the things that the page holds, in its order, with the positions of those that have
        one."""
        ...


class Gathering:
    """The door of one process to the books."""

    def __init__(
        self, books: Books, speaker: Speaker, ids: Ids, seconds: Callable[[], float] = running_seconds
    ) -> None:
        self._books = books
        self._speaker = speaker
        self._ids = ids
        self._seconds = seconds
        self._line: deque[_Waiting] = deque()
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, unit: Unit, entries: Mapping[str, bytes]) -> Outcome:
        """What became of a unit; `entries` has what is told of each of its things, by id.

        Whoever goes away changes nothing. Raises `Overloaded`, `Unavailable`: nobody knows what became of it.
        """
        outcome = await self._settled(unit, entries)
        if isinstance(outcome, Refused) and outcome.reason == "in_flight":
            await asyncio.sleep(SECOND_LOOK)
            outcome = await self._settled(unit, entries)
        return outcome

    async def drain(self) -> None:
        """Write what waits."""
        while self._writing is not None:
            await asyncio.wait((self._writing,))

    async def _settled(self, unit: Unit, entries: Mapping[str, bytes]) -> Outcome:
        now = self._seconds()
        if self._bytes > MOST_BYTES or (self._line and now - self._line[0].since > LONGEST_WAIT):
            raise Overloaded
        waiting = _Waiting(unit, entries, now, asyncio.get_running_loop().create_future())
        self._line.append(waiting)
        self._bytes += waiting.size
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="pages")
        return await waiting.done

    async def _write(self) -> None:
        """Page after page, while anybody waits."""
        try:
            while self._line:
                await self._write_page(self._next_page())
        finally:
            self._writing = None

    def _next_page(self) -> list[_Waiting]:
        """The first in the line and those behind it that still fit; who tells the same key as one before waits."""
        taken: list[_Waiting] = []
        keys: set[str] = set()
        things = size = 0
        left: deque[_Waiting] = deque()
        while self._line:
            waiting = self._line.popleft()
            own = {thing.key for thing in waiting.unit.things}
            fits = things + len(own) <= LARGEST_PAGE and size + waiting.size <= LARGEST_BYTES
            if own & keys or (taken and not fits):
                left.append(waiting)
                keys |= own  # whoever comes later with one of these must not overtake it
                if not fits:
                    break
                continue
            taken.append(waiting)
            keys |= own
            things, size = things + len(own), size + waiting.size
        self._line.extendleft(reversed(left))
        self._bytes -= size
        return taken

    async def _write_page(self, page: Sequence[_Waiting]) -> None:
        entries = {id_: entry for waiting in page for id_, entry in waiting.entries.items()}

        def messages(page_id: str, holds: Holds, positions: Mapping[str, Position]) -> Sequence[OutboxMessage]:
            return self._speaker.messages(page_id, [(entries[id_], positions.get(id_)) for id_ in holds])

        try:
            outcomes = await self._books.settle(self._ids.new(), [waiting.unit for waiting in page], messages)
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits
            _fail(page, error)
            return
        for waiting in page:
            if not waiting.done.done():  # whoever waited has gone away
                waiting.done.set_result(outcomes[waiting.unit])


def _fail(page: Sequence[_Waiting], error: Exception) -> None:
    for waiting in page:
        if not waiting.done.done():
            waiting.done.set_exception(error)
