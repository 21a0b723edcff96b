"""Delivery's secrets under another master key, on every engine: whoever dies midway, and however many do it at once."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.delivery.adapters.sealing import MasterKeySealing, name_of
from services.delivery.cases.keys import Keys
from services.delivery.cases.living import LIVES, OUTAGES, REPLICAS, Living
from services.delivery.cases.resealing import QUIET, SPECS, Resealing, word_of
from services.delivery.domain.signing import SCHEMES
from services.delivery.domain.state import Outages
from services.delivery.domain.target import Secrets
from services.delivery.ports import Unopenable
from shared.contracts.messages import OutboxMessage
from shared.kernel.ids import Uuid7Ids
from shared.store.documents import Unavailable
from shared.store.repository import Repository, Stored
from tests.contract.store.conftest import Engine
from tests.kit.clock import HandClock

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
TARGETS = [f"fuel/t{n}" for n in range(7)]
DAY = timedelta(days=1)


class Mortal(Repository[Secrets]):
    """Dies at one of its writes, before it or after it."""

    left: float = float("inf")
    wrote = False

    async def save(self, value: Secrets, *, version: int, messages: Iterable[OutboxMessage] = ()) -> Stored[Secrets]:
        self.left -= 1
        if self.left < 0 and not self.wrote:
            raise Unavailable("killed before it wrote")
        stored = await super().save(value, version=version, messages=list(messages))
        if self.left < 0:
            raise Unavailable("killed after it wrote")
        return stored


class Process:
    """One process of delivery, as far as it keeps secrets. Its clock is everybody's."""

    def __init__(
        self, clock: HandClock, stores: Mapping[Any, Mortal], living: Living, sealing: MasterKeySealing
    ) -> None:
        self.clock, self.stores, self.living, self.sealing = clock, stores, living, sealing
        self.keys = {name: Keys(kept, sealing, SCHEMES[name], clock, lambda _: 0) for name, kept in stores.items()}
        self.resealing = Resealing(stores, sealing, living, clock)

    @classmethod
    async def started(cls, engine: Engine, clock: HandClock, key: str, former: str = "") -> "Process":
        _, (hmac, ed25519, replicas, outages) = await engine.open(*SPECS.values(), REPLICAS, OUTAGES)
        stores = {
            name: Mortal(collection, Secrets, key=lambda each: each.id)
            for name, collection in zip(SPECS, (hmac, ed25519), strict=True)
        }
        sealing = MasterKeySealing(key, former)
        lived = Repository(outages, Outages, key=lambda each: each.id)
        living = Living(replicas, lived, clock, Uuid7Ids(clock), lambda: word_of(sealing))
        process = cls(clock, stores, living, sealing)
        await process.living.look()
        return process

    async def shown(self) -> list[str]:
        """What verifies the requests of every target."""
        return [key.shown for target in TARGETS for keys in self.keys.values() for key in await keys.live(target)]

    async def look(self) -> None:
        """Its word, that of the others, and one step."""
        await self.living.look()
        await self.resealing.look()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    begun = clock.now()

    def running() -> float:
        return (clock.now() - begun).total_seconds()

    for module in ("living", "keys"):
        monkeypatch.setattr(f"services.delivery.cases.{module}.running_seconds", running)
    return clock


