"""Copies that ended among the dead letters are told of as events, a minute's by one fault as one."""

import logging
from collections import Counter
from typing import Final

from shared.bus.outbox import NotPublished, Outbox, Publisher
from shared.contracts.copies import Copy
from shared.contracts.delivery import CopyDead

log = logging.getLogger(__name__)

PAUSE: Final = 60.0
"""Seconds for which deaths gather."""
MOST: Final = 1_000
"""Faults that are told apart; what dies by others meanwhile is in the dead letters, and not told of."""


class Deaths:
    """What one process has seen die and not told yet. A crash loses a minute of it: the letters themselves stay."""

    def __init__(self, publisher: Publisher, outbox: Outbox) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    def saw(self, copy: Copy, fault: str, fingerprint: str) -> None:
        place = (copy.bus, copy.target, fault, fingerprint)
        if place in self._seen or len(self._seen) < MOST:
            self._seen[place] += 1

    async def tell(self) -> None:
        """What the broker does not take waits on."""
        if not self._seen or not self._publisher.connected:
            return
        told, self._seen = self._seen, Counter()
        events = [
            CopyDead(bus=bus, target=target, fault=fault, fingerprint=fingerprint, count=count)
            for (bus, target, fault, fingerprint), count in told.items()
        ]
        try:
            await self._publisher.publish([self._outbox.entry(each) for each in events])
        except NotPublished as error:
            log.warning("deaths wait to be told", extra={"count": len(events), "error": type(error).__name__})
            self._seen.update(told)
