"""The rules that this replica goes by, and what every replica says of those that it goes by.

A replica that is alive has a document that says so, with the revision of each bus that it uses. One that could not
write it for a while uses no rules at all: whoever waits for a revision to be in force waits for those that live, so
nobody may route who does not count as living.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.hub.domain.bus import KeptBus
from shared.bus.standing import BrokerAway
from shared.contracts.buses import LISTED, newest
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.errors import Later
from shared.kernel.ids import Ids
from shared.routing.bus import Bus, compiled
from shared.routing.buses import Buses
from shared.routing.wrong import WrongBus
from shared.store.documents import Collection, CollectionSpec, Conflict, Document, Index
from shared.store.repository import Repository

log = logging.getLogger(__name__)

PAUSE: Final = 0.5
"""Seconds between two looks for another revision."""
BEAT: Final = 2.0
"""Seconds between two words that a replica lives."""
LIVES: Final = timedelta(seconds=8)
"""After its last word a replica counts as living for so long."""
USES: Final = 6.0
"""Seconds for which it goes by rules after it began to say its last word."""
MOST_REPLICAS: Final = 500
WAITS: Final = 5.0
"""Seconds, at most, for a revision to be in force everywhere."""
LOOKS: Final = 0.1

MARKS: Final = "by_mark"
OWNERS: Final = "by_owner"
BUSES: Final = CollectionSpec("buses", indexes=(Index(MARKS, ("mark",)), Index(OWNERS, ("owner", "mark"))))
LIVING: Final = "by_time"
REPLICAS: Final = CollectionSpec("replicas", indexes=(Index(LIVING, ("at",)),), expiring=True)


Prepare = Callable[[Buses], Awaitable[None]]


async def nothing(_: Buses) -> None:
    """There is nothing to prepare."""


@dataclass(eq=False)
class _Generation:
    """The buses of one moment, and how many go by them."""

    buses: Buses
    marks: Mapping[str, int] = field(default_factory=dict)
    """The revisions that were read."""
    unreadable: frozenset[str] = frozenset()
    is_ready: bool = False
    users: int = 0

    @property
    def told(self) -> Mapping[str, int]:
        """Those that are gone by."""
        return {name: revision for name, revision in self.marks.items() if name not in self.unreadable}


class InForce:
    """One replica's buses."""

    def __init__(
        self, buses: Repository[KeptBus], replicas: Collection, clock: Clock, ids: Ids, *, prepare: Prepare = nothing
    ) -> None:
        """`prepare` is called with buses before they are gone by, and again until it does not raise BrokerAway."""
        self._prepare = prepare
        self._waits = False
        self._kept = buses
        self._replicas = replicas
        self._clock = clock
        self._id = ids.new()
        self._version = 0
        self._current = _Generation(Buses([]))
        self._older: list[_Generation] = []
        self._told: Mapping[str, int] | None = None
        self._beaten_at = float("-inf")
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Take up what has changed, and say so. Raises Unavailable."""
        async with self._looking:
            if self._told is None:
                await self._beat()  # before the first look: whoever changes a bus from now on waits for this replica
            await self._take_up()
            await self._make_ready()
            if self._told != self._in_use() or running_seconds() - self._beaten_at >= BEAT:
                await self._beat()

    @asynccontextmanager
    async def using(self) -> AsyncIterator[Buses]:
        """The buses to go by; until the end of it no later revision counts as in force here. Raises Later where this
        replica does not count as living, Unavailable."""
        if running_seconds() - self._beaten_at > USES:
            await self.look()
        if running_seconds() - self._beaten_at > USES:
            raise Later("the replica could not say that it lives", timedelta(seconds=1))
        generation = self._current
        generation.users += 1
        try:
            yield generation.buses
        finally:
            generation.users -= 1
            self._older = [each for each in self._older if each.users]

    async def everywhere(self, bus: str, revision: int, within: float = WAITS) -> bool:
        """Is this revision, or a later one, what every living replica goes by? Waits for it. Raises Unavailable."""
        deadline = running_seconds() + within
        while True:
            await self.look()
            if await self._is_everywhere(bus, revision):
                return True
            if running_seconds() >= deadline:
                return False
            await asyncio.sleep(LOOKS)

    async def leave(self) -> None:
        """Say that this replica lives no longer."""
        async with self._looking:
            self._beaten_at = float("-inf")
            await self._say(self._clock.now() - LIVES)

    async def _is_everywhere(self, bus: str, revision: int) -> bool:
        now = self._clock.now()
        found = await self._replicas.find(LIVING, (), limit=MOST_REPLICAS, descending=True)
        living = [each for each in found if datetime.fromisoformat(each.body["at"]) + LIVES > now]
        return all(each.body["marks"].get(bus, 0) >= revision for each in living)

    async def _take_up(self) -> None:
        marks = newest(await self._kept.collection.keys(MARKS, (), limit=LISTED))
        known = self._current.marks
        changed = [name for name in marks if marks[name] != known.get(name)]
        if not changed and marks.keys() == known.keys():
            return
        loaded = {each.value.id: each.value for each in await self._kept.load_many(changed)}
        stays = [bus for name, bus in self._current.buses.by_name.items() if name in marks and name not in loaded]
        made = [bus for kept in loaded.values() if (bus := _compiled(kept)) is not None]
        read = {name: loaded[name].revision if name in loaded else known.get(name, 0) for name in marks}
        wrong = {kept.id for kept in loaded.values() if kept.terms} - {bus.name for bus in made}
        unreadable = wrong | {name for name in self._current.unreadable if name in marks and name not in loaded}
        if self._current.users:
            self._older.append(self._current)
        self._current = _Generation(Buses([*stays, *made]), read, frozenset(unreadable))

    def _in_use(self) -> Mapping[str, int]:
        """The revisions that the oldest work in hand goes by; those told before, while the newest is not ready."""
        if not self._older and not self._current.is_ready:
            return self._told or {}
        return (self._older or [self._current])[0].told

    async def _make_ready(self) -> None:
        """Or at the next look, which is said once."""
        if self._current.is_ready:
            return
        try:
            await self._prepare(self._current.buses)
        except BrokerAway as error:
            if not self._waits:
                log.warning("buses wait for the broker", extra={"error": type(error.__cause__ or error).__name__})
            self._waits = True
        else:
            self._current.is_ready, self._waits = True, False

    async def _beat(self) -> None:
        begun = running_seconds()
        marks = self._in_use() if self._told is not None else {}
        await self._say(self._clock.now(), marks)
        self._told = marks
        self._beaten_at = begun

    async def _say(self, at: datetime, marks: Mapping[str, int] | None = None) -> None:
        body = {"at": at.isoformat(), "marks": dict(marks or {})}
        document = Document(self._id, body, self._version, wake_at=at + LIVES)
        try:
            self._version = (await self._replicas.save(document)).version
        except Conflict:  # it was forgotten meanwhile, or our own word was written twice
            found = await self._replicas.get(self._id)
            again = Document(self._id, body, found.version if found else 0, wake_at=at + LIVES)
            self._version = (await self._replicas.save(again)).version


def _compiled(kept: KeptBus) -> Bus | None:
    """None where there is nothing to go by: it was deleted, or this release cannot read its rules, which says itself by
    the log and by the replica's word."""
    if kept.terms is None:
        return None
    try:
        return compiled(kept.id, kept.revision, kept.terms, kept.ordered)
    except WrongBus:
        log.exception("a bus is not in force here", extra={"document_id": kept.mark})
        return None
