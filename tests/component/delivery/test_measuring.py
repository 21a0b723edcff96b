"""What is told of targets, and what is told no more."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.delivery.adapters.sealing import MasterKeySealing
from services.delivery.cases.configuring import Configuring
from services.delivery.cases.deaths import Deaths
from services.delivery.cases.keys import Keys
from services.delivery.cases.known import BUSES, CLIENTS, TARGETS, Known, Place
from services.delivery.cases.living import OUTAGES, REPLICAS, Living
from services.delivery.cases.measuring import AT_A_LOOK, Measured, Measuring
from services.delivery.cases.sending import Means, Sending, Undelivered
from services.delivery.cases.stance import Stance
from services.delivery.cases.telling import Telling
from services.delivery.cases.turns import PROGRESS
from services.delivery.domain.clients import KnownClients
from services.delivery.domain.order import Progress, first
from services.delivery.domain.signing import SCHEMES
from services.delivery.domain.state import Outages, TargetState, paused
from services.delivery.domain.target import KnownBus, Secrets
from services.delivery.domain.verdicts import Answer
from shared.bus.arrival import Arrival
from shared.bus.outbox import Outbox
from shared.contracts.buses import TargetTerms
from shared.contracts.copies import Copy
from shared.contracts.delivery import ConfigureTargets
from shared.kernel.ids import Uuid7Ids
from shared.kernel.randomness import SystemRandom
from shared.kernel.values import changed
from shared.store import open_store
from shared.store.documents import CollectionSpec, Store
from shared.store.repository import Repository
from shared.telemetry import catalogue
from shared.telemetry.process import Telemetry
from tests.kit.bus import QueuesInMind, Recorder
from tests.kit.clock import HandClock

BI, BOOKS = ("fuel", "bi"), ("fuel", "books")
TERMS = {"bi": TargetTerms(webhook="https://bi.example/"), "books": TargetTerms(queue=True)}
SECRETS = CollectionSpec("secrets")


class Around:
    """One process of delivery, as far as its targets are measured."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.clock, self.ids, self.queues = clock, Uuid7Ids(clock), QueuesInMind()
        self.telemetry = Telemetry()
        self.states = Repository(store.collection(TARGETS), TargetState, key=lambda each: each.id)
        self.buses = Repository(store.collection(BUSES), KnownBus, key=lambda each: each.id)
        self.clients = Repository(store.collection(CLIENTS), KnownClients, key=lambda each: each.id)
        self.secrets = Repository(store.collection(SECRETS), Secrets, key=lambda each: each.id)
        outages = Repository(store.collection(OUTAGES), Outages, key=lambda each: each.id)
        self.progress = Repository(store.collection(PROGRESS), Progress, key=lambda each: each.id)
        self.known = Known(self.buses, self.states, self.progress)
        self.living = Living(store.collection(REPLICAS), outages, clock, self.ids)
        self.stances: dict[Place, Stance] = {}
        self.measuring = Measuring(self.known, self.living, self.stances.get, self.queues, clock)

    async def told(self, revision: int, targets: Mapping[str, TargetTerms]) -> None:
        command = ConfigureTargets(bus="fuel", revision=revision, partner="coles", targets=dict(targets))
        await Configuring(self.buses, self.clients).configure(command)
        await self.queues.make_targets([("fuel", name) for name in targets])
        await self.look()

    async def look(self) -> None:
        await self.living.look()
        await self.known.look()

    async def waiting(self) -> dict[Place, int]:
        return {place: measured.waiting for place, measured in (await self.measuring.queues()).items()}

    async def oldest(self) -> float:
        measured = (await self.measuring.queues())[BI]
        assert measured.oldest is not None
        return measured.oldest.total_seconds()


@pytest.fixture
async def around(tmp_path: Path) -> AsyncIterator[Around]:
    store = open_store("delivery", tmp_path)
    made = Around(store, HandClock())
    await store.open()
    yield made
    await store.close()


async def test_each_target_with_a_queue_is_told_of_as_it_stands(around: Around) -> None:
    await around.told(1, {**TERMS, "dockets": TargetTerms(service="dockets")})
    around.queues.waiting = {"target.fuel.bi": 7, "target.fuel.books.dead": 2}
    assert await around.measuring.queues() == {BI: Measured(7, 0, None), BOOKS: Measured(0, 2, None)}
    assert around.measuring.states() == {BI: "unverified", BOOKS: "healthy"}
    await around.states.change("fuel/bi", lambda state: paused(state or TargetState(id="fuel/bi"), around.clock.now()))
    await around.look()
    assert around.measuring.states() == {BI: "paused", BOOKS: "healthy"}


