"""How much somebody may send, exactly, over any number of replicas.

A token bucket is a document. A replica takes a tenth of the burst out of it by compare-and-set and spends that alone:
most requests ask no store, and no two replicas spend the same. What passes in any span is no more than the burst, the
rate times the span, and what each replica had left of its tenth.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.kernel.clock import Clock
from shared.kernel.locks import KeyedLocks
from shared.store.documents import Collection, CollectionSpec, Conflict, Document

SHARE: Final = 10
"""A replica takes the burst's part of this, at most."""
LEAST_PAUSE: Final = 0.05
"""Seconds for which a replica that was given too little asks no more: or each refusal would cost a write."""
TRIES: Final = 20
"""Replicas that may be faster, one after the other."""
REMEMBERED: Final = timedelta(hours=1)
"""For so long a bucket is known that is full again."""
OWNERS: Final = 10_000
"""Whose pockets a replica remembers."""


@dataclass(frozen=True, slots=True)
class Terms:
    """So many a second, and so many at once after a rest."""

    rate: float
    burst: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """What there was at a time."""

    tokens: float
    at: datetime

    def filled(self, now: datetime, terms: Terms) -> "Bucket":
        """What there is now. A clock that is behind another's fills nothing until it has caught up."""
        elapsed = max(0.0, (now - self.at) / timedelta(seconds=1))
        return Bucket(min(float(terms.burst), self.tokens + elapsed * terms.rate), max(now, self.at))

    def drawn(self, least: float, terms: Terms) -> tuple["Bucket", float]:
        """What one replica gets that lacks so much: the share of a replica, or all there is."""
        got = min(math.floor(self.tokens), max(math.ceil(least), terms.burst // SHARE))
        return replace(self, tokens=self.tokens - got), float(got)


@dataclass(slots=True)
class _Pocket:
    tokens: float = 0.0
    not_before: datetime | None = None
    """The bucket will not have enough sooner."""


def spec(name: str) -> CollectionSpec:
    """Of the buckets: one is forgotten when it has long been full."""
    return CollectionSpec(name, expiring=True)


class Allowances:
    """One replica's way to the buckets."""

    def __init__(self, buckets: Collection, clock: Clock) -> None:
        self._buckets = buckets
        self._clock = clock
        self._pockets: dict[str, _Pocket] = {}
        self._locks = KeyedLocks()

    async def spend(self, owner: str, cost: int, terms: Terms) -> float:
        """Seconds to wait before so much may be spent; 0 where it was spent. What costs more than the burst can never
        be spent (`ValueError`)."""
        if cost > terms.burst:
            raise ValueError(f"{cost} is more than the burst of {terms.burst}")
        pocket = self._pocket(owner)
        if pocket.tokens < cost:
            async with self._locks.of(owner):
                if wait := await self._draw(owner, pocket, cost, terms):
                    return wait
                pocket.tokens -= cost
                return 0.0
        pocket.tokens -= cost
        return 0.0

    def known_wait(self, owner: str, cost: int) -> float:
        """Seconds, as far as they are known without asking the store, before so much may be spent; 0 otherwise."""
        pocket = self._pockets.get(owner)
        if pocket is None or pocket.tokens >= cost or pocket.not_before is None:
            return 0.0
        return max(0.0, (pocket.not_before - self._clock.now()) / timedelta(seconds=1))

    async def _draw(self, owner: str, pocket: _Pocket, cost: int, terms: Terms) -> float:
        """Fill the pocket so that it has the cost, or tell how long that takes."""
        if pocket.tokens >= cost:  # somebody else filled it meanwhile
            return 0.0
        if wait := self.known_wait(owner, cost):
            return wait
        now = self._clock.now()
        left, got = await self._taken(owner, cost - pocket.tokens, terms)
        pocket.tokens += got
        lacking = cost - pocket.tokens - left
        if pocket.tokens >= cost:
            pocket.not_before = None
            return 0.0
        wait = max(LEAST_PAUSE, lacking / terms.rate)
        pocket.not_before = now + timedelta(seconds=wait)
        return wait

    async def _taken(self, owner: str, least: float, terms: Terms) -> tuple[float, float]:
        """What is left in the bucket, and what was taken out of it."""
        for _ in range(TRIES):
            now = self._clock.now()
            stored = await self._buckets.get(owner)
            before = _bucket(stored) if stored else Bucket(float(terms.burst), now)
            left, got = before.filled(now, terms).drawn(least, terms)
            full = timedelta(seconds=(terms.burst - left.tokens) / terms.rate)
            body = {"tokens": left.tokens, "at": left.at.isoformat()}
            document = Document(owner, body, stored.version if stored else 0, wake_at=left.at + full + REMEMBERED)
            try:
                await self._buckets.save(document)
            except Conflict:
                continue
            return left.tokens, got
        return 0.0, 0.0

    def _pocket(self, owner: str) -> _Pocket:
        if owner not in self._pockets and len(self._pockets) >= OWNERS:
            del self._pockets[next(iter(self._pockets))]  # what was in it is lost, and nobody gets more than is his
        return self._pockets.setdefault(owner, _Pocket())


def _bucket(stored: Document) -> Bucket:
    return Bucket(float(stored.body["tokens"]), datetime.fromisoformat(stored.body["at"]))
