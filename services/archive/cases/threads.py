"""Where segments are read: in threads of their own, so that pages are kept however much is read."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Final, TypeVar

from services.archive.cases.courtesy import ALONE, MOMENT, Courtesy
from shared.kernel.clock import running_seconds

T = TypeVar("T")
READERS: Final = 4
"""Threads. What is kept is written by others: those of the event loop."""
MOST: Final = 1_000


class BeingRead(Exception):
    """Somebody has all of it read at this moment, or a long time of it: one at a time."""


class Threads:
    """Those of one process."""

    def __init__(self, courtesy: Courtesy = ALONE) -> None:
        self._courtesy = courtesy
        self._threads = ThreadPoolExecutor(READERS, "segments")
        self._alone = False

    async def run(self, act: Callable[[], T]) -> T:
        """What it returns or raises, when it is its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    async def some(self, steps: Iterator[T], most: int = MOST) -> list[T]:
        """The next of them, as many as are made in a moment; none, where there are no more."""
        return (await self.run(lambda: _made(steps, most, MOMENT)))[0]

    async def at_leisure(self, steps: Iterator[T], most: int = MOST) -> list[T]:
        """The same of what nobody waits for: beside live events it rests after each moment."""
        moment = self._courtesy.moment
        found, took = await self.run(lambda: _made(steps, most, moment))
        await asyncio.sleep(self._courtesy.rest(computing=took))
        return found

    async def drain(self, steps: Iterator[object]) -> None:
        """Go on to its end, in such moments: whoever is cancelled in between leaves no thread behind."""
        while await self.some(steps):
            pass

    @contextmanager
    def alone(self) -> Iterator[None]:
        """For what reads more than a page of answers. Raises BeingRead while another one does."""
        if self._alone:
            raise BeingRead
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    async def close(self) -> None:
        """What is being read is waited for, what waits is not begun."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)


def _made(steps: Iterator[T], most: int, moment: float) -> tuple[list[T], float]:
    """What is made in a moment of so many seconds, and those that it took. It blocks."""
    began, found = running_seconds(), list[T]()
    for each in islice(steps, most):
        found.append(each)
        if running_seconds() - began >= moment:
            break
    return found, running_seconds() - began
