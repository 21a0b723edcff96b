"""What is done without anybody's asking: deadlines, projections, checkpoints."""

import logging
from datetime import datetime, timedelta
from typing import ClassVar

from services.releases.cases.log import Log
from services.releases.cases.proving import Proving
from services.releases.domain.commands import ReadRules, Tick
from services.releases.ports import Anchor
from shared.bus.outbox import Outbox
from shared.kernel.clock import Clock, far_off
from shared.store.documents import Conflict

log = logging.getLogger(__name__)


class Minding:
    """The pages of the service's tasks. Every replica does all of it."""

    PAGE: ClassVar = 20
    FOUND_READY: ClassVar = timedelta(seconds=30)
    """Longer than whoever balances the load takes to find out that a process is ready."""

    def __init__(self, releases: Log, proving: Proving, outbox: Outbox, anchor: Anchor | None, clock: Clock) -> None:
        self._log = releases
        self._proving = proving
        self._outbox = outbox
        self._anchor = anchor
        self._clock = clock
        self._since: datetime | None = None
        """When newer files were first to be told."""
        self._said = False

    async def timers(self) -> int:
        """What is due happens; the number of those looked at."""
        if far_off(self._clock):
            return 0
        due = await self._log.books.requests.due(self._clock.now(), self.PAGE)
        for stored in due:
            await self._log.tell(Tick(), stored.value.id)
        return len(due)

    async def behind(self) -> None:
        """Requests are folded, and files that are news are told to the log."""
        try:
            await self._log.catch_up()
        except Conflict:
            return  # somebody else is faster
        if self._log.news == "first" or (self._log.news == "next" and self._is_found_ready()):
            await self._log.tell(ReadRules())
        if self._log.outdated and not self._said:
            await self._say_that_they_are_older()
        self._said = self._log.outdated

    async def _say_that_they_are_older(self) -> None:
        refusal = (await self._log.tell(ReadRules())).decision.refusal
        if refusal is not None:
            log.error("files of releases are older than the log knows", extra={"reason": refusal.detail})

    def _is_found_ready(self) -> bool:
        """Whoever asks this process decides by its files at once. Where nobody does, those of the others end only when
        it must have been found ready: else there would be nobody to be asked."""
        now = self._clock.now()
        self._since = self._since or now
        return now - self._since >= self.FOUND_READY

    async def files(self) -> None:
        """For readiness: raises while this process decides nothing, since others read newer files."""
        if self._log.outdated:
            raise LookupError("the log knows newer files")

    async def checkpoints(self) -> None:
        if not far_off(self._clock):
            await self._proving.checkpoint_if_due(self._outbox, self._anchor)
