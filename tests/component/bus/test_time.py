"""The broker's clock, told by a message of our own that died there."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.kernel.clock import CheckedClock
from shared.runtime.clock_check import ClockCheck
from tests.component.bus.conftest import OpenBus
from tests.eventually import eventually


class Shifted:
    """A machine's clock that was set wrong before anybody looked."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


async def test_it_is_right_to_half_a_second_however_often_and_by_whomever_it_is_asked(
    vhost_url: str, open_bus: OpenBus
) -> None:
    buses = [await open_bus(vhost_url, {}) for _ in range(2)]
    for _ in range(3):
        before = datetime.now(UTC)
        told = await asyncio.gather(*(bus.now() for bus in buses))
        after = datetime.now(UTC)
        for each in told:
            assert each is not None
            assert before - timedelta(seconds=0.5) <= each <= after + timedelta(seconds=0.5)


async def test_a_clock_that_was_wrong_from_the_start_is_known_where_no_store_has_one(
    vhost_url: str, open_bus: OpenBus
) -> None:
    bus = await open_bus(vhost_url, {})
    for by in (timedelta(days=400), timedelta(seconds=-70)):
        clock = CheckedClock(Shifted(by))
        known = [clock.far_off]
        await ClockCheck(clock, {"the broker": bus}).once()
        known.append(clock.far_off)
        assert known == [False, True]
        assert abs(clock.offset - by) < timedelta(seconds=5)
    clock = CheckedClock(Shifted(timedelta()))
    await ClockCheck(clock, {"the broker": bus}).once()
    assert not clock.doubtful


async def test_it_leaves_nothing_behind_when_its_connection_goes_and_tells_nothing_meanwhile(
    vhost_url: str, open_bus: OpenBus
) -> None:
    bus = await open_bus(vhost_url, {})
    assert await bus.now() is not None
    bus._lost.set()
    await eventually(lambda: not bus.ready)
    assert await bus.now() is None

    async def told_again() -> datetime | None:
        return await bus.now()

    await eventually(told_again)
