"""Whether a process that ended is started again, and when."""

from dataclasses import dataclass, replace
from typing import Final

WRONG_SETTINGS: Final = 2
"""The exit code of a process that nobody's patience helps: its settings are wrong, or its queues another stack's."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
MOST_COUNTED: Final = 10
"""Short lives; after fewer the pause is as long as it gets."""
STEADY: Final = 60.0
"""Seconds after which a life was no failed start."""


@dataclass(frozen=True)
class Restarts:
    """What is known of one process: whether it was ever ready, and how many short lives it has behind it in a row."""

    short_lives: int = 0
    proven: bool = False

    def ready(self) -> "Restarts":
        return replace(self, proven=True)

    def ended(self, code: int, lived: float) -> tuple["Restarts", float | None]:
        """After a life of so many seconds: what is known then, and the seconds until the next, None where there is no
        sense in one: it never was ready, or says itself that it cannot be."""
        if code == WRONG_SETTINGS or not self.proven:
            return self, None
        short_lives = 0 if lived >= STEADY else self.short_lives
        pause = min(FIRST_PAUSE * 2**short_lives, LONGEST_PAUSE)
        return replace(self, short_lives=min(short_lives + 1, MOST_COUNTED)), pause
