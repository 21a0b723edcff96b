"""What is told of targets: how each stands, how much waits for it and since when, how much is dead."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from services.delivery.cases.known import Known, Place
from services.delivery.cases.living import Living
from services.delivery.cases.stance import Stance
from services.delivery.domain.target import queue_of, target_id
from shared.bus.standing import StandingQueues
from shared.contracts.copies import dead_target_queue
from shared.kernel.clock import Clock
from shared.telemetry import catalogue
from shared.telemetry.figures import Reading

AT_A_LOOK: Final = 100
"""Targets whose queues are asked for; of more each is asked for at every second or third look."""


class Measuring:
    """Its methods are figures of one process."""

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

    async def states(self) -> Sequence[Reading]:
        """Of all targets: they do not vanish for a moment with the process that has one."""
        now = self._clock.now()
        return [
            Reading(catalogue.TARGET_STATE, (*place, self._known.state(place).shown(terms, now)), 1)
            for place, terms in self._known.queued.items()
        ]

    async def queues(self) -> Sequence[Reading]:
        """Of this process's own targets. Raises BrokerAway."""
        own = [place for place in self._known.queued if self._living.has(target_id(*place))]
        known = {place: depth for place, depth in self._depths.items() if place in own}
        due = [*(place for place in own if place not in known), *known][:AT_A_LOOK]
        self._depths = {place: depth for place, depth in known.items() if place not in due} | await self._asked(due)
        return [reading for place in self._depths for reading in self._readings(place)]

    async def _asked(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        names = {place: (queue_of(*place), dead_target_queue(*place)) for place in places}
        found = await self._queues.standing([queue for both in names.values() for queue in both])

        def messages(queue: str) -> int:
            return depth.messages if (depth := found.get(queue)) is not None else 0

        return {place: (messages(queue), messages(dead)) for place, (queue, dead) in names.items()}

    def _readings(self, place: Place) -> Iterator[Reading]:
        waiting, dead = self._depths[place]
        yield Reading(catalogue.TARGET_WAITING, place, waiting)
        yield Reading(catalogue.TARGET_DEAD, place, dead)
        if (stance := self._stance(place)) is not None:
            age = stance.ages.oldest(waiting, self._clock.now())
            yield Reading(catalogue.TARGET_OLDEST, place, age.total_seconds())
