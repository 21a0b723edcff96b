"""Long work in a process in which others wait for their turn."""

import asyncio
from collections.abc import Callable
from typing import Final

from shared.kernel.clock import running_seconds

AT_ONCE: Final = 0.02
"""Seconds of work, after which others have their turn."""


class Turns:
    """Of one piece of work, which says between its steps that others may have their turn: counted by time, since a
    step may take microseconds or seconds."""

    def __init__(self, seconds: Callable[[], float] = running_seconds) -> None:
        self._seconds = seconds
        self._since = seconds()

    async def give(self) -> None:
        """Return when others had their turn, where it is time for it."""
        if self._seconds() - self._since >= AT_ONCE:
            await asyncio.sleep(0)
            self._since = self._seconds()
