"""Time comes from outside, so that a simulation can own it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Stopwatch:
    """Seconds that went by on a clock. Where the clock is set back they stand still, and never run backwards.

    For pauses, lives and ages: a step backwards lengthens none of them by more than the step.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = clock.now()
        self._seconds = 0.0

    def seconds(self) -> float:
        """Since this watch was made."""
        now = self._clock.now()
        self._seconds += max(0.0, (now - self._seen).total_seconds())
        self._seen = now
        return self._seconds
