"""What the broker holds: messages that wait, and dead letters by their fault."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Final

from shared.bus.dead_letters import DeadLetters
from shared.bus.measuring import Depth
from shared.bus.topology import TIERS, dead_queue, suspect_queue, tier_exchange
from shared.telemetry import catalogue
from shared.telemetry.catalogue import OTHER
from shared.telemetry.figures import Figure, Reading

Measure = Callable[[Iterable[str]], Awaitable[Mapping[str, Depth]]]
Letters = Callable[[str], DeadLetters]

MOST_LETTERS: Final = 500
MOST_FAULTS: Final = 50
LONGEST: Final = 120
PAUSE: Final = 60.0
"""Seconds between two looks into one service's letters: the broker counts each as a delivery of every letter."""


def queues(services: Sequence[str], measure: Measure) -> Figure:
    """Depths and consumers of the services' queues, and what waits in the delay tiers."""
    own = {queue: service for service in services for queue in (service, suspect_queue(service), dead_queue(service))}
    tiers = {tier_exchange(tier): tier for tier in TIERS}

    async def read() -> Sequence[Reading]:
        readings = []
        for queue, depth in (await measure((*own, *tiers))).items():
            if queue in tiers:
                readings.append(Reading(catalogue.TIERS, (tiers[queue],), depth.messages))
                continue
            labels = (own[queue], queue)
            readings.append(Reading(catalogue.QUEUE, labels, depth.messages))
            readings.append(Reading(catalogue.CONSUMERS, labels, depth.consumers))
        return readings

    return read


class DeadByFault:
    """One service's dead letters as they stand. They are looked into when their number is another than before."""

    def __init__(
        self, service: str, measure: Measure, letters: Letters, seconds: Callable[[], float] = monotonic
    ) -> None:
        """`letters` opens the service's dead letters for reading."""
        self._service = service
        self._measure = measure
        self._letters = letters
        self._seconds = seconds
        self._known: Counter[str] = Counter()
        self._looked_at: float | None = None

    async def __call__(self) -> Sequence[Reading]:
        queue = dead_queue(self._service)
        depth = (await self._measure((queue,))).get(queue, Depth(0, 0)).messages
        if depth == 0:
            self._known.clear()
        elif depth != self._known.total() and self._may_look():
            self._looked_at = self._seconds()
            self._known = await self._look(depth)
        return [Reading(catalogue.DEAD, (self._service, fault), count) for fault, count in self._known.items()]

    def _may_look(self) -> bool:
        return self._looked_at is None or self._seconds() - self._looked_at >= PAUSE

    async def _look(self, depth: int) -> Counter[str]:
        """What is known stays, where somebody else has letters in hand."""
        async with self._letters(self._service) as letters:
            found = await letters.letters(self._service, MOST_LETTERS)
        if letters.in_other_hands:
            return self._known
        faults = Counter(letter.fingerprint[:LONGEST] or OTHER for letter in found)
        named = Counter(dict(faults.most_common(MOST_FAULTS)))
        if rest := max(depth, len(found)) - named.total():
            named[OTHER] += rest
        return named
