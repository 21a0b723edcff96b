"""What this service was not told, or has forgotten: it was not there then, or its store is a copy of an earlier moment.

It says by a message what it knows, and waits for nothing: whoever knows more tells it as always. That message waits
where nobody is there to answer; what is told in between is newer than what it asks for.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.delivery.cases.configuring import Configuring
from shared.bus.outbox import NotPublished, Outbox
from shared.kernel.clock import running_seconds
from shared.kernel.pauses import growing

log = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds between two looks whether it is time."""
AGAIN: Final = timedelta(minutes=1)
SELDOM: Final = timedelta(hours=1)
"""A process asks when it begins, after a minute, 2, 4, .. 60: a question may end among the dead letters, and each that
waits for a hub that is away is answered."""


@dataclass
class CatchingUp:
    """One process's questions."""

    configuring: Configuring
    outbox: Outbox
    _asked: int = 0
    _next: float = float("-inf")

    async def look(self) -> None:
        """Ask where it is time. Raises Unavailable."""
        if running_seconds() < self._next:
            return
        try:
            await self.outbox.say(await self.configuring.known())
        except NotPublished as error:
            log.info("it could not be asked for what is not known", extra={"reason": str(error)[:100]})
            return
        self._next = running_seconds() + growing(AGAIN, 2, SELDOM, self._asked).total_seconds()
        self._asked += 1
