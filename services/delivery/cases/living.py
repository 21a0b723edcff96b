"""Which processes of delivery live, which of them has a target, and when none lived."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from services.delivery.domain.state import Outages, with_gap
from shared.kernel.clock import Clock, far_off, running_seconds
from shared.kernel.ids import Ids
from shared.kernel.values import changed
from shared.store.documents import Collection, CollectionSpec, Conflict, Document, Index, Unavailable
from shared.store.repository import Repository

BEAT: Final = 2.0
"""Seconds between two words that a process lives."""
LIVES: Final = timedelta(seconds=8)
"""After its last word it counts as living for so long."""
MOST: Final = 500
LIVING: Final = "by_time"
REPLICAS: Final = CollectionSpec("replicas", indexes=(Index(LIVING, ("at",)),), expiring=True)
OUTAGES: Final = CollectionSpec("outages")
ALL: Final = "delivery"


class Living:
    """One process's word, and what it knows of others'."""

    def __init__(
        self,
        replicas: Collection,
        outages: Repository[Outages],
        clock: Clock,
        ids: Ids,
        says: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """`says`: what others are to know of this process."""
        self._replicas = replicas
        self._outages = outages
        self._clock = clock
        self._says = says
        self.id = ids.new()
        self._version = 0
        self._beaten_at = float("-inf")
        self._others: Sequence[str] = ()
        self.words: Sequence[Mapping[str, Any]] | None = None
        """What the others say that live; None before they were looked at."""
        self._left = False
        self.gaps: Sequence[tuple[datetime, datetime]] = ()
        """In which none lived."""

    @property
    def counts(self) -> bool:
        """Do others take this process to live? Where it could not say so, they have its targets by now."""
        return not self._left and running_seconds() - self._beaten_at < LIVES.total_seconds()

    def has(self, target: str) -> bool:
        """Is the target this process's: of all that live, does it come first for it?"""
        if not self.counts:
            return False
        mine = _weight(self.id, target)
        return all(_weight(each, target) < mine for each in self._others)

    async def look(self) -> None:
        """Say that this process lives, where it is time to, and see who else does. Raises Unavailable."""
        if self._left:
            return
        if running_seconds() - self._beaten_at >= BEAT:
            begun = running_seconds()
            await self._say(self._clock.now())
            self._beaten_at = begun
            await self._note()
        now = self._clock.now()
        found = await self._replicas.find(LIVING, (), limit=MOST, descending=True)
        living = [each for each in found if datetime.fromisoformat(each.body["at"]) + LIVES > now]
        others = [each for each in living if each.id != self.id]
        self._others, self.words = [each.id for each in others], [each.body for each in others]

    async def leave(self) -> None:
        """Others take this process's targets at once."""
        self._left = True
        try:
            await self._replicas.delete(Document(self.id, {}, self._version))
        except (Conflict, Unavailable):
            await asyncio.sleep(0)  # it is forgotten by itself

    async def _note(self) -> None:
        """Nobody has lived between the last word of all and now, where that is long ago."""
        now = self._clock.now()
        if far_off(self._clock):
            return

        def noted(known: Outages | None) -> Outages:
            if known is None:
                return Outages(id=ALL, lived=now)
            if now - known.lived > LIVES:
                return changed(known, lived=now, gaps=with_gap(known.gaps, known.lived, now))
            return changed(known, lived=now) if (now - known.lived).total_seconds() >= BEAT else known

        try:
            stored = await self._outages.change(ALL, noted)
        except Conflict:  # others say it at this moment
            return
        self.gaps = [(each.since, each.until) for each in stored.value.gaps]

    async def _say(self, at: datetime) -> None:
        document = Document(self.id, {**self._says(), "at": at.isoformat()}, self._version, wake_at=at + LIVES)
        try:
            self._version = (await self._replicas.save(document)).version
        except Conflict:  # it was forgotten meanwhile, or our own word was written twice
            found = await self._replicas.get(self.id)
            again = Document(self.id, document.body, found.version if found else 0, wake_at=document.wake_at)
            self._version = (await self._replicas.save(again)).version


def _weight(replica: str, target: str) -> bytes:
    """Rendezvous hashing: when one process goes, its targets alone move."""
    return hashlib.sha256(f"{replica}|{target}".encode()).digest()
