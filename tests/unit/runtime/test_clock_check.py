"""A process whose clock is far from its stores': it says so, is not ready, and neither takes nor changes anything."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shared.bus.consumer import Consumer
from shared.bus.retry import RetryPolicy
from shared.bus.wire import Delivery
from shared.kernel.clock import CheckedClock, SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.kernel.meter import NoMeter
from shared.kernel.randomness import SystemRandom
from shared.runtime.clock_check import ClockCheck
from shared.runtime.health import Health, Phase
from shared.store.documents import Store, Unavailable
from shared.web.problems import Problem
from tests.eventually import eventually, happens_within


class Engine:
    """A store that only tells the time, `apart` from this machine's."""

    def __init__(self, **apart: float) -> None:
        self.apart = timedelta(**apart)
        self.away = False

    async def now(self) -> datetime:
        if self.away:
            raise Unavailable
        return datetime.now(UTC) + self.apart


def check(clock: CheckedClock, *engines: Engine) -> ClockCheck:
    return ClockCheck(clock, {f"store {n}": cast("Store", engine) for n, engine in enumerate(engines)})


@pytest.mark.parametrize(
    ("apart", "level", "said"),
    [
        (timedelta(days=-400), "ERROR", "ahead"),
        (timedelta(seconds=-61), "ERROR", "ahead"),
        (timedelta(seconds=-6), "WARNING", "ahead"),
        (timedelta(seconds=10), "WARNING", "behind"),
        (timedelta(hours=2), "ERROR", "behind"),
    ],
)
async def test_a_clock_apart_from_the_stores_is_told_once(
    caplog: pytest.LogCaptureFixture, apart: timedelta, level: str, said: str
) -> None:
    caplog.set_level(logging.WARNING)
    checking = check(CheckedClock(SystemClock()), Engine(), Engine(seconds=apart.total_seconds()))
    for _ in range(3):
        await checking.once()
    assert [(record.levelname, said in record.message) for record in caplog.records] == [(level, True)]


async def test_clocks_that_agree_are_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    clock = CheckedClock(SystemClock())
    await check(clock, Engine(), Engine(seconds=2)).once()
    assert not caplog.records
    assert not clock.doubtful


async def test_a_store_that_is_away_tells_nothing_and_takes_nothing_back() -> None:
    clock, engine = CheckedClock(SystemClock()), Engine(hours=-5)
    checking = check(clock, engine)
    await checking.once()
    engine.away = True
    await checking.once()
    assert clock.far_off
    engine.away, engine.apart = False, timedelta()
    await checking.once()
    assert not clock.far_off


async def test_a_process_with_a_far_off_clock_is_not_ready_and_changes_nothing() -> None:
    clock, engine = CheckedClock(SystemClock()), Engine(days=-1)
    health = Health(clock)
    health.open, health.phase = True, Phase.SERVING
    checking = check(clock, engine)
    await checking.once()
    with pytest.raises(Problem) as caught:
        await health.check()
    assert (caught.value.status, caught.value.code) == (503, "clock_off")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refusal = health.refusal(method, "/v1/carts")
        assert refusal is not None
        assert (refusal.status, refusal.code) == (503, "clock_off")
    assert health.refusal("GET", "/v1/carts") is None
    engine.apart = timedelta()
    await checking.once()
    await health.check()
    assert health.refusal("POST", "/v1/carts") is None


class Taken(Consumer):
    """A consumer that says what it would have handled, and what it gave back."""

    def __init__(self, clock: CheckedClock) -> None:
        nothing: Any = None
        retry = RetryPolicy(Uuid7Ids(clock), SystemRandom(1))
        super().__init__("work", nothing, publisher=nothing, retry=retry, clock=clock, meter=NoMeter())
        self.handled: list[object] = []
        self.returned: list[object] = []

    async def _handle(self, delivery: Delivery) -> None:
        self.handled.append(delivery)

    async def _requeue(self, delivery: Delivery) -> None:
        self.returned.append(delivery)


async def test_messages_wait_for_the_clock_and_go_back_when_the_process_leaves() -> None:
    clock, engine = CheckedClock(SystemClock()), Engine(days=-400)
    checking = check(clock, engine)
    await checking.once()
    consumer = Taken(clock)
    delivery = cast("Delivery", object())
    taking = asyncio.create_task(consumer.take(delivery))
    assert not await happens_within(0.2, lambda: bool(consumer.handled))
    engine.apart = timedelta()
    await checking.once()
    await eventually(lambda: consumer.handled == [delivery])
    await taking
    engine.apart = timedelta(days=-400)
    await checking.once()
    leaving = asyncio.create_task(consumer.take(delivery))
    await asyncio.sleep(0)
    await consumer.drain(5)
    await leaving
    assert (len(consumer.handled), consumer.returned) == (1, [delivery])
