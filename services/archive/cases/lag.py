"""How far the archive is behind what it was given."""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final

from shared.kernel.clock import Clock

BELIEVED: Final = timedelta(minutes=1)
"""A page that could not be kept comes again within seconds, to whichever replica; what did not come here for so long
was kept elsewhere. For so long, too, a page that was kept late says that there may be more of its kind."""
MOST: Final = 10_000
"""Pages that are remembered: only those in hand, and those that could not be kept a moment ago."""


class Lag:
    """Of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Hashable, tuple[datetime, datetime]] = {}
        self._kept_at: datetime | None = None
        self._last = timedelta()

    def given(self, page: Hashable, accepted: datetime) -> None:
        """A page is there to be kept, whose first event was accepted then."""
        self._waiting.pop(page, None)
        self._waiting[page] = accepted, self._clock.now()
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]

    def kept(self, page: Hashable) -> None:
        accepted, _ = self._waiting.pop(page)
        self._kept_at = self._clock.now()
        self._last = self._kept_at - accepted

    @property
    def seconds(self) -> float:
        """The age of the oldest page that is not kept yet; where there is none, that of the last one at its being
        kept, for a while; else 0."""
        now = self._clock.now()
        self._waiting = {page: told for page, told in self._waiting.items() if now - told[1] <= BELIEVED}
        ages = [now - accepted for accepted, _ in self._waiting.values()]
        if self._kept_at is not None and now - self._kept_at <= BELIEVED:
            ages.append(self._last)
        return max(0.0, *(age.total_seconds() for age in ages)) if ages else 0.0
