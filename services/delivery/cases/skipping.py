"""People let a lane go on that stands before a copy which is dead, or does not come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.delivery.cases.turns import BLOCKS
from services.delivery.domain import order
from services.delivery.domain.order import Progress
from services.delivery.domain.target import target_id
from shared.contracts.copies import Copy
from shared.kernel.clock import Clock
from shared.store.repository import Repository

MOST_SHOWN: Final = 100


@dataclass(frozen=True)
class Skipping:
    """Every method raises Unavailable, and what changes something Conflict."""

    progress: Repository[Progress]
    clock: Clock

    async def blocked(self, bus: str, target: str) -> Sequence[Progress]:
        """The lanes of a target that stand, some of them."""
        found = await self.progress.find(BLOCKS, (target_id(bus, target),), limit=MOST_SHOWN)
        return [each.value for each in found]

    async def skip(self, bus: str, target: str, lane: str, through: int | None) -> Progress | None:
        """Have a lane go on behind the copy that blocks it, or behind the one with this number; None where nothing is
        known of such a lane."""
        place, now = target_id(bus, target), self.clock.now()
        stored = await self.progress.load(order.progress_id(place, lane))
        if stored is None:
            return None

        def edit(known: Progress | None) -> Progress:
            known = known or stored.value
            if through is None and known.blocked is None:
                return known
            return order.skipped(known, through if through is not None else known.done + 1, now)

        return (await self.progress.change(stored.value.id, edit)).value

    async def discarded(self, bus: str, target: str, copy: Copy) -> None:
        """A dead letter is no more: what waited behind it goes on."""
        if not copy.lane:
            return
        place, now = target_id(bus, target), self.clock.now()
        new = order.first(place, copy.lane, now)

        def edit(known: Progress | None) -> Progress:
            known = known or new
            return order.done(known, copy.laneseq, now) if order.stand(known, copy) == "next" else known

        await self.progress.change(new.id, edit)
