"""What partners and operators ask about targets, and who may ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.delivery.cases.known import MARKS
from services.delivery.domain.clients import KnownClients
from services.delivery.domain.hands import InHand
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import NOBODY, KnownBus, target_id
from shared.kernel.clock import Clock
from shared.store.documents import After
from shared.store.repository import Repository, Stored


class NotTold(Exception):
    """Whose clients a partner's are was not told yet."""


@dataclass(frozen=True)
class Looking:
    """The targets as they are known; each is its partner's."""

    buses: Repository[KnownBus]
    states: Repository[TargetState]
    clients: Repository[KnownClients]
    clock: Clock
    in_hand: Callable[[], Mapping[str, InHand]]
    """Of all processes that live, by targets' ids."""

    async def own(self, subject: str, buses: Sequence[KnownBus]) -> list[KnownBus]:
        """Those of the buses whose partner's client the subject of a token is. Raises NotTold: nobody is let in because
        of what is not known, and nobody is told that it is not his."""
        partners = {bus.partner for bus in buses} - {NOBODY}
        told = {each.value.id: each.value.clients for each in await self.clients.load_many(partners)}
        if partners - told.keys():
            raise NotTold
        return [bus for bus in buses if subject in told.get(bus.partner, ())]

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
