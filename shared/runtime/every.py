"""Work that is done again and again, with a pause in between."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shared.store.documents import Unavailable

log = logging.getLogger(__name__)

AWAY_PAUSE = 1.0
"""Seconds, at least, between two looks for a store that is away."""


class Every:
    """A task that does one page, at once another one while pages are full, and then pauses.

    Where `wake` is given, the event that it names at the page's beginning ends the pause when it is set: what this
    process does itself need not wait to be looked for. A store that is away is waited for. What else goes wrong ends
    the task, and is counted and begun again by the process (`shared.runtime.background`).
    """

    def __init__(
        self,
        seconds: float,
        page: Callable[[], Awaitable[int | None]],
        *,
        full: float = math.inf,
        name: str,
        wake: Callable[[], asyncio.Event] = asyncio.Event,
    ) -> None:
        """`page` tells how much it did, where more than a page may wait: `full` or more say so. `name` is for logs
        and metrics."""
        self.__name__ = name
        self._seconds = seconds
        self._page = page
        self._full = full
        self._wake = wake
        self._waiting = False

    async def __call__(self) -> None:
        """For ever."""
        while True:
            woken = self._wake()
            if await self._pages():
                await self._pause(woken)
            else:
                await asyncio.sleep(max(self._seconds, AWAY_PAUSE))

    async def _pause(self, woken: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await woken.wait()

    async def _pages(self) -> bool:
        """False where the store is away, which is told once."""
        try:
            while (await self._page() or 0) >= self._full:
                self._waiting = False
        except Unavailable as error:
            if not self._waiting:
                log.warning("a task waits for the store", extra={"task": self.__name__, "error": type(error).__name__})
            self._waiting = True
            return False
        self._waiting = False
        return True
