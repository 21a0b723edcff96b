"""Which copy of a command waits in a delay tier until it can be handled.

Whoever asked asks again meanwhile. If each ask were to wait, an outage of hours would fill the tiers with copies, one
more with every ask, that all come back at once. So the oldest copy of each command waits, and the others, tried as they
come, are let go of. What is known of other copies is kept in memory, by each process for itself: should two of them
believe in different copies, the older one stays, so that they never let go of each other's last.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.kernel.clock import Clock

BELIEVED: Final = timedelta(minutes=10)
"""So long a copy counts as waiting that was not seen again: longer than the pause between two asks, and short enough
that one which went on elsewhere is not waited for in vain. A copy with a longer delay counts for twice that: tiers are
of certain lengths."""
MOST_DELAY: Final = timedelta(hours=6)
MOST: Final = 50_000
"""Commands remembered; the longest untouched is forgotten first."""


@dataclass(frozen=True, slots=True)
class _Copy:
    id: str
    until: datetime
    """So long it counts as waiting."""


class Parking:
    """Remembers the oldest copy of each command that waits. Copies are ordered by their messages' ids."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, _Copy] = {}

    def takes(self, name: str, copy: str, delay: timedelta = timedelta(0)) -> bool:
        """Shall this copy wait, `delay` at least? Not while an older one does."""
        now = self._clock.now()
        until = now + max(BELIEVED, 2 * min(delay, MOST_DELAY))
        known = self._waiting.pop(name, None)
        older_waits = known is not None and known.id < copy and now < known.until
        self._waiting[name] = known if known is not None and older_waits else _Copy(copy, until)
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        return not older_waits

    def forget(self, name: str, copy: str) -> None:
        """This copy was dealt with, and waits no more."""
        known = self._waiting.get(name)
        if known is not None and known.id == copy:
            del self._waiting[name]
