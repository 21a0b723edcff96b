"""Back-tests are carried out, each by one replica; one that died is begun again."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from services.archive.cases.reading import Reading, Span
from services.archive.domain.backtest import LEASE, Backtest, Comparing, Result
from services.archive.domain.times import least_of
from services.archive.ports import Hub, HubUnavailable
from shared.contracts.buses import BusTerms
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.values import changed
from shared.routing.bus import Bus, compiled
from shared.routing.wrong import WrongBus
from shared.segments.lines import Damaged
from shared.segments.merging import once
from shared.store.documents import CollectionSpec, Conflict, Unavailable
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

BACKTESTS: Final = CollectionSpec("backtests")
RENEWS: Final = 2.0
"""Seconds between two words that it lives."""
AT_ONCE: Final = 2


@dataclass
class Backtesting:
    """One replica's."""

    backtests: Repository[Backtest]
    reading: Reading
    hub: Hub
    clock: Clock
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def before(self, bus: str, revision: int | None = None) -> Bus | None:
        """What is compared with: what is in force, or that revision. Raises HubUnavailable, WrongBus."""
        told = await self.hub.bus(bus, revision)
        return compiled(told.bus, told.revision, told.terms) if told else None

    async def make(self, backtest: Backtest) -> Stored[Backtest]:
        """Raises WrongBus where the candidate is none, Unavailable."""
        compiled(backtest.bus, 0, backtest.terms)
        return await self.backtests.save(backtest, version=0)

    async def once(self) -> None:
        """Take up what is due. Raises Unavailable."""
        for stored in await self.backtests.due(self.clock.now(), 20):
            id_ = stored.value.id
            try:
                if stored.value.ended_at is not None:
                    await self.backtests.delete(stored)
                elif id_ not in self._tasks and len(self._tasks) < AT_ONCE:
                    held = await self.backtests.save(self._held(stored.value), version=stored.version)
                    task = asyncio.create_task(self._carry_out(held), name=f"backtest {id_}")
                    self._tasks[id_] = task
                    task.add_done_callback(lambda _, id_=id_: self._tasks.pop(id_, None))  # type: ignore[misc]
            except Conflict:
                continue  # another replica has it

    async def settled(self) -> None:
        """Wait until nothing is in hand."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))
            await asyncio.sleep(0)

    async def stop(self) -> None:
        for task in tuple(self._tasks.values()):
            task.cancel()
        await self.settled()

    async def _carry_out(self, stored: Stored[Backtest]) -> None:
        try:
            stored, result = await self._compare(stored)
            ended = changed(stored.value, state="done", result=result, ended_at=self.clock.now())
        except (Conflict, Unavailable, HubUnavailable, OSError) as error:
            log.warning("a back-test waits", extra={"document_id": stored.value.id, "error": type(error).__name__})
            return
        except (Damaged, WrongBus) as error:
            ended = changed(stored.value, state="failed", reason=str(error)[:500], ended_at=self.clock.now())
        try:
            await self.backtests.save(ended, version=stored.version)
        except (Conflict, Unavailable):
            return  # it is begun again when the lease is over

    async def _compare(self, stored: Stored[Backtest]) -> tuple[Stored[Backtest], Result]:
        asked = stored.value
        comparing = Comparing(
            compiled(asked.bus, 0, asked.terms), await self.before(asked.bus, asked.against), asked.share
        )
        lines = once(await self.reading.lines(Span(least_of(asked.start), least_of(asked.end))))
        said = running_seconds()
        steps = comparing.adding(lines)
        while await self.reading.threads.some(steps):
            if running_seconds() - said >= RENEWS:
                said = running_seconds()
                stored = await self.backtests.save(self._held(asked), version=stored.version)
        return stored, comparing.result

    def _held(self, backtest: Backtest) -> Backtest:
        return changed(backtest, held_until=self.clock.now() + LEASE)


def opens_others_events(terms: BusTerms, before: Bus | None) -> bool:
    """Does the candidate look at events that its partner may not see by the bus in force?"""
    return terms.publishers != (before.terms.publishers if before else ())
