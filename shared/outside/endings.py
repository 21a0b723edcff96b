"""How gated acts ended, until whoever keeps the grants knows: kept before it is told, told again until it was taken.

The act is done by then, and nothing undoes it: nobody waits for the telling, and what cannot be told fails nobody.
"""

import logging
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import AwareDatetime

from shared.contracts.releases import ActEnded
from shared.kernel.clock import Clock
from shared.kernel.values import Value, changed
from shared.outside.neighbors import Neighbor
from shared.store.documents import CollectionSpec, Conflict, Unavailable
from shared.store.repository import Repository, Stored
from shared.web.grants import GateUnreachable

log = logging.getLogger(__name__)

ENDINGS: Final = CollectionSpec("act_endings")
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
KEPT: Final = timedelta(days=30)
"""Whoever takes it no sooner has recorded by hand how it ended."""


class Ending(Value):
    """One act's, under the name of its execution."""

    schema_version: ClassVar[int] = 1

    id: str
    request: str
    subject: str
    well: bool
    since: AwareDatetime
    tries: int = 0
    wake_at: AwareDatetime


def wakes(ending: Ending) -> AwareDatetime:
    return ending.wake_at


class Endings:
    """Of one service. Every replica tells all of them: told twice changes nothing."""

    PAGE: ClassVar = 20
    PAUSE: ClassVar = 1.0
    """Seconds between two looks at what is due."""

    def __init__(self, documents: Repository[Ending], neighbor: Neighbor, path: str, clock: Clock) -> None:
        """`path` is where the neighbor is told."""
        self._documents = documents
        self._neighbor = neighbor
        self._path = path
        self._clock = clock

    async def tell(self, told: ActEnded) -> None:
        """Keep it, and tell it once. What is not taken now is told by `page`."""
        now = self._clock.now()
        ending = Ending(
            id=told.execution, request=told.request, subject=told.subject, well=told.well, since=now, wake_at=now
        )
        try:
            stored = await self._documents.save(changed(ending, wake_at=now + FIRST_PAUSE), version=0)
        except Conflict:
            return  # it is kept already
        except Unavailable:
            await self._told_unkept(ending)
            return
        await self._tell(stored)

    async def page(self) -> int:
        """Tell what is due; the number of those."""
        due = await self._documents.due(self._clock.now(), self.PAGE)
        for stored in due:
            await self._tell(stored)
        return len(due)

    async def _tell(self, stored: Stored[Ending]) -> None:
        """A replica that tells it at the same time has the same effect. Raises nothing that the store's absence is not
        the reason of."""
        try:
            if await self._is_over(stored.value):
                await self._documents.delete(stored)
                return
            await self._documents.save(self._put_off(stored.value), version=stored.version)
        except (Conflict, Unavailable):
            return  # it is told again, which changes nothing

    async def _is_over(self, ending: Ending) -> bool:
        if await self._is_taken(ending):
            return True
        given_up = self._clock.now() - ending.since > KEPT
        if given_up:
            log.error("nobody took how a gated act ended", extra={"document_id": ending.id})
        return given_up

    async def _is_taken(self, ending: Ending) -> bool:
        told = ActEnded(request=ending.request, execution=ending.id, subject=ending.subject, well=ending.well)
        try:
            await self._neighbor.tell(ActEnded, self._path, told, GateUnreachable)
        except GateUnreachable:
            return False
        return True

    async def _told_unkept(self, ending: Ending) -> None:
        """The store is away: it is told once, and else the log will say that nobody knows."""
        if not await self._is_taken(ending):
            log.warning("how a gated act ended is neither kept nor told", extra={"document_id": ending.id})

    def _put_off(self, ending: Ending) -> Ending:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(ending.tries + 1, 20))
        return changed(ending, tries=ending.tries + 1, wake_at=self._clock.now() + pause)
