"""How much work one event may cause: a bus's rules so much, and all buses of a partner together a few times that.

A partner may have many buses. What each of them may take for one event lasts seconds, so that all of them together
would stop a process for minutes, by one event and within every limit of a file.
"""

from typing import Any, Final

from shared.rules.limits import STEPS
from shared.rules.looking import Look

OF_A_PARTNER: Final = 4 * STEPS
"""For one event, by all buses of one partner."""


class Work:
    """Of one event's document, at which buses look one after the other."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._left: dict[str, int] = {}
        self._partner = ""
        self._beside = 0
        self._look = Look(document, 0)

    def of(self, partner: str) -> Look:
        """For the partner's next bus. What the bus before has left is counted now: it looks no more."""
        self._left[self._partner] = self._beside + max(self._look.left, 0)
        left = self._left.get(partner, OF_A_PARTNER)
        steps = min(STEPS, left)
        self._partner, self._beside, self._look = partner, left - steps, Look(self._document, steps)
        return self._look
