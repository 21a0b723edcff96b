"""What is in segments that lie in an object store, read as it is asked for.

Neither groups nor closed segments ever change, so that what was read once is kept a while.
"""

from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Protocol

from shared.segments.buckets import Bucket
from shared.segments.caches import Cache
from shared.segments.lines import Damaged

WINDOW: Final = 512 << 10
"""Bytes that are read together: of a store they take hardly longer than one."""
AHEAD: Final = 16
"""Groups that are read at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """A group, by its place in the segment."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def unbroken(parts: Sequence[Part]) -> Sequence[Part]:
    """Raises Damaged where one is gone."""
    end = 0
    for part in parts:
        if part.offset != end:
            raise Damaged(f"what was written at byte {end} is gone")
        end = part.end
    return parts


class Where(Protocol):
    """What these ask of the place."""

    bucket: Bucket
    cache: Cache
    fetching: Executor

    def key(self, name: str) -> str: ...

    def group(self, name: str, offset: int) -> str: ...


class ClosedObject:
    """A closed segment."""

    def __init__(self, where: Where, name: str, size: int) -> None:
        self._where = where
        self._name = name
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, end = part.start, min(part.stop, self._size)
        first, last = start // WINDOW, (end - 1) // WINDOW
        if end <= start:
            return b""
        if last - first >= AHEAD:
            return self._where.bucket.between(self._where.key(self._name), start, end)
        whole = b"".join(self._window(number) for number in range(first, last + 1))
        return whole[start - first * WINDOW : end - first * WINDOW]

    def _window(self, number: int) -> bytes:
        window = self._where.key(self._name), number
        found = self._where.cache.get(window)
        if found is None:
            end = min(self._size, (number + 1) * WINDOW)
            found = self._where.bucket.between(self._where.key(self._name), number * WINDOW, end)
            self._where.cache.put(window, found)
        return found


class Parts:
    """An open segment, as far as it was written when it was listed. It may be closed while it is read: what lies where
    stays."""

    def __init__(self, where: Where, name: str, parts: Sequence[Part]) -> None:
        self._where = where
        self._name = name
        self._parts = [part for part in parts if part.size]
        self._offsets = [part.offset for part in self._parts]
        self._size = parts[-1].end if parts else 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, end = part.start, min(part.stop, self._size)
        if end <= start:
            return b""
        found = []
        for number in range(bisect_right(self._offsets, start) - 1, len(self._parts)):
            each = self._parts[number]
            if each.offset >= end:
                break
            found.append(self._read(number)[max(0, start - each.offset) : end - each.offset])
        return b"".join(found)

    def _read(self, number: int) -> bytes:
        found = self._where.cache.get(self._cached(self._parts[number]))
        if found is None:
            wanted = self._parts[number : number + AHEAD]
            missing = [each for each in wanted if self._cached(each) not in self._where.cache]
            for each, content in zip(missing, self._where.fetching.map(self._fetch, missing), strict=True):
                self._where.cache.put(self._cached(each), content)
                if each is self._parts[number]:
                    found = content
        return found if found is not None else self._fetch(self._parts[number])

    def _fetch(self, part: Part) -> bytes:
        try:
            return self._where.bucket.read(self._where.group(self._name, part.offset)).content
        except FileNotFoundError:
            return self._where.bucket.between(self._where.key(self._name), part.offset, part.end)

    def _cached(self, part: Part) -> str:
        return self._where.group(self._name, part.offset)
