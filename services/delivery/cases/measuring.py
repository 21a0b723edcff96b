"""What is told of targets: how each stands, how much waits for it and since when, how much is dead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.delivery.cases.known import Known, Place
from services.delivery.cases.living import Living
from services.delivery.cases.stance import Stance
from services.delivery.domain.state import Shown
from services.delivery.domain.target import target_id
from shared.bus.standing import StandingQueues
from shared.contracts.copies import dead_target_queue, target_queue
from shared.kernel.clock import Clock

MOST_TOLD: Final = 2_000
"""Targets, by one process: those that are not well come first."""
AT_A_LOOK: Final = 100
"""Targets whose queues are asked for; of more each is asked for at every second or third look."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Copies in a target's queue and among its dead letters; for how long the oldest has waited, where it is a
    webhook's."""

    waiting: int
    dead: int
    oldest: timedelta | None


class Measuring:
    """By one process."""

    def __init__(
        self,
        known: Known,
        living: Living,
        stance: Callable[[Place], Stance | None],
        queues: StandingQueues,
        clock: Clock,
    ) -> None:
        """`stance` says how this process stands to a webhook that it works for."""
        self._known = known
        self._living = living
        self._stance = stance
        self._queues = queues
        self._clock = clock
        self._depths: dict[Place, tuple[int, int]] = {}
        """Of each target that this process has: copies, and dead ones. First those that were asked for longest ago."""

    def states(self) -> Mapping[Place, Shown]:
        """Of all targets: they do not vanish for a moment with the process that has one."""
        now = self._clock.now()
        shown = [
            (place, self._known.state(place).shown(terms, now, blocked=target_id(*place) in self._known.blocked))
            for place, terms in self._known.queued.items()
        ]
        return dict(sorted(shown, key=lambda told: told[1] == "healthy")[:MOST_TOLD])

    async def queues(self) -> Mapping[Place, Measured]:
        """Of this process's own targets. Raises BrokerAway."""
        own = [place for place in self._known.queued if self._living.has(target_id(*place))][:MOST_TOLD]
        known = {place: depth for place, depth in self._depths.items() if place in own}
        due = [*(place for place in own if place not in known), *known][:AT_A_LOOK]
        self._depths = {place: depth for place, depth in known.items() if place not in due} | await self._asked(due)
        return {place: self._measured(place, *depths) for place, depths in self._depths.items()}

    async def _asked(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        names = {place: (target_queue(*place), dead_target_queue(*place)) for place in places}
        found = await self._queues.standing([queue for both in names.values() for queue in both])

        def messages(queue: str) -> int:
            return depth.messages if (depth := found.get(queue)) is not None else 0

        return {place: (messages(queue), messages(dead)) for place, (queue, dead) in names.items()}

    def _measured(self, place: Place, waiting: int, dead: int) -> Measured:
        stance = self._stance(place)
        return Measured(waiting, dead, stance.ages.oldest(waiting, self._clock.now()) if stance is not None else None)
