"""How many events were accepted, by partner, class of keeping and minute: the other side of what the archive holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.accepting.counting import Counting, Place
from shared.contracts.archive import MinuteOfEvents
from shared.contracts.hubids import minute_at
from shared.kernel.clock import Clock

KNOWN: Final = timedelta(hours=47)
"""Pages are kept for two days at least: for a day, as their events' ids are, and one day more."""


class TooLongAgo(Exception):
    """Some of the pages of that time may be gone."""


def mark_of(partner: str, keep: str) -> str:
    """What an event is counted as; no partner's name has a colon."""
    return f"{partner}:{keep}"


class CountingEvents:
    """Reads the pages of all replicas."""

    def __init__(self, counting: Counting, clock: Clock) -> None:
        self._counting = counting
        self._clock = clock

    async def accepted(
        self, start: datetime, end: datetime, after: Place | None
    ) -> tuple[Sequence[MinuteOfEvents], Place | None]:
        """Of [`start`, `end`), as many as are counted in some seconds, and where to go on: a minute may come several
        times, and its counts add up. Raises TooLongAgo, Unavailable."""
        if start < self._clock.now() - KNOWN:
            raise TooLongAgo
        counted, following = await self._counting.accepted(start, end, after)
        return [_minute(*key, count) for key, count in sorted(counted.items())], following


def _minute(mark: str, minute: int, count: int) -> MinuteOfEvents:
    partner, _, keep = mark.partition(":")
    return MinuteOfEvents(partner=partner, keep=keep, minute=minute_at(minute), events=count)
