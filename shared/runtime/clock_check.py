"""This process's clock beside its stores' and the broker's."""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from shared.kernel.clock import CheckedClock
from shared.store.documents import Unavailable

log = logging.getLogger(__name__)

PAUSE = 10.0
"""Seconds between two comparisons."""
ANSWERS_WITHIN = 2.0


class TellsTime(Protocol):
    """Somebody with a clock that others go by as well."""

    async def now(self) -> datetime | None:
        """Its time at some moment of the call; None when it tells none now. Raises `Unavailable`."""
        ...


class ClockCheck:
    """Asks the stores and the broker for their time and says when the process's clock is apart from it."""

    def __init__(self, clock: CheckedClock, others: Mapping[str, TellsTime]) -> None:
        self._clock = clock
        self._others = others
        self._told = False

    async def once(self) -> None:
        """Compare with everybody who answers."""
        await asyncio.gather(*(self._compare(name, other) for name, other in self._others.items()))
        if self._clock.doubtful and not self._told:
            seconds = self._clock.offset.total_seconds()
            log.log(
                logging.ERROR if self._clock.far_off else logging.WARNING,
                "this process's clock is ahead of others'" if seconds > 0 else "this process's clock is behind others'",
                extra={"seconds": round(abs(seconds), 1)},
            )
        self._told = self._clock.doubtful

    async def _compare(self, name: str, other: TellsTime) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                theirs = await other.now()
        except (Unavailable, TimeoutError):
            return  # the last reading stays, and time goes on from it
        if theirs is not None:
            self._clock.compare(name, theirs, time.monotonic() - began)
