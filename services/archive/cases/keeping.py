"""Pages and records are kept: for certain before the message is acknowledged."""

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from services.archive.cases.lag import Lag
from services.archive.cases.shelf import Shelf
from services.archive.domain.lines import record_lines
from services.archive.domain.pages import PageToKeep
from services.archive.domain.segment import FOREVER, RECORDS, kept_for
from shared.contracts.archive import KeepRecords
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.errors import Later
from shared.segments.lines import Line
from shared.segments.places import Place, Unreachable

PAUSE: Final = timedelta(seconds=5)
"""Before a page is tried again that could not be kept."""


class Keeping:
    """This process's shelves: one for each class of keeping, and one for records."""

    def __init__(self, root: Place, make: Callable[[str], Shelf], clock: Clock) -> None:
        self.lag = Lag(clock)
        self._given_at = -math.inf
        self._root = root
        self._make = make
        self._shelves = {keep: make(keep) for keep in (FOREVER, RECORDS)}

    async def keep(self, page: PageToKeep) -> None:
        """Return when it is kept. Raises Later where it cannot be now, ValueError for no class of keeping."""
        self._given_at = running_seconds()
        if page.events:
            self.lag.given((page.page, page.part), page.events[0].at)
            await self._put(page.keep, page.lines)
            self.lag.kept((page.page, page.part))

    def since_page(self) -> float:
        """Seconds since this process was given a page: live events come through all replicas in turn."""
        return running_seconds() - self._given_at

    async def keep_records(self, records: KeepRecords) -> None:
        """The same, of what is on record."""
        await self._put(RECORDS, record_lines(records))

    async def tidy(self) -> None:
        """Close and list what is due. A shelf that another process made, or a former one of ours, is opened too."""
        for keep in await asyncio.to_thread(self.classes):
            await self._shelf(keep).tidy()

    def classes(self) -> Sequence[str]:
        """Those that something is kept of, and those that there always are. It blocks."""
        there = {name for name in self._root.parts() if _is_class(name)}
        return sorted({*self._shelves, *there})

    def classes_of_events(self) -> Sequence[str]:
        """It blocks."""
        return [keep for keep in self.classes() if keep != RECORDS]

    async def close(self) -> None:
        for shelf in self._shelves.values():
            await shelf.close()

    async def _put(self, keep: str, lines: Sequence[Line]) -> None:
        try:
            await self._shelf(keep).put(lines)
        except OSError as error:
            why = str(error) if isinstance(error, Unreachable) else type(error).__name__
            raise Later(f"the archive cannot be written: {why}", PAUSE) from error

    def _shelf(self, keep: str) -> Shelf:
        """Raises ValueError."""
        shelf = self._shelves.get(keep)
        if shelf is None:
            kept_for(keep)  # what is no class has no place
            shelf = self._shelves[keep] = self._make(keep)
        return shelf


def _is_class(name: str) -> bool:
    try:
        kept_for(name)
    except ValueError:
        return False
    return True
