"""How fast copies go to one endpoint. Pure: seconds come in as numbers that only grow."""

import math
from typing import Final

SLOW: Final = 0.1
"""The part of its rate, or of its concurrency, at which an endpoint that was down begins again."""
HAIR: Final = 1e-6
"""Of a token: what rounding takes must not be waited for, in steps that are none."""
DOUBLES: Final = 5.0
"""Seconds."""


class Pace:
    """A token bucket and a bound on what is under way; both begin low after `slowly`."""

    def __init__(self, rate: float | None, burst: int | None, concurrency: int) -> None:
        """`rate` a second; None: as fast as `concurrency` allows. `burst` is what a tenth of a second
        has, where it is not given."""
        self._rate = rate
        self._burst = _burst(rate, burst)
        self._concurrency = concurrency
        self._tokens = self._burst
        self._at: float | None = None
        self._slow_since: float | None = None

    def become(self, rate: float | None, burst: int | None, concurrency: int, now: float) -> None:
        """Go on by these. What was spent stays spent, and an endpoint that was down is not hurried."""
        if self._rate is not None:
            self._fill(now, self._rate * self._share(now))
        self._rate, self._burst, self._concurrency = rate, _burst(rate, burst), concurrency
        self._tokens = min(self._tokens, self._burst)

    def slowly(self, now: float) -> None:
        """Begin again from a tenth, and twice as much every 5 s."""
        self._slow_since = now
        self._tokens = min(self._tokens, 1.0)

    def take(self, now: float, under_way: int) -> float:
        """0 where a request may go now, which is counted; else seconds until it is worth asking again: infinite where
        one that is under way must end first."""
        share = self._share(now)
        if under_way >= max(1, math.ceil(self._concurrency * share)):
            return math.inf if share >= 1 else DOUBLES / 4
        if self._rate is None:
            return 0.0
        self._fill(now, self._rate * share)
        if self._tokens >= 1 - HAIR:
            self._tokens = max(self._tokens - 1, 0.0)
            return 0.0
        return (1 - self._tokens) / (self._rate * share)

    def _fill(self, now: float, rate: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * rate)
        self._at = now

    def _share(self, now: float) -> float:
        if self._slow_since is None:
            return 1.0
        share = SLOW * 2.0 ** int((now - self._slow_since) / DOUBLES)
        if share >= 1:
            self._slow_since = None
            return 1.0
        return share


def _burst(rate: float | None, burst: int | None) -> float:
    return float(burst if burst is not None else max(1.0, (rate or 0.0) / 10))
