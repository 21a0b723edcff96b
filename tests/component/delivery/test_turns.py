"""Copies of one key, as two processes with one store take their turns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.delivery.cases import turns
from services.delivery.cases.skipping import Skipping
from services.delivery.cases.turns import PROGRESS, NotItsTurn, Turns
from services.delivery.domain.order import Progress
from shared.bus.consumer import GivenBack
from shared.contracts.copies import Copy
from shared.store import open_store
from shared.store.repository import Repository
from tests.eventually import eventually
from tests.kit.clock import HandClock

LANE = "coles:4711:5f0c2b7a91d4"


class Target:
    """One consumer of it, which notes the numbers that it sends."""

    def __init__(self, progress: Repository[Progress], clock: HandClock, **more: bool) -> None:
        self.turns = Turns("fuel/bi", progress, clock, **{"probe": False, **more})
        self.stopped = asyncio.Event()
        self.sent: list[int] = []

    async def take(self, number: int, clock: HandClock, **more: Any) -> None:
        copy = a_copy(number, clock)
        async with self.turns.of(copy, self.stopped, **more) as stand:
            if stand != "past":
                self.sent.append(number)
                await self.turns.done(copy)


def a_copy(number: int, clock: HandClock, lane: str = LANE) -> Copy:
    return Copy(
        hubid="0190", accepted_at=clock.now(), partner="coles", bus="fuel", target="bi", rule="all",
        deliveryid=f"msg_{number}", attributes={}, body=b"", lane=lane, laneseq=number,
    )  # fmt: skip


@pytest.fixture
async def progress(tmp_path: Path) -> AsyncIterator[Repository[Progress]]:
    store = open_store("delivery", tmp_path)
    repository = Repository(store.collection(PROGRESS), Progress, key=lambda each: each.id)
    await store.open()
    yield repository
    await store.close()


@pytest.fixture(autouse=True)
def nobody_looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOKS", 0.05)


async def test_copies_in_hand_go_in_their_order_however_they_came(
    progress: Repository[Progress], clock: HandClock
) -> None:
    target = Target(progress, clock)
    await asyncio.gather(*(target.take(number, clock) for number in (3, 5, 1, 4, 2, 3)))
    assert target.sent == [1, 2, 3, 4, 5]


async def test_another_process_and_a_person_are_seen(progress: Repository[Progress], clock: HandClock) -> None:
    one, other = Target(progress, clock), Target(progress, clock)
    waiting = asyncio.create_task(one.take(3, clock))
    await other.take(1, clock)
    await Skipping(progress, clock).skip("fuel", "bi", LANE, 2)
    await waiting
    assert one.sent == [3]
    await other.take(2, clock)
    assert other.sent == [1, 2], "what was not waited for is sent when it comes"


async def test_behind_a_dead_copy_nothing_waits_in_hand(progress: Repository[Progress], clock: HandClock) -> None:
    target = Target(progress, clock)
    await target.turns.died(a_copy(1, clock), "block")
    with pytest.raises(NotItsTurn) as raised:
        await target.take(2, clock)
    assert raised.value.blocked
    (blocked,) = await Skipping(progress, clock).blocked("fuel", "bi")
    assert (blocked.lane, blocked.blocked) == (LANE, "msg_1")
    await Skipping(progress, clock).discarded("fuel", "bi", a_copy(1, clock))
    await target.take(2, clock)
    assert target.sent == [2]
    assert not await Skipping(progress, clock).blocked("fuel", "bi")


async def test_a_dead_copy_that_is_skipped_holds_nothing_up(progress: Repository[Progress], clock: HandClock) -> None:
    target = Target(progress, clock)
    await target.turns.died(a_copy(1, clock), "skip")
    await target.take(2, clock)
    assert target.sent == [2]


async def test_only_so_many_wait_in_hand_and_none_of_a_probe(
    progress: Repository[Progress], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 1)
    target = Target(progress, clock)
    waiting = asyncio.create_task(target.take(2, clock))
    await eventually(lambda: target.turns._waiting == 1)
    with pytest.raises(NotItsTurn):
        await target.take(3, clock)
    await target.take(1, clock)
    await waiting
    assert target.sent == [1, 2]
    with pytest.raises(NotItsTurn):
        await Target(progress, clock, probe=True).take(4, clock)


async def test_whoever_waits_gives_back_when_the_consumer_is_cancelled(
    progress: Repository[Progress], clock: HandClock
) -> None:
    target = Target(progress, clock)
    waiting = asyncio.create_task(target.take(2, clock))
    await eventually(lambda: target.turns._waiting == 1)
    target.stopped.set()
    target.turns.wake()
    with pytest.raises(GivenBack):
        await waiting


async def test_after_a_restore_what_was_forgotten_is_not_waited_for(
    progress: Repository[Progress], clock: HandClock
) -> None:
    target = Target(progress, clock, restored=True)
    await target.take(7, clock, in_vain=True)
    await target.take(8, clock)
    await target.take(7, clock, in_vain=True)
    assert target.sent == [7, 8]
    await target.turns.died(a_copy(9, clock), "block")
    with pytest.raises(NotItsTurn):
        await target.take(11, clock, in_vain=True)


async def test_a_copy_far_from_its_turn_knows_when_that_comes_while_its_lane_moves(
    progress: Repository[Progress], clock: HandClock
) -> None:
    target = Target(progress, clock)
    await target.take(1, clock)
    with pytest.raises(NotItsTurn) as near, all_hands_full(target):
        await target.take(3, clock)
    with pytest.raises(NotItsTurn) as far:
        await target.take(1_000_000, clock)
    assert near.value.again_in is not None
    assert far.value.again_in is not None
    assert far.value.again_in > near.value.again_in
    clock.pass_by(seconds=11)
    with pytest.raises(NotItsTurn) as stands:
        await target.take(1_000_000, clock)
    assert stands.value.again_in is None


@contextmanager
def all_hands_full(target: Target) -> Iterator[None]:
    """As many as may wait in hand do."""
    target.turns._waiting += turns.MOST_WAITING
    try:
        yield
    finally:
        target.turns._waiting -= turns.MOST_WAITING
