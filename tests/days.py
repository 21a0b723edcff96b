"""The day on which tests take place. What the outside world sells and asks for depends on the day and the hour, so
whatever is compared with it has one of its own, the same whenever the tests run."""

import time
from datetime import UTC, date, datetime, timedelta

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""A Saturday, nine in the morning in Sao Paulo: no test lasts until midnight there."""

_BEGUN = time.monotonic()


def now() -> datetime:
    """`NOW` when the tests began; from then on time passes as it does."""
    return NOW + timedelta(seconds=time.monotonic() - _BEGUN)


def in_days(days: int) -> str:
    """A day of travel."""
    return day_in(days).isoformat()


def day_in(days: int) -> date:
    return NOW.date() + timedelta(days=days)


class Clock:
    """`now`, set forward by whoever does not want to wait."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return now() + self.ahead
