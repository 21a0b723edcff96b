"""Pages whose rows are gone are forgotten; what one has not said yet survives it."""

import asyncio

from shared.kernel.clock import Clock, far_off
from shared.store.documents import Collection, Conflict, Document
from shared.store.share import Share
from shared.store.sweeping import PAGE


class PageSweeper:
    """Deletes pages when they are due."""

    def __init__(self, pages: Collection, clock: Clock, share: Share) -> None:
        self._pages = pages
        self._clock = clock
        self._share = share

    async def once(self) -> int:
        """Delete some; the number of those deleted."""
        if far_off(self._clock):
            return 0
        due = await self._pages.due(self._clock.now(), PAGE)
        if not due:
            self._share.ended()
            return 0
        allowed = await self._share.of(len(due), self._pages.count)
        await asyncio.gather(*map(self._delete, due[:allowed]))
        return allowed

    async def _delete(self, page: Document) -> None:
        try:
            await self._pages.delete(page)
        except Conflict:
            return  # another replica was faster
