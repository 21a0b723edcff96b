"""What a process carries out beside whatever else it does: each job once at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class InHand:
    """Jobs by their ids. `name` is for logs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, id_: str, job: Coroutine[Any, Any, None]) -> None:
        """One that is not in hand."""
        self._tasks[id_] = task = asyncio.create_task(job, name=f"{self._name} {id_}")
        task.add_done_callback(lambda _: self._tasks.pop(id_, None))

    async def settled(self) -> None:
        """Wait until nothing is in hand."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Let go of what is in hand, so that another replica may go on at once."""
        for task in tuple(self._tasks.values()):
            task.cancel()
        await self.settled()
