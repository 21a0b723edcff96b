"""What one partner may have, and several have, since a release that kept them less well apart: a client, or a user of
the broker. The hub does not start on such a store, so this is done in the store itself, by whoever has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from services.hub.cases.registering import PARTNERS
from services.hub.domain.partner import Partner, following
from shared.bus.outbox import Outbox
from shared.contracts.delivery import ConfigureClients
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.store.documents import CollectionSpec, Store, StoredTwice
from shared.store.repository import Repository

Disputed = Mapping[str, Sequence[str]]
"""Clients and users, each with the partners that have it."""


class NotDisputed(Exception):
    """What is to be taken from a partner is its own alone, or not its own."""


@dataclass(frozen=True)
class Disputing:
    """`opening` makes the hub's store, still to be opened."""

    opening: Callable[[], Store]
    outbox: Outbox
    clock: Clock

    async def disputed(self) -> Disputed:
        """Those that keep the hub from starting, of one kind first. Raises Unavailable."""
        store = self.opening()
        store.collection(PARTNERS)
        try:
            await store.open()
        except StoredTwice as error:
            return error.found
        await store.close()
        return {}

    async def take(self, name: str, partner: str) -> None:
        """Take it from that partner, of whom another one has it, too. Delivery is told by the hub, as soon as that
        runs. Raises NotDisputed, Conflict, Unavailable."""
        if partner not in (await self.disputed()).get(name, ()):
            raise NotDisputed
        store = self.opening()
        partners = Repository(store.collection(CollectionSpec(PARTNERS.name)), Partner, key=attrgetter("id"))
        await store.open()
        try:
            stored = await partners.load(partner)
            if stored is None:
                raise NotDisputed
            position = following(stored.value.position, self.clock.now())
            after = changed(stored.value.without(name), position=position)
            told = ConfigureClients(partner=partner, position=position, clients=after.clients)
            await partners.save(after, version=stored.version, messages=[self.outbox.entry(told)])
        finally:
            await store.close()
