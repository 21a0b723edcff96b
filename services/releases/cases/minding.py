"""What is done without anybody's asking: deadlines, projections, checkpoints."""

import logging
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

    def __init__(self, releases: Log, proving: Proving, outbox: Outbox, anchor: Anchor | None, clock: Clock) -> None:
        self._log = releases
        self._proving = proving
        self._outbox = outbox
        self._anchor = anchor
        self._clock = clock
        self._told_of = ""

    async def timers(self) -> int:
        """What is due happens; the number of those looked at."""
        if far_off(self._clock):
            return 0
        due = await self._log.books.requests.due(self._clock.now(), self.PAGE)
        for stored in due:
            await self._log.tell(Tick(), stored.value.id)
        return len(due)

    async def behind(self) -> None:
        """The files are told to the log, and requests are folded."""
        if self._told_of != self._log.rules.policy_digest + self._log.rules.people_digest:
            await self._tell_of_the_rules()
        try:
            await self._log.catch_up()
        except Conflict:
            return  # somebody else is faster

    async def files(self) -> None:
        """For readiness: raises while this process decides nothing, since others read newer files."""
        if self._log.outdated:
            raise LookupError("the log knows newer files")

    async def _tell_of_the_rules(self) -> None:
        done = await self._log.tell(ReadRules())
        self._told_of = self._log.rules.policy_digest + self._log.rules.people_digest
        if done.decision.refusal is not None:
            log.error("files of releases are older than the log knows", extra={"reason": done.decision.refusal.detail})

    async def checkpoints(self) -> None:
        if not far_off(self._clock):
            await self._proving.checkpoint_if_due(self._outbox, self._anchor)
