"""Which of several processes has a target, and what nobody's living costs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.delivery.cases.living import LIVES, OUTAGES, REPLICAS, Living
from services.delivery.domain.state import Outages
from shared.kernel.ids import Uuid7Ids
from shared.store import open_store
from shared.store.documents import Collection
from shared.store.repository import Repository
from tests.kit.clock import HandClock

TARGETS = [f"fuel/t{n}" for n in range(300)]


class Together:
    """Processes over one store, with one clock for what is written and what is counted."""

    def __init__(self, replicas: Collection, outages: Repository[Outages], clock: HandClock) -> None:
        self.replicas, self.outages, self.clock = replicas, outages, clock

    def a_process(self) -> Living:
        return Living(self.replicas, self.outages, self.clock, Uuid7Ids(self.clock))


@pytest.fixture
async def together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Together]:
    clock = HandClock()
    begun = clock.now()

    def running() -> float:
        return (clock.now() - begun).total_seconds()

    monkeypatch.setattr("services.delivery.cases.living.running_seconds", running)
    store = open_store("delivery", tmp_path)
    replicas = store.collection(REPLICAS)
    outages = Repository(store.collection(OUTAGES), Outages, key=lambda each: each.id)
    await store.open()
    yield Together(replicas, outages, clock)
    await store.close()


async def all_look(*processes: Living) -> None:
    for _ in range(2):
        for each in processes:
            await each.look()


async def test_each_target_is_one_processs(together: Together) -> None:
    processes = [together.a_process() for _ in range(3)]
    await all_look(*processes)
    counts = [sum(each.has(target) for each in processes) for target in TARGETS]
    assert counts == [1] * len(TARGETS)
    assert all(sum(each.has(target) for target in TARGETS) > 50 for each in processes)


async def test_whoever_leaves_gives_away_its_own_targets_alone(together: Together) -> None:
    one, two, three = (together.a_process() for _ in range(3))
    await all_look(one, two, three)
    before = {target for target in TARGETS if two.has(target)}
    await three.leave()
    await all_look(one, two)
    assert before <= {target for target in TARGETS if two.has(target)}
    assert not any(three.has(target) for target in TARGETS)
    assert all(one.has(target) != two.has(target) for target in TARGETS)


async def test_one_that_is_silent_has_nothing_before_others_have_its_targets(together: Together) -> None:
    silent, other = together.a_process(), together.a_process()
    await all_look(silent, other)
    together.clock.pass_by(LIVES)
    assert not any(silent.has(target) for target in TARGETS)
    await other.look()
    assert all(other.has(target) for target in TARGETS)


async def test_time_in_which_none_lived_is_noted_by_the_next_one(together: Together) -> None:
    first = together.a_process()
    await first.look()
    begun = together.clock.now()
    assert first.gaps == []
    together.clock.pass_by(timedelta(hours=30))
    second = together.a_process()
    await second.look()
    assert second.gaps == [(begun, together.clock.now())]
    for _ in range(10):
        together.clock.pass_by(timedelta(seconds=3))
        await second.look()
    assert len(second.gaps) == 1
