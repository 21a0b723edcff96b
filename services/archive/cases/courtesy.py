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
MOMENT: Final = 0.002
"""Seconds for which a thread computes before it gives way. While it does, whoever else wants the interpreter waits 5 ms
each time, and a request that is answered meanwhile wants it twenty times."""
MOMENT_BESIDE: Final = 0.001
"""The same while live events come, of what nobody waits for."""
STANDS_BACK: Final = 4
"""Beside live events it rests so many times as long as sending took, which is the broker's time for the most part."""
COMPUTES: Final = 9
"""The same of computing, which leaves the interpreter to nobody: it has a tenth of it."""


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

    @property
    def moment(self) -> float:
        """Seconds for which may be computed what nobody waits for."""
        return MOMENT_BESIDE if self._is_beside else MOMENT

    def rest(self, sending: float = 0.0, computing: float = 0.0) -> float:
        """Seconds, after either took so long."""
        return STANDS_BACK * sending + COMPUTES * computing if self._is_beside else 0.0

    @property
    def _is_beside(self) -> bool:
        return self._since_live() < COMES


ALONE: Final = Courtesy(lambda: math.inf)
"""Of a process that is given no live events."""
