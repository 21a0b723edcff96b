"""How many streams, or requests that wait, may be open at once, and whose they are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class TooManyStreams(Exception):
    """The caller, or the process, has as many open streams as it may."""


class OpenStreams:
    """Of one process: no more than `most`, and `per_caller` of one caller."""

    def __init__(self, most: int, per_caller: int) -> None:
        self._most = most
        self._per_caller = per_caller
        self._open: Counter[str] = Counter()

    def enter(self, caller: str) -> None:
        """Count a stream in, until `leave`. Raises TooManyStreams."""
        if self._open.total() >= self._most or self._open[caller] >= self._per_caller:
            raise TooManyStreams
        self._open[caller] += 1

    def leave(self, caller: str) -> None:
        """The stream has ended."""
        self._open[caller] -= 1
        if not self._open[caller]:
            del self._open[caller]

    @contextmanager
    def one(self, caller: str) -> Iterator[None]:
        """One of the caller's, as long as the block lasts. Raises TooManyStreams."""
        self.enter(caller)
        try:
            yield
        finally:
            self.leave(caller)
