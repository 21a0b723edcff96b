"""Delivery says what it knows of buses and of partners, and is told the rest: it was not there when that was said, or
its store is a copy of an earlier moment. Who reaches the internet asks nobody inside, and waits for no answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.hub.cases.in_force import MARKS, OWNERS
from services.hub.cases.registering import Registry
from services.hub.domain.bus import KeptBus, targets_of
from shared.bus.outbox import Outbox
from shared.contracts.buses import LISTED, newest
from shared.contracts.hub import TellTargets
from shared.store.repository import Repository

MOST: Final = 100
"""Buses that are told of at once: each may have 64 targets. Of the rest the hub asks itself."""


@dataclass(frozen=True)
class Telling:
    buses: Repository[KeptBus]
    registry: Registry
    outbox: Outbox

    async def tell(self, question: TellTargets) -> None:
        """Say what is newer, deleted buses among it. Raises NotPublished, Conflict, Unavailable: then the question
        comes again, and what was said twice changes nothing."""
        if question.partners is not None:
            await self._tell_clients(question.partners)
        there = newest(await self.buses.collection.keys(MARKS, (), limit=LISTED))
        behind = [name for name, revision in there.items() if question.buses.get(name, 0) < revision]
        told = [stored.value for stored in await self.buses.load_many(behind[:MOST])]
        for kept in told:
            await self.outbox.say(targets_of(kept))
        if behind[MOST:]:
            known = question.buses | {kept.id: kept.revision for kept in told}
            await self.outbox.say(TellTargets(buses=known, partners=None))

    async def _tell_clients(self, known: Mapping[str, int]) -> None:
        """Of those who own buses, and of those whom delivery knows though they are no more."""
        owners = map(str, await self.buses.collection.keys(OWNERS, (), limit=LISTED))
        for name in sorted({*owners, *known}):
            position = known.get(name, 0)
            clients = await self.registry.clients_of(name, position)
            if clients.position > position:
                await self.outbox.say(clients)
