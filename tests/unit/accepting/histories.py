"""Random histories over the protocol of pages, one for each seed.

Processes are killed between any two steps, frozen, apart in their clocks; the store carries out what it seems to have
failed at, and says that it was there already when it was oneself who wrote it. The same key is told by several senders,
with other contents too, alone and among others.
"""

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shared.accepting import protocol
from shared.accepting.steps import (
    Accepted,
    Close,
    Found,
    Holds,
    Insert,
    Key,
    Outcome,
    ReadPages,
    ReadRows,
    Refused,
    Row,
    Save,
    Step,
    Take,
    Unit,
    Wanted,
)

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
KEYS = ("a", "b", "c", "d")
TURNS = 60
PATIENCE = 6
"""Askings, each after a page's time, by the end of which everybody has his answer."""
SKEWS = (0.0, 0.0, 0.4, -0.4, 40.0, -40.0)
"""Seconds by which processes' clocks are apart: mostly little, sometimes beyond what a page is waited for."""
MOST_AT_ONCE = 5
END = object()


class Wrong(Exception):
    """Something happened that no history may contain."""


class Away(Exception):
    """The store does not answer: the step took place, or not."""


@dataclass
class World:
    """The store, and the time of one history."""

    chance: random.Random
    now: datetime = datetime(2027, 1, 1, tzinfo=UTC)
    rows: dict[Key, Found] = field(default_factory=dict)
    pages: dict[str, Holds] = field(default_factory=dict)
    meant: dict[str, Wanted] = field(default_factory=dict)
    """Every thing that was ever wanted, by the id it was to get."""
    told: list[tuple[Unit, Outcome]] = field(default_factory=list)
    faulty: bool = True
    numbers: Any = field(default_factory=count)

    def fails(self, probability: float) -> bool:
        return self.faulty and self.chance.random() < probability

    def unit(self, told: Mapping[Key, str]) -> Unit:
        """Things under new ids, as whoever hears of them gives them."""
        things = tuple(Wanted(key, digest, f"{key}{next(self.numbers)}", DAY) for key, digest in told.items())
        self.meant.update({thing.id: thing for thing in things})
        return Unit(things)

    def do(self, step: Step, now: datetime) -> Any:
        """Carry out one step as the store does: each write of one document by itself."""
        match step:
            case Insert(rows):
                return frozenset(row.key for row in rows if not self._insert(row))
            case ReadRows(keys):
                return {key: self.rows[key] for key in keys if key in self.rows}
            case ReadPages(pages):
                return {page: self.pages[page] for page in pages if page in self.pages}
            case Close(pages):
                for page in pages:
                    self._check_age(page, now)
                return {page: self.pages.setdefault(page, ()) for page in pages}
            case Take(rows):
                return frozenset(found.row.key for found in rows if self._take(found))
            case Save(page, holds):
                return self.pages.setdefault(page, holds)

    def _insert(self, row: Row) -> bool:
        return self.rows.setdefault(row.key, Found(row, 1)).row is row

    def _take(self, found: Found) -> bool:
        """Compare-and-set; a version below nothing is a blind write."""
        stored = self.rows[found.row.key].version
        if found.version not in (stored, -1):
            return False
        self.rows[found.row.key] = Found(found.row, stored + 1)
        return True

    def _check_age(self, page: str, now: datetime) -> None:
        begun = min((found.row.at for found in self.rows.values() if found.row.page == page), default=None)
        if begun is not None and page not in self.pages and now - begun < timedelta(seconds=30):
            raise Wrong("a page was closed while it was young")

    def check(self) -> None:
        """What holds at every moment."""
        held = [self.meant[id_] for holds in self.pages.values() for id_ in holds]
        if len({thing.id for thing in held}) < len(held):
            raise Wrong("one thing is in two pages")
        if len({thing.key for thing in held}) < len(held):
            raise Wrong("one key was accepted under two ids")
        digests = {thing.key: (thing.id, thing.digest) for thing in held}
        for unit, outcome in self.told:
            _check_told(unit, outcome, digests)

    def check_whole(self, unit: Unit) -> None:
        """Nothing is half accepted."""
        accepted = {self.meant[id_].key for holds in self.pages.values() for id_ in holds}
        own = {id_ for holds in self.pages.values() for id_ in holds} & {thing.id for thing in unit.things}
        if own and not accepted >= {thing.key for thing in unit.things}:
            raise Wrong("of a unit a part was accepted")


