"""A clock in the hands of a test."""

from datetime import datetime, timedelta

from tests.days import NOW


class HandClock:
    """Stands still until it is wound."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def pass_by(self, span: timedelta = timedelta(), /, **more: float) -> None:
        """A span of time, or one spelled out: `pass_by(hours=1)`."""
        self.time += span + timedelta(**more)
