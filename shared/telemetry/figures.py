"""What is read from stores and the broker now and then, so that a scrape need not: each figure is a few readings.

Every replica reads the same. Reading writes nothing, walks indexes, and ends at a bound.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from shared.kernel.clock import Clock
from shared.store.documents import Collection, CollectionSpec, Scalar
from shared.telemetry import catalogue
from shared.telemetry.catalogue import Metric

MOST: Final = 5_000
"""So far is counted; more is told as so many."""
OVERDUE: Final = timedelta(seconds=30)
HOLD_AGES: Final = {"5m": 300.0, "1h": 3_600.0, "1d": 86_400.0, "6d": 518_400.0}
OLDER: Final = "older"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a gauge shows for these labels until the next look."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


Figure: TypeAlias = Callable[[], Awaitable[Sequence[Reading]]]
"""Raises where nobody can tell: then its readings are absent."""


def standing(service: str, collections: Mapping[CollectionSpec, Collection], clock: Clock) -> Figure:
    """What waits in a service's collections to be sent, or to be looked at."""

    async def read() -> Sequence[Reading]:
        now, readings, unsent, oldest = clock.now(), list[Reading](), 0, 0.0
        for spec, collection in collections.items():
            found = await collection.standing(now - OVERDUE, MOST)
            unsent += found.unsent
            oldest = max(oldest, _age(found.oldest_unsent, now))
            readings += [
                Reading(catalogue.OVERDUE, (service, spec.name), found.due),
                Reading(catalogue.OLDEST_OVERDUE, (service, spec.name), _age(found.next_wake, now)),
            ]
        return (
            *readings,
            Reading(catalogue.UNSENT, (service,), unsent),
            Reading(catalogue.UNSENT_SECONDS, (service,), oldest),
        )

    return read


def purchases(service: str, collection: Collection, index: str, statuses: Iterable[str], clock: Clock) -> Figure:
    """How many purchases have each of the statuses, and how old the oldest is; the index is by status and time."""

    async def read() -> Sequence[Reading]:
        readings = []
        for status in statuses:
            ages = await _ages(collection, index, (status,), clock)
            readings += [
                Reading(catalogue.OPEN_PURCHASES, (service, status), len(ages)),
                Reading(catalogue.OLDEST_PURCHASE, (service, status), max(ages, default=0.0)),
            ]
        return readings

    return read


def unknowns(service: str, collection: Collection, index: str, clock: Clock) -> Figure:
    """How many purchases await a silent step; the index is by the time since when."""

    async def read() -> Sequence[Reading]:
        ages = await _ages(collection, index, (), clock)
        return (
            Reading(catalogue.UNKNOWNS, (service,), len(ages)),
            Reading(catalogue.OLDEST_UNKNOWN, (service,), max(ages, default=0.0)),
        )

    return read


def holds(service: str, collection: Collection, index: str, clock: Clock) -> Figure:
    """How many holds there are, by age; the index is by the time since when."""

    async def read() -> Sequence[Reading]:
        ages = sorted(await _ages(collection, index, (), clock))
        counts, below = {}, 0
        for name, seconds in HOLD_AGES.items():
            upto = bisect_right(ages, seconds)
            counts[name], below = upto - below, upto
        counts[OLDER] = len(ages) - below
        return [Reading(catalogue.HOLDS, (service, age), count) for age, count in counts.items()]

    return read


async def _ages(collection: Collection, index: str, prefix: tuple[Scalar, ...], clock: Clock) -> list[float]:
    """In seconds, of what an index of times holds."""
    found = await collection.keys(index, prefix, limit=MOST)
    now = clock.now()
    return [_age(datetime.fromisoformat(time), now) for time in found if isinstance(time, str)]


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
