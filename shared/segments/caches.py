"""Bytes that never change, kept as long as there is room: those that were not asked for longest go first."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final

LARGEST: Final = 64 << 20
"""Bytes of one process: an open segment of the usual size."""


class Cache:
    """Any thread may ask."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._known: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
            return found

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def put(self, key: Hashable, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._known.pop(key, b""))
            self._known[key] = content
            while self._size > self._largest:
                self._size -= len(self._known.popitem(last=False)[1])
