"""Replays are carried out: by whichever replica holds one, until it is over or another's."""

import asyncio
import logging
from typing import Final

from services.archive.cases.in_hand import InHand
from services.archive.cases.replaying import NoTarget
from services.archive.cases.sending import CHUNK, SAVES, Run, Sender
from services.archive.cases.turns import TakingTurns
from services.archive.domain.counting import Counting
from services.archive.domain.jobs import Lost, claimed, let_go
from services.archive.domain.replay import Counts, Replay, begun, counted, ended, renewed, waiting
from services.archive.domain.selecting import Selection
from services.archive.ports import HubUnavailable
from shared.bus.outbox import NotPublished
from shared.bus.standing import BrokerAway
from shared.kernel.clock import running_seconds
from shared.routing.wrong import WrongBus
from shared.segments.lines import Damaged
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Stored

log = logging.getLogger(__name__)

DUE: Final = 200
COUNTS: Final = 8
"""Replays of one replica that were taken up to be counted, at most: others can go on meanwhile."""
PASSING: Final = (HubUnavailable, NotPublished, BrokerAway, Unavailable, Conflict, OSError)
"""Errors after which it goes on from where it was, when its lease is over: also a disk that cannot be read."""


class Runner:
    """One replica's. `once` looks for replays that nobody holds."""

    def __init__(self, sender: Sender, turns: TakingTurns) -> None:
        self.sender = sender
        self._replaying = sender.replaying
        self._turns = turns
        self.jobs = InHand("replay")
        self._counting: set[str] = set()

    async def once(self) -> None:
        """Take up what is due. Raises Unavailable."""
        for stored in await self._replaying.replays.due(self.sender.clock.now(), DUE):
            replay = stored.value
            if not replay.is_wanted:
                await self._forget(stored)
            elif replay.id not in self.jobs and (replay.state != "counting" or self._may_count(replay.id)):
                self.jobs.begin(replay.id, self._carry_out(replay.id))

    def _may_count(self, id_: str) -> bool:
        self._counting = {each for each in self._counting if each in self.jobs}
        if len(self._counting) >= COUNTS:
            return False
        self._counting.add(id_)
        return True

    async def _forget(self, stored: Stored[Replay]) -> None:
        try:
            await self._replaying.replays.delete(stored)
        except Conflict:
            return  # another replica did

    async def _carry_out(self, id_: str) -> None:
        try:
            await self._step_by_step(id_)
        except Lost:
            return
        except asyncio.CancelledError:
            await self._let_go(id_)
            raise
        except PASSING as error:
            log.warning("a replay waits", extra={"document_id": id_, "error": type(error).__name__})
        except Exception as error:
            log.exception("a replay failed", extra={"document_id": id_})
            await self._fail(id_, error)
        finally:
            await self._give_back(id_)

    async def _step_by_step(self, id_: str) -> None:
        holder, now = self.sender.holder, self.sender.clock.now
        replay = (await self._replaying.change(id_, lambda each: claimed(each, holder, now()))).value
        selection = await self._selection(replay)
        if replay.state == "counting":
            counts = await self._count(replay, selection)
            replay = (await self._replaying.change(id_, lambda each: counted(each, holder, counts))).value
        if replay.state == "ready":
            if replay.dry_run:
                return
            if not await self._turns.take(replay):
                await self._replaying.change(id_, lambda each: waiting(each, holder, now()))
                return
            replay = (await self._replaying.change(id_, lambda each: begun(each, holder, now()))).value
        run = Run(self.sender, replay, selection)
        try:
            await run.go_on()
        except asyncio.CancelledError:
            await run.stop()
            raise

    async def _selection(self, replay: Replay) -> Selection:
        """By the buses of today. Raises NoTarget, HubUnavailable, WrongBus."""
        buses = await self._replaying.buses(replay.targets, replay.owner)
        names: dict[str, list[str]] = {}
        for target in replay.targets:
            bus, _, name = target.partition("/")
            names.setdefault(bus, []).append(name)
        return Selection(buses, names, replay.when, replay.id, everything=replay.matching == "all")

    async def _count(self, replay: Replay, selection: Selection) -> Counts:
        counting = Counting()
        found = await self.sender.chosen(replay, selection)
        saved = running_seconds()
        while chunk := await self.sender.reading.threads.at_leisure(found, CHUNK):
            for chosen in chunk:
                counting.add(chosen)
            if running_seconds() - saved >= SAVES:
                saved = running_seconds()
                await self._replaying.change(replay.id, self._renewed)
        return counting.counts

    def _renewed(self, replay: Replay) -> Replay:
        return renewed(replay, self.sender.holder, self.sender.clock.now())

    async def _fail(self, id_: str, error: Exception) -> None:
        reason = str(error) if isinstance(error, Damaged | NoTarget | WrongBus) else type(error).__name__
        now = self.sender.clock.now()
        try:
            await self._replaying.change(id_, lambda each: ended(each, self.sender.holder, "failed", now, reason[:500]))
        except (Lost, KeyError, *PASSING):
            return  # it is tried again when the lease is over

    async def _let_go(self, id_: str) -> None:
        try:
            await self._replaying.change(id_, lambda each: let_go(each, self.sender.holder, self.sender.clock.now()))
        except (Lost, KeyError, *PASSING):
            return  # the lease ends by itself

    async def _give_back(self, id_: str) -> None:
        """Unless another one has it by now."""
        try:
            stored = await self._replaying.replays.load(id_)
            if stored is None or stored.value.holder in {"", self.sender.holder}:
                await self._turns.give_back(id_)
        except PASSING:
            return  # it is found to be stale
