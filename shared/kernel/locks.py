"""One at a time, or so many, per key, within a process."""

import asyncio
from collections.abc import Callable

Lock = asyncio.Lock | asyncio.Semaphore


class KeyedLocks:
    """A lock for each key somebody holds or waits for, and for no other."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[Lock, int]] = {}

    def of(self, key: str) -> "_Held":
        return _Held(self._locks, key, self._new)

    def _new(self) -> Lock:
        return asyncio.Lock()


class KeyedPlaces(KeyedLocks):
    """So many places for each key; who comes when they are taken waits for one."""

    def __init__(self, places: int) -> None:
        super().__init__()
        self._places = places

    def _new(self) -> Lock:
        return asyncio.Semaphore(self._places)


class _Held:
    """One turn with a key's lock: `async with`."""

    __slots__ = ("_key", "_locks", "_new")

    def __init__(self, locks: dict[str, tuple[Lock, int]], key: str, new: Callable[[], Lock]) -> None:
        self._locks = locks
        self._key = key
        self._new = new

    async def __aenter__(self) -> None:
        lock, users = self._locks.get(self._key) or (self._new(), 0)
        self._locks[self._key] = (lock, users + 1)
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._locks[self._key][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, users = self._locks[self._key]
        if users == 1:
            del self._locks[self._key]
        else:
            self._locks[self._key] = (lock, users - 1)
