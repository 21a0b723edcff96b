"""Queues of targets that are gone are taken away, when nothing can be lost with them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.hub.domain.bus import KeptBus, queues_of
from shared.bus.standing import BrokerAway, StandingQueues
from shared.bus.topology import TIERS
from shared.kernel.clock import Clock
from shared.kernel.values import changed
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

IN_HAND: Final = timedelta(minutes=30)
"""No consumer may have a copy in hand for longer."""
EMPTY_FOR: Final = max(TIERS.values()) + IN_HAND
"""So long a target must have been gone before its queue is: a copy that was put into the longest tier comes back to it.
Where it found no queue it would stay in the tier, and 32 of them keep everybody's from going on (RabbitMQ hands on so
many at once, and none is done that no queue takes)."""
PAGE: Final = 100


def wakes(kept: KeptBus) -> datetime | None:
    """When there may be a queue to take away."""
    return min((since + EMPTY_FOR for since in kept.left.values()), default=None)


@dataclass(frozen=True)
class Tidying:
    """Looks after what buses leave behind."""

    buses: Repository[KeptBus]
    queues: StandingQueues
    clock: Clock

    async def tidy(self) -> int:
        """Take away queues of targets that are long gone, where they are empty and nobody consumes; how many buses
        were looked at."""
        waiting = await self.buses.due(self.clock.now(), PAGE)
        with suppress(BrokerAway):  # they wait
            await asyncio.gather(*map(self._tidy, waiting))
        return len(waiting)

    async def _tidy(self, stored: Stored[KeptBus]) -> None:
        """It says which queues go before they do, so that nobody makes a target of one of them meanwhile."""
        kept, now = stored.value, self.clock.now()
        due = [target for target, since in kept.left.items() if since + EMPTY_FOR <= now]
        full = await full_ones(self.queues, queues_of(kept.id, due), consumed=True)
        going = {target: now for target in due if full.isdisjoint(queues_of(kept.id, [target]))}
        again = {target: now if target in due else since for target, since in kept.left.items()}
        with suppress(Conflict):  # it was changed: perhaps the target is there again
            stored = await self.buses.save(changed(kept, left=again, going=going), version=stored.version)
            for queue in queues_of(kept.id, going):
                await self.queues.remove_queue(queue)
            left = {target: since for target, since in again.items() if target not in going}
            await self.buses.save(changed(kept, left=left, going={}), version=stored.version)


async def full_ones(broker: StandingQueues, queues: Sequence[str], *, consumed: bool = False) -> set[str]:
    """Those in which something waits; with `consumed` those, too, that somebody consumes."""
    standing = await broker.standing(queues) if queues else {}
    return {name for name, depth in standing.items() if depth.messages or (consumed and depth.consumers)}
