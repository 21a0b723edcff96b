"""Events of one key are routed one after the other; their copies are numbered in the write that holds them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from services.hub.cases.made import Made
from services.hub.cases.numbering import TRIES
from services.hub.domain import lane as rules
from services.hub.domain.lane import Lane, Turn
from shared.accepting.books import Pages
from shared.accepting.protocol import SETTLES
from shared.bus.outbox import NotPublished, Outbox, Unroutable
from shared.bus.standing import BrokerAway, StandingQueues
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.errors import Later
from shared.kernel.ids import Ids
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

LARGEST_SAVE: Final = 2 * 1024 * 1024
"""Bytes of copies that wait in a lane's document; one copy more may stand there."""
PATIENCE: Final = 0.5
"""Seconds for which an event waits in hand for the one before it: mostly somebody is at work on that."""
LOOKS: Final = 0.02
RESTS: Final = 1.0
"""Seconds after a wait in vain in which nobody waits in hand there."""
MOST_RESTING: Final = 10_000

Send: TypeAlias = Callable[[Sequence[Made]], Awaitable[None]]


class NotYet(Later):
    """The event before it has not been routed."""

    routine = True

    def __init__(self) -> None:
        super().__init__("the event before it, of the same key, has not been routed")


@dataclass
class _Going:
    """Events of one lane, with their turns."""

    now: list[tuple[Made, Turn]] = field(default_factory=list)
    waiting: list[Made] = field(default_factory=list)


