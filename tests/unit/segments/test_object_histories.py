"""Segments in an object store, whatever becomes of those who write them: what was said to be kept is told, what is
closed never changes, and who follows a writer misses nothing."""

import asyncio
import random
import uuid
from collections.abc import Callable
from itertools import count

import pytest

from shared.kernel.ids import Uuid7Ids
from shared.segments.appending import Appender, Limits
from shared.segments.buckets import Bucket
from shared.segments.contents import check
from shared.segments.following import Position, followed
from shared.segments.held_objects import HeldWriter
from shared.segments.lines import Line
from shared.segments.objects import Objects
from tests.kit.buckets import Killed, Shaky, in_mind
from tests.kit.clock import HandClock
from tests.unit.segments.test_appending import List
from tests.unit.segments.test_files import line, read

SEEDS = range(60)
ROUNDS = 60


def fresh(store: Bucket) -> Objects:
    """As another process sees it, that has seen nothing yet."""
    return Objects(store, lambda: "reader")


class Process:
    """One that writes until it dies."""

    def __init__(
        self, store: Bucket, chance: random.Random, listed: List, clock: HandClock, names: Callable[[], str]
    ) -> None:
        self.way = Shaky(store, chance)
        self.listed = listed
        self.place = Objects(self.way, names, lease=0.0)  # whoever wants it takes it: the worst there is
        limits = Limits(largest=chance.choice((400, 1_500)))
        self.appender = Appender(self.place, Uuid7Ids(clock), read, listed.add, limits=limits, seconds=lambda: 0.0)

    async def keep(self, numbers: list[int]) -> bool:
        """Was it said to be kept?"""
        try:
            if not self.appender.is_open:
                await self.appender.open(tuple(self.listed.known))
            await self._appended([line(number) for number in numbers])
        except OSError:
            return False
        return True

    async def _appended(self, lines: list[Line]) -> None:
        """Who dies in between answers nobody."""
        keeping = asyncio.create_task(self.appender.append(lines))
        await asyncio.sleep(0)
        writing = self.appender._writing
        assert writing is not None
        await asyncio.wait({writing})
        if writing.exception() is not None:
            keeping.cancel()
            raise Killed
        await keeping

    async def tidy(self) -> None:
        try:
            if self.appender.is_open:
                await self.appender.tidy()
        except OSError:
            pass


class History:
    """Processes that write as one writer, and a reader that keeps nothing but a position."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = in_mind()
        self.listed, self.clock = List(), HandClock()
        self.holders, self.intruders = count(), count(500_000)
        self.kept: set[int] = set()
        self.processes = [self.born() for _ in range(2)]
        self.positions, self.told = dict[str, Position](), list[int]()

    def born(self) -> Process:
        born = Process(self.store, self.chance, self.listed, self.clock, lambda: f"p{next(self.holders)}")
        born.way.meanwhile = self.intrude
        return born

    async def go_on(self, number: int) -> None:
        chance = self.chance
        at = chance.randrange(len(self.processes))
        process = self.processes[at]
        self.clock.pass_by(seconds=chance.randrange(-5, 5))
        process.way.loses = chance.choice((0, 0, 3))
        process.way.away = chance.random() < 0.1
        if chance.random() < 0.2:
            process.way.dies_after = chance.randrange(1, 30)
        numbers = list(range(number * 10, number * 10 + chance.randrange(1, 5)))
        try:
            if await process.keep(numbers):
                self.kept |= set(numbers)
            if chance.random() < 0.3:
                await process.tidy()
        except Killed:
            self.processes[at] = self.born()

    def intrude(self) -> None:
        """Between any two steps of a process another one takes its writer over, and perhaps writes itself."""
        if self.chance.randrange(40):
            return
        known = self.listed.known
        place = Objects(self.store, lambda: f"p{next(self.holders)}", lease=0.0)
        held = place.hold()
        segments = place.segments(held.writer)
        for each in segments:
            left = held.reopen(each.name, read) if each.is_open else None
            if left is not None:
                closed = left.close(max(known, key=lambda one: one.name).sha256 if known else "")
                self.listed.known += [closed] if closed.name not in {one.name for one in known} else []
        number = next(self.intruders)
        last = max((uuid.UUID(each.name.partition(".")[2]).int for each in segments), default=0)
        segment = held.begin(f"{held.writer}.{uuid.UUID(int=last + 1)}")
        segment.append([line(number)])
        segment.sync()
        self.kept.add(number)
        self.follow(1 << 30)

    def follow(self, most: int) -> None:
        """Some lines of each writer, or all there are."""
        place = fresh(self.store)
        for writer in place.writers():
            names = [each.name for each in place.segments(writer)]
            left = most
            for position, found in followed(place, names, self._position(writer), lambda _: True, read):
                if found is not None and left == 0:
                    break
                self.positions[writer] = position
                if found is not None:
                    self.told.append(int(found.id))
                    left -= 1

    def _position(self, writer: str) -> Position:
        return self.positions.get(writer, Position(f"{writer}."))

    async def end(self) -> None:
        """All is well again, and somebody tidies up."""
        for writer in fresh(self.store).writers():
            last = self.born()
            last.way.meanwhile = lambda: None
            last.place.hold = lambda place=last.place, writer=writer: held_of(place, writer)  # type: ignore[method-assign, misc]
            assert await last.keep([999_999])
            await last.appender.close()
        self.follow(1 << 30)


def held_of(place: Objects, writer: str) -> HeldWriter:
    held = place._claimed(writer)
    assert held is not None
    held.take_over()
    return held


@pytest.mark.parametrize("seed", SEEDS)
async def test_in_any_history_what_was_said_to_be_kept_is_told(seed: int) -> None:
    history = History(seed)
    for number in range(ROUNDS):
        await history.go_on(number)
        if history.chance.random() < 0.4:
            history.follow(history.chance.randrange(10))
    await history.end()
    assert history.kept <= set(history.told), "the follower missed something"
    place, known = fresh(history.store), history.listed.known
    for each in known:
        check(place.whole(each.name), each)
    assert {each.previous for each in known} <= {"", *(each.sha256 for each in known)}
    there = [each for writer in place.writers() for each in place.segments(writer)]
    assert {each.name for each in there if not each.is_open} == {each.name for each in known}
    groups = [each for each in history.store.list("") if ".open/" in each.key and each.size]
    assert groups == [], "groups of closed segments are left"
