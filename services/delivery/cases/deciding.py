"""What people decide about a target."""

from dataclasses import dataclass, replace

from services.delivery.cases.noting import agree, disagree
from services.delivery.cases.verifying import Agreed, Verifying
from services.delivery.domain.state import TargetState, paused, resumed
from services.delivery.domain.target import target_id
from shared.contracts.buses import TargetTerms
from shared.kernel.clock import Clock
from shared.store.repository import Repository


@dataclass(frozen=True)
class Deciding:
    """Every method raises Conflict, Unavailable; what asks an endpoint Unopenable, too."""

    states: Repository[TargetState]
    verifying: Verifying
    clock: Clock

    async def pause(self, bus: str, target: str) -> TargetState:
        """Nothing is sent; the time does not count for its copies."""
        id_, now = target_id(bus, target), self.clock.now()
        return (await self.states.change(id_, lambda state: paused(state or TargetState(id=id_), now))).value

    async def resume(self, bus: str, target: str) -> TargetState:
        """Also one that is gone, which has to agree once more."""
        id_, now = target_id(bus, target), self.clock.now()
        return (await self.states.change(id_, lambda state: resumed(state or TargetState(id=id_), now))).value

    async def test(self, bus: str, target: str, terms: TargetTerms) -> Agreed:
        """Send a test; whoever takes it has agreed, at the rate that its handshake allows."""
        tested = await self.verifying.test(target_id(bus, target), terms)
        if tested.agrees:
            tested = replace(tested, per_minute=(await self.verifying.shaken(target_id(bus, target), terms)).per_minute)
        return await self._agreed(bus, target, terms, tested)

    async def verify(self, bus: str, target: str, terms: TargetTerms) -> Agreed:
        """Ask the endpoint now."""
        return await self._agreed(bus, target, terms, await self.verifying.verify(target_id(bus, target), terms))

    async def _agreed(self, bus: str, target: str, terms: TargetTerms, agreed: Agreed) -> Agreed:
        id_, url = target_id(bus, target), str(terms.webhook)
        if agreed.agrees:
            await agree(self.states, id_, url, agreed.per_minute)
        else:
            await disagree(self.states, id_, url, agreed.fault)
        return agreed
