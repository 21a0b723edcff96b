"""What is under way to a target, and since when its oldest copy waits: over the processes that live."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.delivery.cases.in_hand import Hands
from services.delivery.cases.living import OUTAGES, REPLICAS, Living
from services.delivery.cases.stance import Stance
from services.delivery.domain.hands import InHand
from services.delivery.domain.state import Outages, TargetState
from shared.contracts.buses import TargetTerms
from shared.kernel.ids import Uuid7Ids
from shared.store import open_store
from shared.store.documents import Store
from shared.store.repository import Repository
from tests.kit.clock import HandClock

BI = "fuel/bi"
TERMS = TargetTerms(webhook="https://bi.example/")


class Process:
    """One of delivery, as far as others hear of it."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.hands = Hands()
        outages = Repository(store.collection(OUTAGES), Outages, key=lambda each: each.id)
        self.living = Living(store.collection(REPLICAS), outages, clock, Uuid7Ids(clock), self.hands.word)

    def takes(self, *, under_way: int, waits: timedelta, clock: HandClock) -> Stance:
        stance = Stance(TERMS, TargetState(id=BI), lambda: None)
        stance.under_way = under_way
        stance.ages.came("msg_1", clock.now() - waits, clock.now())
        self.hands.took(BI, stance)
        return stance

    def tells(self) -> InHand:
        return self.hands.of_all(self.living.words or ())[BI]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store("delivery", tmp_path)
    for spec in (REPLICAS, OUTAGES):
        opened.collection(spec)
    await opened.open()
    yield opened
    await opened.close()


async def test_every_process_tells_what_all_have_in_hand(store: Store, clock: HandClock) -> None:
    has, asked = Process(store, clock), Process(store, clock)
    stance = has.takes(under_way=3, waits=timedelta(minutes=5), clock=clock)
    for each in (has, asked, asked):
        await each.living.look()
    oldest = clock.now() - timedelta(minutes=5)
    assert has.tells() == asked.tells() == InHand(3, oldest)
    stance.under_way = 1
    assert has.tells() == InHand(1, oldest), "its own are told as they are"


async def test_what_was_begun_before_a_target_moved_counts_until_it_ends(store: Store, clock: HandClock) -> None:
    before, after = Process(store, clock), Process(store, clock)
    left = before.takes(under_way=2, waits=timedelta(hours=1), clock=clock)
    before.hands.left(BI)
    after.takes(under_way=1, waits=timedelta(minutes=1), clock=clock)
    for each in (before, after, after):
        await each.living.look()
    assert after.tells() == InHand(3, clock.now() - timedelta(minutes=1))
    left.under_way = 0
    assert before.hands.now() == {}


async def test_one_that_left_is_counted_no_more(store: Store, clock: HandClock) -> None:
    gone, stays = Process(store, clock), Process(store, clock)
    gone.takes(under_way=3, waits=timedelta(minutes=5), clock=clock)
    for each in (gone, stays):
        await each.living.look()
    assert stays.tells().under_way == 3
    await gone.living.leave()
    await stays.living.look()
    assert stays.hands.of_all(stays.living.words or ()) == {}
