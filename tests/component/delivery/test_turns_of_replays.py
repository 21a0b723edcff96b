"""Copies of a replay take their turns as others do, and wait in hand, so that their queue tells how much there is room
for."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from services.delivery.cases import turns
from services.delivery.cases.turns import NotItsTurn, Turns
from services.delivery.domain.order import Progress
from shared.contracts.copies import Copy
from shared.store.repository import Repository
from tests.eventually import eventually
from tests.kit.clock import HandClock

LANE = "replay/0f3c:1:7"


class Target:
    """One consumer of it, which notes the numbers that it sends."""

    def __init__(self, progress: Repository[Progress], clock: HandClock, *, probe: bool = False) -> None:
        self.turns = Turns("fuel/bi", progress, clock, probe=probe)
        self.clock = clock
        self.sent: list[int] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def take(self, number: int, *, in_vain: bool = False) -> None:
        copy = a_copy(number, self.clock)
        async with self.turns.of(copy, asyncio.Event(), in_vain=in_vain) as stand:
            await self.may_end.wait()
            if stand != "past":
                self.sent.append(number)
                await self.turns.done(copy)


def a_copy(number: int, clock: HandClock) -> Copy:
    return Copy(
        hubid="0190", accepted_at=clock.now(), partner="coles", bus="fuel", target="bi", rule="all",
        deliveryid=f"msg_{number}_0f3c", attributes={}, body=b"", replayid="0f3c", lane=LANE, laneseq=number,
    )  # fmt: skip


@pytest.fixture
def target(progress_anywhere: Repository[Progress], clock: HandClock) -> Target:
    return Target(progress_anywhere, clock)


@pytest.fixture(autouse=True)
def nobody_looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOKS", 0.05)


async def test_all_wait_in_hand_while_their_lane_goes_on_however_slow_it_is(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 2)
    target.may_end.clear()
    taking = [asyncio.create_task(target.take(1))]
    await eventually(lambda: any(lane.is_at_work for lane in target.turns._lanes.values()))
    target.clock.pass_by(minutes=5)
    taking += [asyncio.create_task(target.take(number)) for number in range(2, 7)]
    await eventually(lambda: target.turns._waiting == 5)
    looks = count_looks(target.turns, monkeypatch)
    await eventually(lambda: len(looks) >= 10)
    assert not any(task.done() for task in taking)
    target.may_end.set()
    await asyncio.gather(*taking)
    assert target.sent == list(range(1, 7))


def count_looks(looking: Turns, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    looks: list[str] = []
    moved = looking._moved

    async def noted(lane: Any, name: str) -> None:
        looks.append(name)
        await moved(lane, name)

    monkeypatch.setattr(looking, "_moved", noted)
    return looks


async def test_where_the_lane_stands_they_make_room(target: Target) -> None:
    await target.take(1)
    target.clock.pass_by(minutes=5)
    with pytest.raises(NotItsTurn) as stands:
        await target.take(3)
    assert (stands.value.blocked, stands.value.again_in) == (False, None)
    await target.turns.died(a_copy(2, target.clock), "block")
    with pytest.raises(NotItsTurn) as blocked:
        await target.take(3)
    assert blocked.value.blocked


async def test_a_lane_that_was_forgotten_is_not_waited_for_and_keeps_its_order_from_there(target: Target) -> None:
    for number in (7, 8):
        with pytest.raises(NotItsTurn):
            await target.take(number)
    await target.take(7, in_vain=True)
    target.clock.pass_by(minutes=5)
    with pytest.raises(NotItsTurn):
        await target.take(9, in_vain=True)
    await target.take(8, in_vain=True)
    assert target.sent == [7, 8]


async def test_a_lane_whose_first_copy_fails_is_not_taken_for_a_forgotten_one(target: Target) -> None:
    with suppress(ConnectionError):
        async with target.turns.of(a_copy(1, target.clock), asyncio.Event()):
            raise ConnectionError
    target.clock.pass_by(minutes=5)
    with pytest.raises(NotItsTurn):
        await target.take(2, in_vain=True)
    await target.take(1)
    await target.take(2)
    assert target.sent == [1, 2]


async def test_what_went_without_an_order_holds_nothing_up_when_there_is_one_again(target: Target) -> None:
    await target.take(1)
    await asyncio.gather(*(target.turns.went(a_copy(number, target.clock)) for number in (3, 5, 4)))
    await target.take(6)
    await target.take(2)
    assert target.sent == [1, 6, 2]


async def test_the_lane_is_forgotten_a_week_after_its_last_copy(
    target: Target, progress_anywhere: Repository[Progress]
) -> None:
    await target.take(1)
    target.clock.pass_by(days=6)
    assert not await progress_anywhere.due(target.clock.now(), 10)
    target.clock.pass_by(days=1)
    (due,) = await progress_anywhere.due(target.clock.now(), 10)
    assert due.value.lane == LANE
