"""Which commands have a copy waiting in a delay tier while their provider is left alone.

Whoever asked asks again meanwhile. If each ask were parked, an outage of hours would fill the tiers with copies that
all come back at once: in one process one copy of each command waits, and the others are let go of.
"""

from datetime import datetime, timedelta

from shared.kernel.clock import Clock

MANY = 1000
"""From so many on, those whose time has come are forgotten."""


class Parking:
    """Remembers until when a copy of a command waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    def takes(self, name: str, pause: timedelta) -> bool:
        """Shall this copy wait? Not while another one does."""
        now = self._clock.now()
        if now < self._until.get(name, now):
            return False
        if len(self._until) >= MANY:
            self._until = {each: until for each, until in self._until.items() if now < until}
        self._until[name] = now + pause
        return True
