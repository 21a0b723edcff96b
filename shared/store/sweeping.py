"""Forgetting what nobody needs any more: documents whose `wake_at` is the time to delete them."""

import asyncio
import logging
from typing import Generic

from shared.kernel.clock import Clock
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import M, Repository, Stored

log = logging.getLogger(__name__)

PAUSE = 30.0
PAGE = 100


class Sweeper(Generic[M]):
    """Deletes a repository's documents when they are due. Any number of replicas may sweep at once."""

    def __init__(self, repository: Repository[M], clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                while await self.once() == PAGE:
                    pass
            except Unavailable:
                log.warning("sweeping waits for the store")

    async def once(self) -> int:
        """Delete one page; the number of documents that were due."""
        due = await self._repository.due(self._clock.now(), PAGE)
        await asyncio.gather(*map(self._delete, due))
        return len(due)

    async def _delete(self, stored: Stored[M]) -> None:
        try:
            await self._repository.delete(stored)
        except Conflict:
            return  # saved meanwhile: somebody has a use for it after all, or another replica was faster
