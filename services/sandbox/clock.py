"""What time it is in the outside world."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def machine() -> datetime:
    return datetime.now(UTC)


def beginning_at(moment: datetime | None, clock: Clock) -> Clock:
    """A clock that says `moment` now and then goes as `clock` does; `clock` itself for None."""
    if moment is None:
        return clock
    ahead = moment - clock()
    return lambda: clock() + ahead
