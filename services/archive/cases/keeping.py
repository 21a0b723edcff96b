"""Pages are kept: on the disk before the message is acknowledged."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.archive.domain import Segment, line_of
from shared.contracts.archive import KeepPage
from shared.kernel.errors import Later
from shared.segments.appending import Appender
from shared.segments.lines import Summary
from shared.store.documents import Conflict
from shared.store.repository import Repository

LISTED: Final = "by_last"
PAGE: Final = 500
PAUSE: Final = timedelta(seconds=5)
"""Before a page is tried again that could not be kept."""


class Keeping:
    """This process's writer, whose folder is opened when the first page comes, or soon after the start."""

    def __init__(self, appender: Appender, segments: Repository[Segment]) -> None:
        self._appender = appender
        self._segments = segments
        self._opening = asyncio.Lock()
        self._is_open = False

    async def keep(self, page: KeepPage) -> None:
        """Return when it is on the disk. Raises Later where it cannot be now."""
        try:
            await self.ready()
            await self._appender.append([line_of(entry) for entry in page.events])
        except OSError as error:
            raise Later(f"the archive cannot be written: {type(error).__name__}", PAUSE) from error

    async def ready(self) -> None:
        """Open the folder, once. Raises OSError, Unavailable."""
        if self._is_open:
            return
        async with self._opening:
            if not self._is_open:
                await self._appender.open(await self.known())
                self._is_open = True

    async def tidy(self) -> None:
        """Close and list what is due."""
        await self.ready()
        await self._appender.tidy()

    async def listed(self, closed: Summary) -> None:
        """Put a segment on the list, once or several times."""
        try:
            await self._segments.save(Segment.of(closed), version=0)
        except Conflict:
            return  # it stands there already

    async def known(self) -> Sequence[Summary]:
        """All that are on the list, in the order of their names, which is that of their making."""
        found: list[Summary] = []
        after: tuple[str, str] | None = None
        while True:
            page = await self._segments.find(LISTED, (), limit=PAGE, after=after)
            found += [stored.value.summary for stored in page]
            if len(page) < PAGE:
                return sorted(found, key=lambda each: each.name)
            after = page[-1].value.last, page[-1].value.id

    async def close(self) -> None:
        await self._appender.close()
