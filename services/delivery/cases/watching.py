"""Which targets this replica works for: their queues are consumed, those of others are not."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.delivery.cases.sending import Means, Sending
from services.delivery.domain.target import KnownBus, queue_of
from shared.bus.standing import BrokerAway, Reader, Reading, StandingQueues
from shared.contracts.buses import TargetTerms
from shared.store.documents import CollectionSpec, Index
from shared.store.repository import Repository

log = logging.getLogger(__name__)

PAUSE: Final = 0.5
"""Seconds between two looks."""
MARKS: Final = "by_mark"
BUSES: Final = CollectionSpec("buses", indexes=(Index(MARKS, ("mark",)),))
MOST_BUSES: Final = 1_000
LEAVES: Final = 35.0
"""Seconds for what is in hand of a target that is left: longer than a request may take."""
AHEAD: Final = 2
"""Copies in hand for each request that may be under way: the next one is here when one ends."""

Place = tuple[str, str]


@dataclass
class _Work:
    sending: Sending
    reader: Reader


class Watching:
    """The targets of one process."""

    def __init__(self, buses: Repository[KnownBus], queues: StandingQueues, means: Means, service: str) -> None:
        self._buses = buses
        self._queues = queues
        self._means = means
        self._service = service
        self._known: dict[str, KnownBus] = {}
        self._at_work: dict[Place, _Work] = {}
        self._leaving: dict[Place, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Take up what has changed. Raises Unavailable."""
        await self._take_up()
        wanted = self._wanted()
        for place, work in list(self._at_work.items()):
            if work.reader.ended or wanted.get(place) != work.sending.terms:
                self._leave(place)
        missing = [place for place in wanted if place not in self._at_work and place not in self._leaving]
        if missing:
            await self._begin({place: wanted[place] for place in missing})

    async def close(self) -> None:
        for place in list(self._at_work):
            self._leave(place)
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)

    def _wanted(self) -> Mapping[Place, TargetTerms]:
        return {
            (bus.id, name): terms
            for bus in self._known.values()
            for name, terms in bus.targets.items()
            if terms.webhook is not None
        }

    async def _take_up(self) -> None:
        keys = await self._buses.collection.keys(MARKS, (), limit=MOST_BUSES)
        marks = {str(key).rpartition(":")[0]: str(key) for key in keys}
        changed = [name for name, mark in marks.items() if name not in self._known or self._known[name].mark != mark]
        if changed:
            loaded = await self._buses.load_many(changed)
            self._known |= {each.value.id: each.value for each in loaded}
        self._known = {name: bus for name, bus in self._known.items() if name in marks}

    async def _begin(self, missing: Mapping[Place, TargetTerms]) -> None:
        """Those that cannot be consumed now are tried at the next look."""
        try:
            for (bus, target), terms in missing.items():
                sending = Sending(bus, target, terms, self._means)
                reading = Reading(
                    queue=queue_of(bus, target),
                    service=self._service,
                    takes=sending,
                    passes_on=sending,
                    prefetch=AHEAD * terms.concurrency,
                    passed_on=sending.passed_on,
                )
                self._at_work[bus, target] = _Work(sending, await self._queues.read_queue(reading))
        except BrokerAway as error:
            log.info("targets wait for the broker", extra={"reason": str(error)[:100]})

    def _leave(self, place: Place) -> None:
        """What is in hand is finished beside the work of others; until then nothing new is begun there."""
        work = self._at_work.pop(place)
        self._leaving[place] = task = asyncio.create_task(work.reader.leave(LEAVES))
        task.add_done_callback(lambda _: self._leaving.pop(place))
