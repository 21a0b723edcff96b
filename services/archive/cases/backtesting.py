"""Back-tests are carried out, each by one replica; one that died is begun again."""

import logging
from dataclasses import dataclass, field
from typing import Final

from services.archive.cases.in_hand import InHand
from services.archive.cases.reading import Reading, Span
from services.archive.domain.backtest import LEASE, MOST_OPEN, Backtest, Comparing, Result
from services.archive.ports import Hub, HubUnavailable
from shared.contracts.buses import BusTerms
from shared.contracts.hubids import least_of
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.values import changed
from shared.routing.bus import Bus, compiled
from shared.routing.wrong import WrongBus
from shared.segments.lines import Damaged
from shared.segments.merging import once
from shared.store.documents import CollectionSpec, Conflict, Index, Unavailable
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

OPEN: Final = "by_open"
BACKTESTS: Final = CollectionSpec("backtests", (Index(OPEN, ("open",)),))
RENEWS: Final = 2.0
"""Seconds between two words that it lives."""
AT_ONCE: Final = 2


class TooManyBacktests(Exception):
    """Of its owner; some must end before."""


@dataclass
class _Held:
    """A back-test that this replica carries out, as it was saved last: whatever it ends with is saved over that."""

    stored: Stored[Backtest]


@dataclass
class Backtesting:
    """One replica's."""

    backtests: Repository[Backtest]
    reading: Reading
    hub: Hub
    clock: Clock
    jobs: InHand = field(default_factory=lambda: InHand("backtest"))

    async def before(self, bus: str, revision: int | None = None) -> Bus | None:
        """What is compared with: what is in force, or that revision. Raises HubUnavailable, WrongBus."""
        told = await self.hub.bus(bus, revision)
        return compiled(told.bus, told.revision, told.terms) if told else None

    async def make(self, backtest: Backtest) -> Stored[Backtest]:
        """Raises WrongBus where the candidate is none, TooManyBacktests, Unavailable."""
        compiled(backtest.bus, 0, backtest.terms)
        if len(await self.backtests.find(OPEN, (backtest.owner,), limit=MOST_OPEN)) == MOST_OPEN:
            raise TooManyBacktests
        return await self.backtests.save(backtest, version=0)

    async def once(self) -> None:
        """Take up what is due. Raises Unavailable."""
        for stored in await self.backtests.due(self.clock.now(), 20):
            id_ = stored.value.id
            try:
                if stored.value.ended_at is not None:
                    await self.backtests.delete(stored)
                elif id_ not in self.jobs and len(self.jobs) < AT_ONCE:
                    held = await self.backtests.save(self._held(stored.value), version=stored.version)
                    self.jobs.begin(id_, self._carry_out(_Held(held)))
            except Conflict:
                continue  # another replica has it

    async def _carry_out(self, held: _Held) -> None:
        asked = held.stored.value
        try:
            result = await self._compare(held)
            ended = changed(asked, state="done", result=result, ended_at=self.clock.now())
        except (Conflict, Unavailable, HubUnavailable, OSError) as error:
            log.warning("a back-test waits", extra={"document_id": asked.id, "error": type(error).__name__})
            return
        except Exception as error:
            known = isinstance(error, Damaged | WrongBus)
            if not known:  # begun again it would fail again, for ever
                log.exception("a back-test failed", extra={"document_id": asked.id})
            reason = str(error) if known else type(error).__name__
            ended = changed(asked, state="failed", reason=reason[:500], ended_at=self.clock.now())
        try:
            await self.backtests.save(ended, version=held.stored.version)
        except (Conflict, Unavailable):
            return  # it is begun again when the lease is over

    async def _compare(self, held: _Held) -> Result:
        asked = held.stored.value
        comparing = Comparing(
            compiled(asked.bus, 0, asked.terms), await self.before(asked.bus, asked.against), asked.share
        )
        lines = once(await self.reading.lines(Span(least_of(asked.start), least_of(asked.end))))
        said = running_seconds()
        steps = comparing.adding(lines)
        while await self.reading.threads.at_leisure(steps):
            if running_seconds() - said >= RENEWS:
                said = running_seconds()
                held.stored = await self.backtests.save(self._held(asked), version=held.stored.version)
        return comparing.result

    def _held(self, backtest: Backtest) -> Backtest:
        return changed(backtest, held_until=self.clock.now() + LEASE)


def opens_others_events(terms: BusTerms, before: Bus | None) -> bool:
    """Does the candidate look at events that its partner may not see by the bus in force?"""
    return terms.publishers != (before.terms.publishers if before else ())