def _check_told(unit: Unit, outcome: Outcome, accepted: Mapping[Key, tuple[str, str]]) -> None:
    for thing in unit.things:
        id_, digest = accepted.get(thing.key, ("", ""))
        match outcome:
            case Refused() if id_ == thing.id:
                raise Wrong("what was refused was accepted")
            case Refused(thing.key, "reused") if digest in ("", thing.digest):
                raise Wrong("refused as something else, which it is not")
            case Accepted(ids) if (ids[thing.key][0], thing.digest) != (id_, digest):
                raise Wrong(f"told {ids[thing.key]} of {thing}, accepted is {(id_, digest)}")
            case Accepted(ids) if (ids[thing.key][1] == "accepted") != (id_ == thing.id):
                raise Wrong("a duplicate was told to be new, or the other way round")


class Replica:
    """One process with one page in the making; dropped between two steps it is killed."""

    def __init__(self, world: World, units: tuple[Unit, ...]) -> None:
        self._steps = _process(world, units)

    def step(self) -> bool:
        """One step on; False at its end."""
        return next(self._steps, END) is not END

    def finish(self) -> None:
        while self.step():
            pass


def _process(world: World, units: tuple[Unit, ...]) -> Generator[None]:
    """From the rows to the answers."""
    skew = SECOND * (world.chance.choice(SKEWS) if world.faulty else 0.0)
    began, origin = world.now, world.now
    watch = protocol.Watch(lambda: world.now + skew, lambda: (world.now - origin) / SECOND)
    settling = protocol.settle(f"page {next(world.numbers)}", units, watch)
    answer: Any = None
    while True:
        yield
        try:
            step = settling.send(answer)
        except StopIteration as end:
            outcomes: Mapping[Unit, Outcome] = end.value
            world.told += [(unit, outcomes[unit]) for unit in units]
            return
        if isinstance(step, Insert):
            began = world.now
        if isinstance(step, Save) and step.holds and world.now - began > timedelta(seconds=20):
            raise Wrong("a page was saved late")
        yield
        try:
            answer = _asked(world, step, skew)
        except Away:
            return  # nobody is answered: 503


def _asked(world: World, step: Step, skew: timedelta) -> Any:
    if world.fails(0.04):
        raise Away
    answer = world.do(step, world.now + skew)
    world.check()
    if world.fails(0.04):
        raise Away
    if world.fails(0.05):  # the driver asks again, because the first answer was lost
        answer = world.do(step, world.now + skew)
    return answer


def history(seed: int) -> World:
    """One history; raises Wrong where it ends other than it may."""
    chance = random.Random(seed)
    world = World(chance)
    running: list[Replica] = []
    units: list[Unit] = []
    for _ in range(TURNS):
        dice = chance.random()
        if dice < 0.25 and len(running) < MOST_AT_ONCE:
            gathered = _gathered(world)
            units += gathered
            running.append(Replica(world, gathered))
        elif dice < 0.4:
            world.now += SECOND * chance.choice([0.3, 1.1, 6, 31])
        elif running:
            one = chance.choice(running)
            if dice < 0.43 or not one.step():
                running.remove(one)
    world.faulty = False  # from here on everybody is well
    for one in running:
        one.finish()
    world.check()
    for unit in units:
        world.check_whole(unit)
    _settle(world)
    return world


def _gathered(world: World) -> tuple[Unit, ...]:
    """Units of which no two have a key in common."""
    chance = world.chance
    keys = chance.sample(KEYS, chance.randint(1, len(KEYS)))
    cut = chance.randint(0, len(keys) - 1)
    parts = [part for part in (keys[:cut], keys[cut:]) if part]
    return tuple(world.unit({key: chance.choice("xxxy") for key in part}) for part in parts)


def _settle(world: World) -> None:
    """Everybody asks until he is answered, each thing for itself, and is answered in the end."""
    for key in KEYS:
        for digest in "xy":
            for _ in range(PATIENCE):
                world.now += 31 * SECOND
                unit = world.unit({key: digest})
                Replica(world, (unit,)).finish()
                world.check()
                if world.told[-1][1] != Refused(key, "in_flight"):
                    break
            else:
                raise Wrong(f"{key} is in flight for ever")