async def test_what_the_former_key_sealed_the_newest_seals_and_says_so(
    engine: Engine, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    before = await Process.started(engine, clock, OLD)
    await before.keys["hmac"].rotate(TARGETS[0], DAY, 0)
    await before.keys["hmac"].rotate(TARGETS[0], DAY, 0)
    shown = await before.shown()
    clock.pass_by(LIVES)
    process = await Process.started(engine, clock, NEW, OLD)
    assert (await process.resealing.tally()).former_is_needed
    caplog.set_level(logging.WARNING)
    for _ in range(QUIET):
        await process.look()
    tally = await process.resealing.tally()
    assert (dict(tally.by), tally.former_is_needed) == ({name_of(NEW): 15}, False)
    assert [each.getMessage() for each in caplog.records] == ["the former master key is needed no more"]
    alone = await Process.started(engine, clock, NEW)
    assert await alone.shown() == await process.shown() == shown
    old = await Process.started(engine, clock, OLD)
    with pytest.raises(Unopenable, match=name_of(NEW)):
        await old.shown()


async def test_the_newest_seals_nothing_before_everybody_who_lives_can_open_it(
    engine: Engine, clock: HandClock
) -> None:
    old = await Process.started(engine, clock, OLD)
    shown = await old.shown()
    new = await Process.started(engine, clock, NEW, OLD)
    clock.pass_by(seconds=2)
    await new.keys["ed25519"].rotate(TARGETS[0], DAY, 0)
    for _ in range(3):
        await old.living.look()
        await new.look()
        assert set((await new.resealing.tally()).by) == {name_of(OLD)}
        assert (await new.resealing.tally()).waits == 2
        assert set(shown) <= set(await old.shown())
        clock.pass_by(seconds=2)
    await old.living.leave()
    await new.look()
    assert set((await new.resealing.tally()).by) == {name_of(NEW)}


async def test_the_former_is_needed_while_another_process_seals_by_it(engine: Engine, clock: HandClock) -> None:
    one, two = [await Process.started(engine, clock, NEW, OLD) for _ in range(2)]
    clock.pass_by(seconds=2)
    await two.living.look()
    for _ in range(QUIET + 1):
        await one.look()
        assert (await one.resealing.tally()).former_is_needed
    clock.pass_by(seconds=2)
    await two.look()
    clock.pass_by(seconds=2)
    await two.living.look()
    for _ in range(QUIET):
        await one.look()
    assert not (await one.resealing.tally()).former_is_needed


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_is_killed_and_however_many_there_are_nothing_is_lost(
    engine: Engine, clock: HandClock, seed: int
) -> None:
    random = Random(seed)
    shown = await (await Process.started(engine, clock, OLD)).shown()
    clock.pass_by(LIVES)
    for _ in range(4):
        processes = [await Process.started(engine, clock, NEW, OLD) for _ in range(random.randint(1, 3))]
        for process in processes:
            store = process.stores[random.choice(list(SPECS))]
            store.left, store.wrote = random.randint(0, 3), random.random() < 0.5
        ends = await asyncio.gather(*(each.look() for each in processes), return_exceptions=True)
        assert {type(each) for each in ends} <= {type(None), Unavailable}
        witness = await Process.started(engine, clock, NEW, OLD)
        assert await witness.shown() == shown
        clock.pass_by(LIVES)
    last = await Process.started(engine, clock, NEW, OLD)
    for _ in range(QUIET):
        await last.look()
    assert not (await last.resealing.tally()).former_is_needed
    assert await (await Process.started(engine, clock, NEW)).shown() == shown


async def test_a_key_that_is_given_nowhere_is_named(
    engine: Engine, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    await (await Process.started(engine, clock, OTHER)).shown()
    clock.pass_by(LIVES)
    process = await Process.started(engine, clock, NEW, OLD)
    await process.look()
    (told,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert (told.getMessage(), told.__dict__["document_id"]) == ("secrets cannot be opened", TARGETS[0])
    assert name_of(OTHER) in told.__dict__["reason"]
    tally = await process.resealing.tally()
    assert (tally.unknown, tally.by[name_of(OTHER)]) == ({name_of(OTHER): TARGETS[0]}, 14)
    with pytest.raises(Unopenable, match=name_of(OTHER)):
        await process.shown()
    await process.keys["hmac"].rotate(TARGETS[0], timedelta(0), 0)
    assert len(await process.keys["hmac"].live(TARGETS[0])) == 1


async def test_what_was_moved_to_another_target_is_told_once_and_holds_up_no_other(
    engine: Engine, clock: HandClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.delivery.cases.resealing.PAGE", 1)
    before = await Process.started(engine, clock, OLD)
    await before.shown()
    store = before.stores["hmac"]
    stolen = await store.load(TARGETS[1])
    assert stolen is not None
    await store.change(TARGETS[0], lambda _: stolen.value.model_copy(update={"id": TARGETS[0]}))
    clock.pass_by(LIVES)
    process = await Process.started(engine, clock, NEW, OLD)
    for _ in range(3):
        await process.look()
    (told,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert told.__dict__["document_id"] == TARGETS[0]
    tally = await process.resealing.tally()
    assert (tally.by[name_of(OLD)], tally.by[name_of(NEW)], tally.former_is_needed) == (1, 13, True)
