"""Time comes from outside, so that a simulation can own it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def running_seconds() -> float:
    """Counts on while the machine sleeps, where the system can tell, whatever its clock is set to."""
    return time.clock_gettime(_RUNNING)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What somebody's clock showed when our counter was at nought."""

    origin: datetime
    uncertain: timedelta

    def apart(self, origin: datetime) -> timedelta:
        """How far a clock that showed `origin` then is ahead of theirs, at least."""
        apart = origin - self.origin
        if abs(apart) <= self.uncertain:
            return timedelta()
        return apart - self.uncertain if apart > timedelta() else apart + self.uncertain


class CheckedClock:
    """A clock that knows how far it is from others' clocks, which `compare` tells it.

    From one reading to the next it goes by a counter that no setting of the clock moves, so that a step is known at
    once. Until there is a reading, the clock is held to have been right when it was made.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        warning: timedelta = timedelta(seconds=5),
        limit: timedelta = timedelta(seconds=60),
        counter: Callable[[], float] = running_seconds,
    ) -> None:
        self._clock = clock
        self._warning = warning
        self._limit = limit
        self._counter = counter
        self._own = _Reading(self._origin(clock.now()), timedelta())
        self._others: dict[str, _Reading] = {}

    def now(self) -> datetime:
        return self._clock.now()

    def compare(self, source: str, theirs: datetime, spent: float) -> None:
        """`theirs` is what the source's clock showed at some moment of the `spent` seconds that end now."""
        half = timedelta(seconds=spent / 2)
        self._others[source] = _Reading(self._origin(theirs + half), half)

    @property
    def offset(self) -> timedelta:
        """How far it is ahead of the clock from which it is furthest; less than nothing where it is behind."""
        origin = self._origin(self._clock.now())
        readings = self._others.values() or (self._own,)
        return max([reading.apart(origin) for reading in readings], key=abs)

    @property
    def doubtful(self) -> bool:
        """Far enough off to be looked after."""
        return abs(self.offset) > self._warning

    @property
    def far_off(self) -> bool:
        """Too far off for anything to be decided by it."""
        return abs(self.offset) > self._limit

    def _origin(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self._counter())


def far_off(clock: Clock) -> bool:
    """Is the clock known to be so far off that nothing must be ended, deleted or proved absent by it?"""
    return isinstance(clock, CheckedClock) and clock.far_off


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
