"""How much one pass may end or delete by the clock alone, before it asks an operator."""

import logging
import math
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class Share:
    """What a pass may take of all documents. A pass lasts until nothing is due any more.

    Where most of a collection falls due at once, the clock is wrong more often than the documents are old. So a pass
    takes no more than `share` of them, and no fewer than `least`, and then stands still, with an error in the log,
    until an operator allows more, or what is due no longer is. `refill` seconds later, where given, it gets as much
    again: for what would only be kept too long.
    """

    def __init__(
        self,
        what: str,
        setting: str,
        *,
        share: float,
        least: int,
        refill: float | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`setting` is the variable by which an operator allows more; 1 allows everything."""
        self._what = what
        self._setting = setting
        self._share = share
        self._least = least
        self._refill = refill
        self._seconds = seconds
        self._left: int | None = None
        self._given_at = 0.0
        self._asked = False

    async def of(self, due: int, count: Callable[[], Awaitable[int]]) -> int:
        """How many of those due may be taken now, and are counted; `count` tells how many documents there are."""
        if self._left is None or self._refilled():
            self._left = max(self._least, math.ceil(await count() * self._share))
            self._given_at = self._seconds()
            self._asked = False
        taken = min(due, self._left)
        self._left -= taken
        if taken < due and not self._asked:
            self._asked = True
            reason = f"{self._what}: look at the clock, then allow more by {self._setting}"
            log.error("more is due than one pass may take: an operator is asked", extra={"reason": reason})
        return taken

    def ended(self) -> None:
        """Nothing is due any more: the next pass has a share of its own."""
        self._left = None

    def _refilled(self) -> bool:
        return self._refill is not None and self._seconds() - self._given_at >= self._refill
