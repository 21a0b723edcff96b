"""Work that goes on beside messages and requests. It may fail; it may not vanish."""

import asyncio
import logging
from collections.abc import Callable

from shared.runtime.service import Task

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds between a failure and the next start: doubled with each failure, so that a broken task burns no CPU."""


class Background:
    """The process's background tasks: started again after a failure, until the process drains."""

    def __init__(self, restarted: Callable[[str], None] = lambda _task: None, first_pause: float = FIRST_PAUSE) -> None:
        """`restarted` is told of each failure, by the task's name."""
        self._restarted = restarted
        self._first_pause = first_pause
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Task) -> None:
        task = asyncio.create_task(self._keep_running(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel every task and wait until each has gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_running(self, name: str, work: Task) -> None:
        pause = self._first_pause
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
            except Exception:
                self._restarted(name)
                log.exception("background task failed", extra={"task": name})
            else:
                return
            if loop.time() - began > LONGEST_PAUSE:
                pause = self._first_pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
