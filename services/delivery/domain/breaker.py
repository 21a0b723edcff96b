"""When an endpoint is left alone because it fails. Pure: seconds come in as numbers that only grow."""

from collections import deque
from typing import Final, Literal

IN_A_ROW: Final = 5
AT_LEAST: Final = 20
WINDOW: Final = 60.0
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0
Phase = Literal["closed", "open", "probe"]


class Breaker:
    """Opens at 5 faults in a row, or when half of at least 20 tries of a minute were faults. While it is open nothing
    is tried; after 5, 10, .. 300 s it lets one try through, and a success closes it."""

    def __init__(self) -> None:
        self._tries: deque[tuple[float, bool]] = deque()
        """When, and whether it was a fault: those of the last minute."""
        self._faults = 0
        self._in_a_row = 0
        self._pause = FIRST_PAUSE
        self._probe_at: float | None = None
        self.closed_at: float | None = None
        """When it closed last, after it had been open."""

    @property
    def knows(self) -> bool:
        """Has anything been taken since it was made: is being closed more than not knowing?"""
        return len(self._tries) > self._faults or self.closed_at is not None

    def phase(self, now: float) -> Phase:
        if self._probe_at is None:
            return "closed"
        return "open" if now < self._probe_at else "probe"

    def heard(self, now: float, *, fault: bool, probe: bool = False) -> None:
        """The outcome of a try. While it is open only that of a probe counts: what was under way says nothing new."""
        if self._probe_at is not None:
            if probe and fault:
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                self._probe_at = now + self._pause
            elif probe:
                self._close(now)
            return
        self._tries.append((now, fault))
        self._faults += fault
        self._in_a_row = self._in_a_row + 1 if fault else 0
        while self._tries and self._tries[0][0] <= now - WINDOW:
            self._faults -= self._tries.popleft()[1]
        if self._in_a_row >= IN_A_ROW or (len(self._tries) >= AT_LEAST and 2 * self._faults >= len(self._tries)):
            self._pause = FIRST_PAUSE
            self._probe_at = now + self._pause

    def _close(self, now: float) -> None:
        self._probe_at = None
        self._tries.clear()
        self._faults = self._in_a_row = 0
        self.closed_at = now
