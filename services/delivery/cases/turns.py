"""Copies of an ordered target go one after the other, key by key, as one consumer of its queue is given them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from services.delivery.domain import order
from services.delivery.domain.order import Progress
from shared.bus.consumer import GivenBack
from shared.contracts.copies import Copy
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.errors import Later
from shared.store.documents import CollectionSpec, Conflict, Index
from shared.store.repository import Repository, Stored

BLOCKS: Final = "by_blocked"
PROGRESS: Final = CollectionSpec("progress", indexes=(Index(BLOCKS, ("blocks", "lane")),), expiring=True)
MOST_WAITING: Final = 200
"""Copies of one target that wait in hand for their turn; others wait in a tier, and stand in nobody's way."""
SOON: Final = timedelta(seconds=1)
"""Whose turn will come by then waits in hand."""
MOVES: Final = timedelta(seconds=10)
"""A lane in which a copy was done so long ago goes on, as far as anybody knows."""
LONGEST_WAIT: Final = 20.0
"""Seconds in hand."""
LOOKS: Final = 1.0
"""Seconds after which whoever waits looks into the store: another process may have gone on, or a person."""
MOST_KNOWN: Final = 5_000
"""Lanes whose progress this consumer has in mind."""


class NotItsTurn(Later):
    """The copy before it, of the same key, is not done; `blocked`: it is dead. `again_in`: its turn comes then, at the
    earliest; None where nobody knows."""

    routine = True

    def __init__(self, *, blocked: bool, again_in: timedelta | None) -> None:
        super().__init__("the copy before it, of the same key, is not done")
        self.blocked = blocked
        self.again_in = again_in


@dataclass(eq=False)
class _Lane:
    """While somebody has a copy of it in hand."""

    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """Of one target; `probe`: its consumer has one copy at a time, and nothing waits in hand."""

    def __init__(self, target: str, progress: Repository[Progress], clock: Clock, *, probe: bool) -> None:
        self._target = target
        self._progress = progress
        self._clock = clock
        self._probe = probe
        self._lanes: dict[str, _Lane] = {}
        self._known: dict[str, Stored[Progress] | None] = {}
        self._waiting = 0
        self._takes = 0.05
        """Seconds for one copy, lately."""

    def wake(self) -> None:
        """Have who waits look again."""
        for lane in self._lanes.values():
            lane.moved.set()

    @asynccontextmanager
    async def of(
        self, copy: Copy, stopped: asyncio.Event, *, regardless: bool = False
    ) -> AsyncIterator[Literal["next", "late", "past"]]:
        """The copy's turn, in which nobody else here sends one of its key. `past`: it has been done; `regardless`:
        those before it are not waited for, unless one of them is dead. Raises NotItsTurn, Unavailable, and GivenBack
        where the consumer was cancelled meanwhile."""
        lane = self._lanes.setdefault(copy.lane, _Lane())
        lane.users += 1
        try:
            if regardless and (await self._now(copy.lane)).blocked is None:
                await self._save(copy.lane, lambda known: order.skipped(known, copy.laneseq - 1, self._clock.now()))
            while True:
                await self._wait(lane, copy, stopped)
                async with lane.lock:
                    if (stand := order.stand(await self._now(copy.lane), copy)) != "waits":
                        began = running_seconds()
                        yield stand
                        self._takes += (running_seconds() - began - self._takes) / 8
                        return
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[copy.lane]

    async def done(self, copy: Copy) -> None:
        """It was delivered. Raises Conflict, Unavailable: then it is sent once more."""
        await self._save(copy.lane, lambda known: order.done(known, copy.laneseq, self._clock.now()))

    async def died(self, copy: Copy, on_dead: Literal["block", "skip"]) -> None:
        """It is among the dead letters. Raises Conflict, Unavailable."""

        def edit(known: Progress) -> Progress:
            now = self._clock.now()
            if on_dead == "block":
                return order.blocked(known, copy, now)
            return order.done(known, copy.laneseq, now) if order.stand(known, copy) == "next" else known

        await self._save(copy.lane, edit)

    async def _wait(self, lane: _Lane, copy: Copy, stopped: asyncio.Event) -> None:
        """Return when it is its turn, or it is past."""
        until = running_seconds() + LONGEST_WAIT
        while order.stand(progress := await self._now(copy.lane), copy) == "waits":
            if stopped.is_set():
                raise GivenBack
            turn_in = timedelta(seconds=(copy.laneseq - progress.done - 1) * self._takes)
            full = self._probe or self._waiting >= MOST_WAITING or running_seconds() >= until
            if full or turn_in > SOON or progress.blocked is not None:
                self._known.pop(copy.lane, None)
                moves = self._clock.now() - progress.at < MOVES
                raise NotItsTurn(blocked=progress.blocked is not None, again_in=turn_in / 2 if moves else None)
            self._waiting += 1
            try:
                async with asyncio.timeout(LOOKS):
                    await lane.moved.wait()
            except TimeoutError:
                self._known.pop(copy.lane, None)
            finally:
                self._waiting -= 1

    async def _now(self, lane: str) -> Progress:
        if lane not in self._known:
            found = await self._progress.load(order.progress_id(self._target, lane))
            self._know(lane, found)
        stored = self._known[lane]
        return stored.value if stored is not None else order.first(self._target, lane, self._clock.now())

    async def _save(self, lane: str, edit: Callable[[Progress], Progress]) -> None:
        before = await self._now(lane)
        stored = self._known.get(lane)
        after = edit(before)
        if after is not before:
            try:
                saved = await self._progress.save(after, version=stored.version if stored is not None else 0)
            except Conflict:  # another process has the target, too, for a moment; or a person
                new = order.first(self._target, lane, self._clock.now())
                saved = await self._progress.change(after.id, lambda known: edit(known or new))
            self._know(lane, saved)
        if lane in self._lanes:
            self._lanes[lane].moved.set()
            self._lanes[lane].moved = asyncio.Event()

    def _know(self, lane: str, stored: Stored[Progress] | None) -> None:
        self._known.pop(lane, None)
        self._known[lane] = stored
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
