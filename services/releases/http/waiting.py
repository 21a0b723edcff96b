"""Who waits for something to happen to a request."""

import asyncio
from contextlib import suppress
from typing import Final

from services.releases.cases.releasing import Releasing
from services.releases.domain.request import Request
from services.releases.http.calling import existing
from shared.kernel.streams import OpenStreams, TooManyStreams

MOST: Final = 500
PER_CALLER: Final = 20
LOOK_PAUSE: Final = 0.5
"""Seconds between two looks for what another process has appended."""


class Waiting:
    """Of one process. Where as many wait as may, whoever comes is told at once how it stands.

    A refusal would be worse: a gate that nobody answers for long enough gives up, and what it waits for may be hours
    away. Those that are there already look again after a pause when they were answered too soon.
    """

    def __init__(self, releasing: Releasing, draining: asyncio.Event) -> None:
        self._releasing = releasing
        self._draining = draining
        self._waits = OpenStreams(MOST, PER_CALLER)

    async def change(self, caller: str, id_: str, since: int, seconds: int) -> Request:
        """The request when it has another revision, at the latest when the time is over or the process drains. Raises
        404."""
        try:
            with self._waits.one(caller):
                return await self._awaited(id_, since, seconds)
        except TooManyStreams:
            return await existing(self._releasing, id_)

    async def _awaited(self, id_: str, since: int, seconds: int) -> Request:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            happened = self._releasing.log.changes()  # before the look, or what happens during it would be waited for
            found = await existing(self._releasing, id_)
            if found.revision != since or self._draining.is_set() or loop.time() >= until:
                return found
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_PAUSE, until - loop.time())):
                    await happened.wait()
