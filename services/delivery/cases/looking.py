"""What partners and operators ask about targets, and who may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.delivery.cases.known import MARKS
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import KnownBus, target_id
from services.delivery.ports import Partners
from shared.kernel.clock import Clock, running_seconds
from shared.store.documents import After
from shared.store.repository import Repository, Stored

BELIEVED: Final = 5.0
"""Seconds for which a partner's clients are taken to be those that the hub named."""
MOST_PARTNERS: Final = 1_000


@dataclass
class Looking:
    """The targets as they are known; each is its partner's."""

    buses: Repository[KnownBus]
    states: Repository[TargetState]
    partners: Partners
    clock: Clock
    _clients: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    async def is_client(self, subject: str, partner: str) -> bool:
        """Raises HubUnavailable."""
        asked_at, clients = self._clients.get(partner, (float("-inf"), frozenset[str]()))
        if running_seconds() - asked_at > BELIEVED:
            began = running_seconds()
            clients = await self.partners.clients_of(partner)
            if len(self._clients) >= MOST_PARTNERS:
                self._clients.clear()
            self._clients[partner] = began, clients
        return subject in clients

    async def bus(self, name: str) -> KnownBus | None:
        stored = await self.buses.load(name)
        return stored.value if stored else None

    async def standing(self, buses: Sequence[KnownBus]) -> Mapping[str, TargetState]:
        """How their targets stand, by their ids; those of which nothing is known are as they begin."""
        ids = [target_id(bus.id, name) for bus in buses for name in bus.targets]
        found = {each.value.id: each.value for each in await self.states.load_many(ids)} if ids else {}
        return {id_: found.get(id_) or TargetState(id=id_) for id_ in ids}

    async def listed(self, after: After, limit: int) -> list[Stored[KnownBus]]:
        return await self.buses.find(MARKS, (), limit=limit, after=after)
