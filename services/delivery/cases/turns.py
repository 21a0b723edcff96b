"""Copies of an ordered target go one after the other, key by key, as one consumer of its queue is given them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from services.delivery.domain import order
from services.delivery.domain.order import Progress
from shared.bus.consumer import GivenBack
from shared.contracts.copies import Copy, is_replays
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
LONGEST_OF_A_REPLAY: Final = 600.0
"""The same of a replay's copy, whose lane goes on: a tier would make room in the queue, by which a replay sees how much
it may send. Well below the half hour after which the broker takes a copy back."""
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
    is_at_work: bool = False
    """A copy of it is under way."""
    looked_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """Of one target; `probe`: its consumer has one copy at a time, and nothing waits in hand. `restored`: the store
    came out of a backup."""

    def __init__(
        self, target: str, progress: Repository[Progress], clock: Clock, *, probe: bool, restored: bool = False
    ) -> None:
        self._target = target
        self._progress = progress
        self._clock = clock
        self._probe = probe
        self._restored = restored
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
        self, copy: Copy, stopped: asyncio.Event, *, in_vain: bool = False
    ) -> AsyncIterator[Literal["next", "late", "past"]]:
        """The copy's turn, in which nobody else here sends one of its key. `past`: it has been done; `in_vain`: it came
        so often before its turn that those before it are not waited for where the store may have forgotten them. Raises
        NotItsTurn, Unavailable, and GivenBack where the consumer was cancelled meanwhile."""
        with self._in_hand(copy) as lane:
            if in_vain and await self._is_forgotten(copy):
                await self._save(copy.lane, lambda known: order.skipped(known, copy.laneseq - 1, self._clock.now()))
            while True:
                await self._wait(lane, copy, stopped)
                async with lane.lock:
                    if (stand := order.stand(await self._now(copy.lane), copy)) == "waits":
                        continue
                    is_new = is_replays(copy.lane) and self._known[copy.lane] is None
                    with self._at_work(lane):
                        if is_new:
                            await self._save(copy.lane, lambda known: order.begun(known, self._clock.now()))
                        yield stand
                    return

    async def went(self, copy: Copy) -> None:
        """It is done, while its target keeps no order. Raises Conflict, Unavailable: then it is sent once more."""
        with self._in_hand(copy) as lane:
            async with lane.lock:
                await self._save(copy.lane, lambda known: order.went(known, copy.laneseq, self._clock.now()))

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

    @contextmanager
    def _in_hand(self, copy: Copy) -> Iterator[_Lane]:
        lane = self._lanes.setdefault(copy.lane, _Lane())
        lane.users += 1
        try:
            yield lane
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[copy.lane]

    @contextmanager
    def _at_work(self, lane: _Lane) -> Iterator[None]:
        began, lane.is_at_work = running_seconds(), True
        try:
            yield
            self._takes += (running_seconds() - began - self._takes) / 8
        finally:
            lane.is_at_work = False

    async def _is_forgotten(self, copy: Copy) -> bool:
        """May the store know less of the lane than there was? Of a replay's lane it knows something as soon as its
        first copy is in hand."""
        progress = await self._now(copy.lane)
        is_unknown = is_replays(copy.lane) and self._known[copy.lane] is None
        return progress.blocked is None and (self._restored or is_unknown)

    async def _wait(self, lane: _Lane, copy: Copy, stopped: asyncio.Event) -> None:
        """Return when it is its turn, or it is past."""
        began = running_seconds()
        while order.stand(progress := await self._now(copy.lane), copy) == "waits":
            if stopped.is_set():
                raise GivenBack
            turn_in = timedelta(seconds=(copy.laneseq - progress.done - 1) * self._takes)
            moves = self._known[copy.lane] is not None and self._clock.now() - progress.at < MOVES
            is_in_hand = progress.blocked is None and not self._probe
            if not is_in_hand or running_seconds() - began >= self._patience(lane, copy, turn_in, moves=moves):
                self._known.pop(copy.lane, None)
                raise NotItsTurn(blocked=progress.blocked is not None, again_in=turn_in / 2 if moves else None)
            await self._moved(lane, copy.lane)

    def _patience(self, lane: _Lane, copy: Copy, turn_in: timedelta, *, moves: bool) -> float:
        """Seconds for which it may wait in hand, 0 for what is not to."""
        if is_replays(copy.lane):
            return LONGEST_OF_A_REPLAY if lane.is_at_work or moves else LOOKS
        return LONGEST_WAIT if turn_in <= SOON and self._waiting < MOST_WAITING else 0.0

    async def _moved(self, lane: _Lane, name: str) -> None:
        """Return when something was done there by this process, or may have been by another one."""
        self._waiting += 1
        try:
            async with asyncio.timeout(LOOKS):
                await lane.moved.wait()
        except TimeoutError:
            if running_seconds() - lane.looked_at >= LOOKS:  # one look for all that wait there
                self._known.pop(name, None)
                lane.looked_at = running_seconds()
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
