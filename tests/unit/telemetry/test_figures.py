"""Gauges that are looked at now and then, over a real store."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.messages import OutboxMessage
from shared.kernel.meter import StoreMeter
from shared.store.documents import Collection, CollectionSpec, Conflict, Document, Index, Unavailable
from shared.store.sqlite import SqliteStore
from shared.telemetry import catalogue, figures
from shared.telemetry.figures import Reading
from shared.telemetry.looking import Looks
from shared.telemetry.process import Telemetry
from shared.telemetry.series import Series
from shared.telemetry.watched_store import WatchedStore
from tests.kit.clock import HandClock

SPEC = CollectionSpec("things", (Index("by_status", ("status", "since")), Index("by_hold", ("held_since",))))


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
async def store(tmp_path: Path, telemetry: Telemetry) -> AsyncIterator[WatchedStore]:
    meter: StoreMeter = telemetry
    watched = WatchedStore(SqliteStore(tmp_path / "shop.sqlite3"), "shop", meter)
    watched.collection(SPEC)
    await watched.open()
    yield watched
    await watched.close()


@pytest.fixture
def things(store: WatchedStore) -> Collection:
    return store.collection(SPEC)


def told(readings: Sequence[Reading]) -> dict[tuple[str, ...], float]:
    return {(reading.metric.name, *reading.labels): reading.value for reading in readings}


def ago(hand: HandClock, **ages: float) -> str:
    return (hand.now() - timedelta(**ages)).isoformat()


async def test_purchases_are_counted_by_status_with_the_age_of_the_oldest(things: Collection, hand: HandClock) -> None:
    for number, seconds in enumerate((5, 60)):
        await things.save(Document(str(number), {"status": "running", "since": ago(hand, seconds=seconds)}))
    await things.save(Document("done", {"status": "completed", "since": ago(hand, days=9)}))
    read = figures.purchases("shop", things, "by_status", ("running", "needs_attention"), hand)
    assert told(await read()) == {
        ("purchases", "shop", "running"): 2,
        ("oldest_purchase_seconds", "shop", "running"): 60,
        ("purchases", "shop", "needs_attention"): 0,
        ("oldest_purchase_seconds", "shop", "needs_attention"): 0,
    }


async def test_holds_are_counted_by_age(things: Collection, hand: HandClock) -> None:
    for number, age in enumerate(({"seconds": 1}, {"seconds": 300}, {"hours": 2}, {"days": 5}, {"days": 7})):
        await things.save(Document(str(number), {"held_since": ago(hand, **age)}))
    await things.save(Document("free", {"held_since": None}))
    ages = {labels[2]: count for labels, count in told(await figures.holds("shop", things, "by_hold", hand)()).items()}
    assert ages == {"5m": 2, "1h": 0, "1d": 1, "6d": 1, "older": 1}


async def test_what_a_clock_that_is_behind_calls_the_future_has_no_age(things: Collection, hand: HandClock) -> None:
    await things.save(Document("a", {"held_since": ago(hand, hours=-3)}))
    assert told(await figures.unknowns("shop", things, "by_hold", hand)()) == {
        ("unknowns", "shop"): 1,
        ("oldest_unknown_seconds", "shop"): 0,
    }


async def test_what_waits_is_told_by_service_and_timers_by_collection(
    store: WatchedStore, things: Collection, hand: HandClock
) -> None:
    def message(name: str, seconds: float) -> OutboxMessage:
        saved_at = hand.now() - timedelta(seconds=seconds)
        return OutboxMessage(name, "e", "k", {}, b"{}", mandatory=True, saved_at=saved_at)

    await things.save(Document("a", {}, wake_at=hand.now() - timedelta(seconds=40)), [message("m1", 12)])
    await things.save(Document("b", {}, wake_at=hand.now() - timedelta(seconds=3)), [message("m2", 1)])
    await things.save(Document("c", {}, wake_at=hand.now() + timedelta(hours=1)))
    assert told(await figures.standing("shop", store.collections, hand)()) == {
        ("timers_overdue", "shop", "things"): 1,
        ("timer_overdue_seconds", "shop", "things"): 40,
        ("outbox_unsent", "shop"): 2,
        ("outbox_unsent_seconds", "shop"): 12,
    }


async def test_a_figure_that_cannot_be_read_is_absent_until_it_can() -> None:
    series, away = Series(), False

    async def figure() -> Sequence[Reading]:
        if away:
            raise Unavailable
        return [Reading(catalogue.UNKNOWNS, ("shop",), 2.0)]

    async def other() -> Sequence[Reading]:
        return [Reading(catalogue.TIERS, ("1s",), 1.0)]

    looks = Looks(series)
    looks.add("unknowns", figure)
    looks.add("tiers", other)
    await looks.once()
    assert series.gauges[catalogue.UNKNOWNS] == {("shop",): 2.0}
    away = True
    await looks.once()
    assert series.gauges[catalogue.UNKNOWNS] == {}
    assert series.gauges[catalogue.TIERS] == {("1s",): 1.0}
    away = False
    await looks.once()
    assert series.gauges[catalogue.UNKNOWNS] == {("shop",): 2.0}


async def test_labels_that_are_read_no_more_are_shown_no_more() -> None:
    series, faults = Series(), {"a": 3.0, "b": 1.0}

    async def figure() -> Sequence[Reading]:
        return [Reading(catalogue.DEAD, ("shop", fault), count) for fault, count in faults.items()]

    looks = Looks(series)
    looks.add("dead", figure)
    await looks.once()
    del faults["a"]
    await looks.once()
    assert series.gauges[catalogue.DEAD] == {("shop", "b"): 1.0}


async def test_a_stores_answers_are_timed_and_its_refusals_counted(
    store: WatchedStore, things: Collection, telemetry: Telemetry
) -> None:
    saved = await things.save(Document("a", {"status": "x", "since": "1"}))
    with pytest.raises(Conflict):
        await things.save(Document("a", {}))
    assert await things.get("a") == saved
    assert await things.find("by_status", ("x",), limit=5) == [saved]
    await store.close()
    with pytest.raises(Unavailable):
        await things.get("a")
    times = telemetry.series.times[catalogue.STORED]
    counts = {operation: histogram.buckets()[-1][1] for (_, operation), histogram in times.items()}
    assert counts == {"save": 2, "get": 2, "find": 1}
    assert telemetry.series.counts[catalogue.CONFLICTED] == {("shop", "things"): 1}
    assert telemetry.series.counts[catalogue.UNAVAILABLE] == {("shop", "get"): 1}


def test_a_watched_collection_is_the_same_whoever_asks(store: WatchedStore) -> None:
    assert store.collection(SPEC) is store.collection(SPEC)