class Ordering:
    """Of one replica; others are at work on the same lanes. `restored` as for numbering."""

    def __init__(  # noqa: PLR0917 - its composition root has them in this order
        self,
        lanes: Repository[Lane],
        pages: Pages,
        outbox: Outbox,
        queues: StandingQueues,
        clock: Clock,
        ids: Ids,
        restored: datetime | None = None,
    ) -> None:
        self._restored = restored
        self._lanes = lanes
        self._pages = pages
        self._outbox = outbox
        self._queues = queues
        self._clock = clock
        self._ids = ids
        self._resting: dict[str, float] = {}
        self._waited_for: dict[str, asyncio.Event] = {}

    async def route(self, page: str, events: Sequence[Made], send: Send) -> None:
        """Have the copies of events that came with a page on their way, those of each key in its order; `send` sends
        what of them is not in order. One whose turn has not come has NotYet for its error then.

        Raises Conflict, NotPublished, Unavailable: what was done is not done again.
        """
        lanes: dict[str, list[Made]] = {}
        for made in events:
            lanes.setdefault(made.lane, []).append(made)
        ordered = (sorted(each, key=lambda made: made.number) for each in lanes.values())
        found = await self._lanes.load_many(lanes)
        read = {each.value.id: each for each in found if not rules.is_older(each.value, self._restored)}
        routing = (self._along(page, each, send, read.get(lane)) for lane, each in zip(lanes, ordered, strict=True))
        for outcome in await asyncio.gather(*routing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _along(self, page: str, events: Sequence[Made], send: Send, read: Stored[Lane] | None) -> None:
        """`read`: the lane as it was a moment ago."""
        lane, sent = events[0].lane, set[str]()
        for last in range(TRIES):
            stored = await self._at_turn(page, events[0], read if not last else None)
            going = _parted(stored.value if stored else None, page, events)
            for made, turn in going.now:
                if turn == "loose":
                    made.loosen(self._clock.now())
            await send([made for made, turn in going.now if turn != "past" and made.event.hubid not in sent])
            sent |= {made.event.hubid for made, _ in going.now}
            try:
                if stored is not None:
                    await self._save(stored, going)
            except Conflict:
                if last == TRIES - 1:
                    raise
                continue
            break
        self._wake(lane)
        for made in going.waiting:
            made.error = made.error or NotYet()

    async def _at_turn(self, page: str, made: Made, read: Stored[Lane] | None) -> Stored[Lane] | None:
        """The lane, once the event's turn has come, or it is to come again later."""
        if read is not None and _turn(read.value, made, page) != "waits":
            return read
        rests_until = self._resting.get(made.lane, float("-inf"))
        deadline = running_seconds() + (PATIENCE if running_seconds() >= rests_until else 0.0)
        while True:
            stored = await self._loaded(made.lane)
            if stored is None or _turn(stored.value, made, page) != "waits":
                self._resting.pop(made.lane, None)
                return stored
            if running_seconds() < deadline:
                await self._moved(made.lane)
                continue
            settled = await self._settled(stored.value)
            if settled is stored.value:
                self._rest(made.lane)
                return stored
            with suppress(Conflict):
                await self._lanes.save(settled, version=stored.version)

    async def _loaded(self, lane: str) -> Stored[Lane] | None:
        """One that came out of a backup is made anew first."""
        while (stored := await self._lanes.load(lane)) is not None and rules.is_older(stored.value, self._restored):
            new = Lane(id=lane, epoch=self._ids.new(), at=self._clock.now())
            with suppress(Conflict):
                await self._lanes.save(new, version=stored.version)
        return stored

    async def _moved(self, lane: str) -> None:
        """Return when something was routed there by this replica, or may have been by another one."""
        moved = self._waited_for.setdefault(lane, asyncio.Event())
        try:
            async with asyncio.timeout(LOOKS):
                await moved.wait()
        except TimeoutError:
            self._wake(lane)

    def _wake(self, lane: str) -> None:
        if (moved := self._waited_for.pop(lane, None)) is not None:
            moved.set()

    async def _settled(self, lane: Lane) -> Lane:
        """What is known by now of the number that is waited for; the same lane where that is nothing new."""
        now, head = self._clock.now(), lane.head
        if head is not None and head.page:
            holds = (await self._pages.holds((head.page,))).get(head.page)
            if holds is None and rules.waited(lane, now) >= SETTLES:
                holds = (await self._pages.close((head.page,)))[head.page]
            if holds is None:
                return rules.waiting(lane, now)
            if not holds:
                return rules.voided(lane, now)
        after = rules.passed_over(rules.waiting(lane, now), now)
        if after.passed != lane.passed:
            log.warning("an event that does not come is passed over", extra={"document_id": lane.id})
        return after

    async def _save(self, stored: Stored[Lane], going: _Going) -> None:
        """Raises Conflict: somebody else was faster."""
        lane, messages, targets = stored.value, list[OutboxMessage](), list[tuple[str, str]]()
        now, size = self._clock.now(), 0
        for place, (made, turn) in enumerate(going.now):
            if made.error is not None:  # what of it has no order could not be sent: it comes again, and all behind it
                going.waiting += [each for each, _ in going.now[place + 1 :]]
                break
            if turn not in {"now", "late"}:
                continue
            for copy, where in made.in_order:
                numbered = rules.numbered(lane, where, made.number, self._ids.new()[-12:])
                if numbered is None:
                    continue
                lane, stream = numbered
                named = replace(copy, lane=f"{lane.id}:{stream.id}", laneseq=stream.count)
                messages.append(named.message(now))
                targets.append((copy.bus, copy.target))
                size += len(copy.body)
                if turn == "now" and size > LARGEST_SAVE:
                    stored = await self._lanes.save(lane, version=stored.version, messages=messages)
                    await self._send(lane.id, messages, targets)
                    messages, targets, size = [], [], 0
            lane = rules.routed(lane, made.number, now)
        if lane is not stored.value:
            await self._lanes.save(lane, version=stored.version, messages=messages)
            await self._send(lane.id, messages, targets)

    async def _send(self, lane: str, messages: Sequence[OutboxMessage], targets: Sequence[tuple[str, str]]) -> None:
        """What does not go now is sent by the relay; a queue that somebody deleted is made again for it."""
        try:
            await self._outbox.send(self._lanes.collection, lane, messages)
        except Unroutable:
            with suppress(BrokerAway):
                await self._queues.make_targets(list(dict.fromkeys(targets)))
        except NotPublished:
            return

    def _rest(self, lane: str) -> None:
        if len(self._resting) >= MOST_RESTING:
            self._resting.clear()
        self._resting[lane] = running_seconds() + RESTS


def _turn(lane: Lane | None, made: Made, page: str) -> Turn:
    return rules.turn(lane, made.event.position, page) if made.event.position is not None else "loose"


def _parted(lane: Lane | None, page: str, events: Sequence[Made]) -> _Going:
    """Those whose turn it is, one after the other."""
    going = _Going()
    for made in events:
        turn = _turn(lane, made, page)
        if turn == "waits":
            going.waiting.append(made)
            continue
        going.now.append((made, turn))
        if turn == "now" and lane is not None:
            lane = rules.routed(lane, made.number, lane.at)
    return going
