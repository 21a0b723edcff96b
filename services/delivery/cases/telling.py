"""Every attempt is told to the archive, many at a time."""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from shared.bus.outbox import NotPublished, Outbox, Publisher
from shared.contracts.archive import Attempt, KeepRecords
from shared.kernel.ids import Ids

log = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds for which attempts gather."""
MOST: Final = 1_000
"""In one message."""
KEPT: Final = 50_000
"""Attempts that wait for a broker that is away; the oldest are given up beyond that."""


class Telling:
    """What one process has tried and not told yet. A crash loses a second of it: what became of copies is told by
    queues, not by this."""

    def __init__(self, publisher: Publisher, outbox: Outbox, ids: Ids) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._ids = ids
        self._waiting: deque[Attempt] = deque(maxlen=KEPT)

    def tell(self, attempt: Attempt) -> None:
        if len(self._waiting) == KEPT:
            log.warning("an attempt is not told", extra={"count": 1})
        self._waiting.append(attempt)

    async def flush(self) -> int:
        """Tell what waits; how many were told. What the broker does not take waits on."""
        if not self._publisher.connected:
            return 0
        some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        if not some:
            return 0
        try:
            await self._publisher.publish([self._outbox.entry(self._records(some))])
        except NotPublished as error:
            log.warning("attempts wait to be told", extra={"count": len(some), "error": type(error).__name__})
            self._waiting.extendleft(reversed(some))
            return 0
        return len(some)

    async def drain(self) -> None:
        while await self.flush():
            pass

    def _records(self, some: Sequence[Attempt]) -> KeepRecords:
        return KeepRecords(batch=self._ids.new(), attempts=tuple(some))
