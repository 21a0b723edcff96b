"""Work that is done again and again, with a pause in between."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from shared.store.documents import Unavailable

log = logging.getLogger(__name__)

AWAY_PAUSE = 1.0
"""Seconds, at least, between two looks for a store that is away."""


class Every:
    """A task of a service: does one page, at once another one while pages are full, and then pauses.

    A store that is away is waited for. What else goes wrong ends the task, and is counted and begun again by the
    process (`shared.runtime.background`).
    """

    def __init__(self, seconds: float, page: Callable[[], Awaitable[int]], *, full: int, name: str) -> None:
        """`page` tells how much it did; `full` or more say that more may wait. `name` is for logs and metrics."""
        self.__name__ = name
        self._seconds = seconds
        self._page = page
        self._full = full
        self._waiting = False

    async def __call__(self) -> None:
        """For ever."""
        while True:
            reached = await self._pages()
            await asyncio.sleep(self._seconds if reached else max(self._seconds, AWAY_PAUSE))

    async def _pages(self) -> bool:
        """False where the store is away, which is told once."""
        try:
            while await self._page() >= self._full:
                self._waiting = False
        except Unavailable as error:
            if not self._waiting:
                log.warning("a task waits for the store", extra={"task": self.__name__, "error": type(error).__name__})
            self._waiting = True
            return False
        self._waiting = False
        return True
