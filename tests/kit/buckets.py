"""A way to an object store on which answers are lost, the store is away, or the process dies."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from obstore.store import MemoryStore

from shared.segments.buckets import Bucket, Listed, ObjectBucket, Read, Version
from shared.segments.places import Unreachable

T = TypeVar("T")


class Killed(BaseException):
    """The process is no more: nothing that it would have done next is done."""


class Shaky:
    """One process's way to a store. `dies_after`: so many steps, each of which is a request; it may have been done when
    the process dies. `loses`: one in so many requests has no answer, done or not. `meanwhile`: what others do before a
    request, as long as it takes them."""

    def __init__(self, store: Bucket, chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self.dies_after: int | None = None
        self.loses = 0
        self.away = False
        self.asked = Counter[str]()
        self.meanwhile: Callable[[], None] = lambda: None

    def _step(self, request: Callable[[], T]) -> T:
        self.meanwhile()
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after <= 0:
                if self.dies_after == 0 and self._chance.random() < 0.5:
                    request()
                raise Killed
        if self.away:
            raise Unreachable("away")
        if self.loses and self._chance.randrange(self.loses) == 0:
            if self._chance.random() < 0.5:
                request()
            raise Unreachable("no answer")
        return request()

    def create(self, key: str, content: bytes) -> Version | None:
        return self._step(lambda: self._store.create(key, content))

    def replace(self, key: str, content: bytes, version: Version) -> Version | None:
        return self._step(lambda: self._store.replace(key, content, version))

    def read(self, key: str) -> Read:
        self.asked["read"] += 1
        return self._step(lambda: self._store.read(key))

    def between(self, key: str, start: int, end: int) -> bytes:
        return self._step(lambda: self._store.between(key, start, end))

    def look(self, key: str) -> Listed:
        return self._step(lambda: self._store.look(key))

    def list(self, folder: str, after: str = "") -> Sequence[Listed]:
        return self._step(lambda: self._store.list(folder, after))

    def names(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        return self._step(lambda: self._store.names(folder))

    def delete(self, keys: Sequence[str]) -> None:
        """One by one: a store that is asked to delete many may have deleted some."""
        for key in keys:
            self._step(lambda: self._store.delete([key]))  # noqa: B023 - it is called at once


def in_mind() -> Bucket:
    return ObjectBucket(MemoryStore())
