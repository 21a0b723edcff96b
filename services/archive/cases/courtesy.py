"""Live traffic goes first: while it comes, work on the past does a little, and then stands back."""

import math
from collections.abc import Callable
from typing import Final

MOST: Final = 50
"""Copies that are published together."""
MOST_BESIDE: Final = 10
"""The same while live events come: one that comes meanwhile waits for no more."""
COMES: Final = 1.0
"""Seconds since live events came, within which more are held to be on their way."""
STANDS_BACK: Final = 4
"""Beside live events it rests so many times as long as what it did took."""


class Courtesy:
    """Of what one process does for the past: what is computed holds the interpreter that answers live requests, what is
    sent is synced by the broker to the same disk as what is routed."""

    def __init__(self, since_live: Callable[[], float]) -> None:
        """`since_live`: seconds since this process was given live events."""
        self._since_live = since_live

    @property
    def most(self) -> int:
        """Copies that may be sent together."""
        return MOST_BESIDE if self._is_beside else MOST

    def rest(self, took: float) -> float:
        """Seconds, after what took so long."""
        return STANDS_BACK * took if self._is_beside else 0.0

    @property
    def _is_beside(self) -> bool:
        return self._since_live() < COMES


ALONE: Final = Courtesy(lambda: math.inf)
"""Of a process that is given no live events."""