async def test_a_target_that_its_bus_no_longer_has_is_told_no_more(around: Around) -> None:
    await around.told(1, TERMS)
    assert len(await around.waiting()) == 2
    await around.told(2, {"books": TERMS["books"]})
    assert set(await around.waiting()) == set(around.measuring.states()) == {BOOKS}


async def test_of_many_targets_each_has_its_turn(around: Around) -> None:
    many = {f"t{number}": TargetTerms(queue=True) for number in range(AT_A_LOOK + 20)}
    await around.told(1, many)
    assert len(await around.waiting()) == AT_A_LOOK
    around.queues.waiting = {f"target.fuel.{name}": 1 for name in many}
    assert len(await around.waiting()) == len(many)
    assert set((await around.waiting()).values()) == {1}


async def test_of_more_targets_than_are_told_of_those_that_are_not_well_come_first(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.delivery.cases.measuring.MOST_TOLD", 2)
    await around.told(1, {"a": TERMS["books"], "b": TERMS["books"], "bi": TERMS["bi"]})
    assert around.measuring.states() == {BI: "unverified", ("fuel", "a"): "healthy"}
    assert len(await around.waiting()) == 2


async def test_queues_are_told_of_by_the_process_that_has_their_target(around: Around) -> None:
    await around.told(1, TERMS)
    await around.living.leave()
    assert await around.waiting() == {}
    assert len(around.measuring.states()) == 2


async def test_many_lanes_of_one_target_that_stand_hide_no_other_one(around: Around) -> None:
    ordered = changed(TERMS["bi"], order="by-key")
    await around.told(1, {"bi": ordered, "crm": ordered, "till": ordered})
    for target, lanes in (("fuel/bi", 50), ("fuel/crm", 0), ("fuel/till", 1)):
        for number in range(lanes):
            lane = first(target, f"coles:{number}:5f0c", around.clock.now())
            await around.progress.save(changed(lane, blocked="msg_1"), version=0)
        await around.progress.save(first(target, "aldi:1:5f0c", around.clock.now()), version=0)
    await around.look()
    assert around.known.blocked == {"fuel/bi", "fuel/till"}


class Endpoint:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.status = 200

    async def post(self, *_: object) -> Answer:
        return Answer(self.status)

    async def ask(self, *_: object) -> Answer:
        return Answer(self.status)


async def test_a_copy_that_is_not_taken_grows_older_until_it_is(around: Around) -> None:
    await around.told(1, TERMS)
    state = TargetState(id="fuel/bi", verified=TERMS["bi"].webhook)
    around.stances[BI] = stance = Stance(TERMS["bi"], state, lambda: None)
    endpoint, outbox = Endpoint(), Outbox("milesaga/delivery", Recorder(), around.clock, around.ids)
    keys = Keys(around.secrets, MasterKeySealing("k" * 32), SCHEMES["hmac"], around.clock, lambda _: 0)
    telling = Telling(Recorder(), outbox, around.ids)
    means = Means(
        endpoint,
        {"hmac": keys},
        telling,
        Deaths(Recorder(), outbox),
        around.clock,
        SystemRandom(7),
        around.telemetry,
        around.progress,
        lambda _: "coles",
        "milesaga.example",
    )
    sending = Sending("fuel", "bi", stance, means, probe=False)
    copy = Copy(
        hubid="0190", accepted_at=around.clock.now() - timedelta(minutes=5), partner="coles", bus="fuel", target="bi",
        rule="all", deliveryid="msg_1", attributes={"id": "e", "source": "/s", "type": "t.v1", "specversion": "1.0"},
        body=b"{}",
    )  # fmt: skip
    endpoint.status = 500
    with pytest.raises(Undelivered):
        await sending.dispatch(arrived(copy), copy.body)
    around.clock.pass_by(minutes=10)
    assert await around.oldest() == 900
    endpoint.status = 200
    await sending.dispatch(arrived(copy), copy.body)
    assert await around.oldest() == 0
    again = replace(copy, deliveryid="msg_1_r", replayid="r")
    endpoint.status = 400
    with pytest.raises(Undelivered):
        await sending.dispatch(arrived(again), again.body)
    assert await around.oldest() == 0, "a replayed copy's time runs from its first try"
    counted = around.telemetry.series.counts[catalogue.ATTEMPTS]
    assert counted == {(*BI, "http_500"): 1, (*BI, "none"): 1, (*BI, "http_400"): 1}


def arrived(copy: Copy) -> Arrival:
    return Arrival(exchange="", routing_key=copy.queue, headers=copy.headers())
