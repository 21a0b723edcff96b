"""Questions that come at once are one question."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Asks for all that is wanted in one turn of the event loop. Nobody gets an answer to a question that was put
    before his own: what was saved before somebody asks, he finds."""

    def __init__(self, ask: Callable[[set[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._ask = ask
        self._wanted: set[K] = set()
        self._asking: asyncio.Task[Mapping[K, V]] | None = None
        """That has not begun yet."""

    async def of(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of the keys that there is something of. Raises what asking raises, to all who asked with it."""
        wanted = set(keys)
        if self._asking is None:
            self._asking = asyncio.create_task(self._put())
        self._wanted |= wanted
        found = await asyncio.shield(self._asking)  # whoever goes away takes nobody's answer with him
        return {key: found[key] for key in wanted if key in found}

    async def _put(self) -> Mapping[K, V]:
        wanted, self._wanted, self._asking = self._wanted, set(), None
        return await self._ask(wanted)
