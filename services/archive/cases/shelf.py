"""A shelf: segments of one class of keeping, and this process's writer of them."""

import asyncio
from collections.abc import Sequence
from typing import Final

from services.archive.domain.segment import FOREVER, Segment
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.ids import Ids
from shared.segments.appending import Appender, Limits
from shared.segments.contents import ReadLine
from shared.segments.lines import Line, Summary
from shared.segments.places import Place
from shared.segments.unclosed import Unclosed
from shared.store.documents import Conflict
from shared.store.repository import Repository

LISTED: Final = "by_last"
NAMED: Final = "by_name"
"""Of one class of keeping: by writer, and as each wrote them."""
PAGE: Final = 500
ADOPTS: Final = 60.0
"""Seconds between two looks for what processes that died have left."""


def place_of(root: Place, keep: str) -> Place:
    """Where the writers of a class write: below the archive's place, but for what stays for ever."""
    return root if keep == FOREVER else root.below(keep)


class Shelf:
    """It is opened when the first lines come, or soon after the start, and again where another process took over what
    this one writes."""

    def __init__(  # noqa: PLR0917 - its composition root calls by name
        self,
        keep: str,
        root: Place,
        segments: Repository[Segment],
        read: ReadLine,
        limits: Limits,
        ids: Ids,
        clock: Clock,
        readers: Unclosed | None = None,
    ) -> None:
        """`readers` are told of what is written."""
        self._keep = keep
        self._segments = segments
        self._clock = clock
        self._appender = Appender(place_of(root, keep), ids, read, self.listed, limits=limits, readers=readers)
        self._opening = asyncio.Lock()
        self._adopted_at = running_seconds()

    async def put(self, lines: Sequence[Line]) -> None:
        """Return when they are kept. Raises OSError, Unavailable."""
        await self.ready()
        if lines:
            await self._appender.append(lines)

    async def ready(self) -> None:
        """Hold a writer, once. Raises OSError, Unavailable."""
        if self._appender.is_open:
            return
        async with self._opening:
            if not self._appender.is_open:
                await self._appender.open(await self.known())

    async def tidy(self) -> None:
        """Close and list what is due."""
        await self.ready()
        await self._appender.tidy()
        if running_seconds() - self._adopted_at >= ADOPTS:
            self._adopted_at = running_seconds()
            await self._appender.adopt(self.known)

    async def listed(self, closed: Summary) -> None:
        """Put a segment on the list, once or several times."""
        try:
            await self._segments.save(Segment.of(closed, self._keep, self._clock.now()), version=0)
        except Conflict:
            return  # it stands there already

    async def known(self) -> Sequence[Summary]:
        """All of the class that are on the list, in the order of their names, which is that of their making."""
        found: list[Summary] = []
        after: tuple[str] | None = None
        while True:
            page = await self._segments.find(NAMED, (self._keep,), limit=PAGE, after=after)
            found += [stored.value.summary for stored in page]
            if len(page) < PAGE:
                return found
            after = (page[-1].value.id,)

    async def close(self) -> None:
        await self._appender.close()
