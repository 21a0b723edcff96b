"""This process's clock beside its stores'."""

import asyncio
import logging
import time
from collections.abc import Mapping

from shared.kernel.clock import CheckedClock
from shared.store.documents import Store, Unavailable

log = logging.getLogger(__name__)

PAUSE = 10.0
"""Seconds between two comparisons."""
ANSWERS_WITHIN = 2.0


class ClockCheck:
    """Asks the stores for their time and says when the process's clock is apart from it."""

    def __init__(self, clock: CheckedClock, stores: Mapping[str, Store]) -> None:
        self._clock = clock
        self._stores = stores
        self._told = False

    async def once(self) -> None:
        """Compare with every store that answers."""
        await asyncio.gather(*(self._compare(name, store) for name, store in self._stores.items()))
        if self._clock.doubtful and not self._told:
            seconds = self._clock.offset.total_seconds()
            log.log(
                logging.ERROR if self._clock.far_off else logging.WARNING,
                "this process's clock is ahead of others'" if seconds > 0 else "this process's clock is behind others'",
                extra={"seconds": round(abs(seconds), 1)},
            )
        self._told = self._clock.doubtful

    async def _compare(self, name: str, store: Store) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                theirs = await store.now()
        except (Unavailable, TimeoutError):
            return  # the last reading stays, and time goes on from it
        self._clock.compare(name, theirs, time.monotonic() - began)
