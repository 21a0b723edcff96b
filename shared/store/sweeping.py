"""Forgetting what nobody needs any more: documents whose `wake_at` is the time to delete them."""

import asyncio
from typing import Generic

from shared.kernel.clock import Clock, far_off
from shared.store.documents import Conflict
from shared.store.repository import M, Repository, Stored
from shared.store.share import Share

PAUSE = 30.0
PAGE = 100
SWEEP_SHARE = 0.25
SWEEP_LEAST = 100
SWEEP_REFILL = 3600.0
"""Seconds. After a long rest most of what is kept for a while is due at once, rightly: it goes by and by."""


def sweeping_share(what: str, setting: str, share: float) -> Share:
    """The share of a sweeper; `setting` is the variable that `share` comes from."""
    return Share(what, setting, share=share, least=SWEEP_LEAST, refill=SWEEP_REFILL)


class Sweeper(Generic[M]):
    """Deletes a repository's documents when they are due. Any number of replicas may sweep at once.

    Nothing is deleted by a clock that is far off, and no more than a share of all at once.
    """

    def __init__(self, repository: Repository[M], clock: Clock, share: Share | None = None) -> None:
        self._repository = repository
        self._clock = clock
        self._share = share or sweeping_share("documents", "a setting", SWEEP_SHARE)

    async def once(self) -> int:
        """Delete one page, or what may be deleted of it; the number of documents that were."""
        if far_off(self._clock):
            return 0
        due = await self._repository.due(self._clock.now(), PAGE)
        if not due:
            self._share.ended()
            return 0
        allowed = await self._share.of(len(due), self._repository.collection.count)
        await asyncio.gather(*map(self._delete, due[:allowed]))
        return allowed

    async def _delete(self, stored: Stored[M]) -> None:
        try:
            await self._repository.delete(stored)
        except Conflict:
            return  # saved meanwhile: somebody has a use for it after all, or another replica was faster
