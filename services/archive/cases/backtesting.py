"""Back-tests are carried out, each by one replica; one that died is begun again, one that was paused goes on."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from services.archive.cases.in_hand import InHand
from services.archive.cases.owned import INDEXES, has_so_many
from services.archive.cases.reading import Reading, Span
from services.archive.domain.backtest import MOST_OPEN, Backtest, Comparing, Far, asked, compared, failed, noted
from services.archive.domain.jobs import Lost, claimed, let_go
from services.archive.ports import Hub, HubUnavailable
from shared.contracts.buses import BusTerms
from shared.contracts.hubids import least_of
from shared.kernel.clock import Clock, running_seconds
from shared.routing.bus import Bus, compiled
from shared.routing.wrong import WrongBus
from shared.segments.lines import Damaged
from shared.segments.merging import once
from shared.store.documents import CollectionSpec, Conflict, Unavailable
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

BACKTESTS: Final = CollectionSpec("backtests", INDEXES)
RENEWS: Final = 1.0
"""Seconds between two words that it lives, at which it hears what was asked of it."""
AT_ONCE: Final = 2
DUE: Final = 20
PASSING: Final = (Conflict, Unavailable, HubUnavailable, OSError)
"""Errors after which it is begun again when its lease is over."""


class TooManyBacktests(Exception):
    """Of its owner; some must end before."""


class RevisionGone(Exception):
    """What is to be compared with is not kept any more."""


@dataclass
class Backtesting:
    """One replica's, which is `holder` of what it carries out. What speaks to the store raises Unavailable."""

    backtests: Repository[Backtest]
    reading: Reading
    hub: Hub
    clock: Clock
    holder: str
    jobs: InHand = field(default_factory=lambda: InHand("backtest"))

    async def before(self, bus: str, revision: int | None = None) -> Bus | None:
        """What is compared with: what is in force, or that revision. Raises HubUnavailable, WrongBus."""
        told = await self.hub.bus(bus, revision)
        return compiled(told.bus, told.revision, told.terms) if told else None

    async def make(self, backtest: Backtest) -> Stored[Backtest]:
        """Raises WrongBus where the candidate is none, TooManyBacktests."""
        compiled(backtest.bus, 0, backtest.terms)
        if await has_so_many(self.backtests, backtest.owner, MOST_OPEN):
            raise TooManyBacktests
        return await self.backtests.save(backtest, version=0)

    async def ask(self, id_: str, wanted: str, check: Callable[[int], None]) -> Stored[Backtest]:
        """Another state. Raises NotPossible, Lost where there is none, and what `check` raises of its revision."""

        def edit(backtest: Backtest) -> Backtest:
            check(backtest.revision)
            return asked(backtest, wanted, self.clock.now())

        return await self._change(id_, edit)

    async def once(self) -> None:
        """Take up what is due."""
        for stored in await self.backtests.due(self.clock.now(), DUE):
            id_ = stored.value.id
            if not stored.value.is_wanted:
                await self._forget(stored)
            elif id_ not in self.jobs and len(self.jobs) < AT_ONCE:
                self.jobs.begin(id_, self._carry_out(id_))

    async def _forget(self, stored: Stored[Backtest]) -> None:
        try:
            await self.backtests.delete(stored)
        except Conflict:
            return  # another replica did

    async def _carry_out(self, id_: str) -> None:
        now = self.clock.now
        try:
            held = (await self._change(id_, lambda each: claimed(each, self.holder, now()))).value
            far = await self._compare(held)
            await self._change(id_, lambda each: compared(each, self.holder, now(), far))
        except Lost:
            return
        except asyncio.CancelledError:
            await self._last_word(id_, lambda each: let_go(each, self.holder, now()))
            raise
        except PASSING as error:
            log.warning("a back-test waits", extra={"document_id": id_, "error": type(error).__name__})
        except Exception as error:
            known = isinstance(error, Damaged | WrongBus | RevisionGone)
            if not known:  # begun again it would fail again, for ever
                log.exception("a back-test failed", extra={"document_id": id_})
            reason = str(error) if known else type(error).__name__
            await self._last_word(id_, lambda each: failed(each, self.holder, now(), reason[:500]))

    async def _last_word(self, id_: str, edit: Callable[[Backtest], Backtest]) -> None:
        try:
            await self._change(id_, edit)
        except (Lost, *PASSING):
            return  # it is begun again when the lease is over

    async def _compare(self, held: Backtest) -> Far:
        """All of it. Raises Lost where it is not to go on: how far it came is noted then."""
        comparing = Comparing(compiled(held.bus, 0, held.terms), await self._beside(held), held.share, held.far)
        first = max(least_of(held.start), held.cursor)
        steps = comparing.adding(once(await self.reading.lines(Span(first, least_of(held.end)))))
        said = running_seconds()
        while await self.reading.threads.at_leisure(steps):
            if running_seconds() - said >= RENEWS:
                said = running_seconds()
                await self._note(held.id, comparing.far)
        return comparing.far

    async def _note(self, id_: str, far: Far) -> None:
        after = await self._change(id_, lambda each: noted(each, self.holder, self.clock.now(), far))
        if not after.value.is_wanted:
            raise Lost

    async def _beside(self, held: Backtest) -> Bus | None:
        """What it was compared with before, where it goes on. Raises RevisionGone, HubUnavailable, WrongBus."""
        if held.result is not None and held.result.revision is None:
            return None
        revision = held.result.revision if held.result is not None else held.against
        found = await self.before(held.bus, revision)
        if found is None and revision is not None:
            raise RevisionGone(f"revision {revision} of {held.bus} is not kept any more")
        return found

    async def _change(self, id_: str, edit: Callable[[Backtest], Backtest]) -> Stored[Backtest]:
        """Raises what `edit` raises, Lost where there is none any more, Conflict, Unavailable."""

        def of_one(found: Backtest | None) -> Backtest:
            if found is None:
                raise Lost
            return edit(found)

        return await self.backtests.change(id_, of_one)


def opens_others_events(terms: BusTerms, before: Bus | None) -> bool:
    """Does the candidate look at events that its partner may not see by the bus in force?"""
    return terms.publishers != (before.terms.publishers if before else ())
