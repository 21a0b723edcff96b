"""What somebody may send, over several replicas on every engine."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.accepting.allowance import Allowances, Terms, spec
from tests.contract.store.conftest import Engine
from tests.kit.clock import HandClock

TERMS = Terms(rate=500.0, burst=2_000)
SECOND = timedelta(seconds=1)
LATER = datetime(2900, 1, 1, tzinfo=UTC)
"""After any day on which tests may run: MongoDB forgets by its own clock what has expired by ours."""


class Offered:
    """Two replicas in one time; `passed` is what each offer became, by its second."""

    def __init__(self, *replicas: tuple[Allowances, HandClock]) -> None:
        self.replicas = replicas
        self.passed: list[int] = []

    async def offer(self, seconds: int, per_second: int, cost: int = 1, steps: int = 20) -> None:
        for _ in range(seconds):
            passed = 0
            for _ in range(steps):
                asked = [
                    allowances.spend("coles", cost, TERMS)
                    for allowances, _ in self.replicas
                    for _ in range(per_second // cost // steps // len(self.replicas))
                ]
                passed += sum(cost for wait in await asyncio.gather(*asked) if wait == 0)
                for _, clock in self.replicas:
                    clock.pass_by(SECOND / steps)
            self.passed.append(passed)


async def _replicas(engine: Engine, *behind: float) -> Offered:
    opened = []
    for seconds in behind:
        _, (buckets,) = await engine.open(spec("allowances"))
        clock = HandClock(LATER)
        clock.pass_by(seconds=seconds)
        opened.append((Allowances(buckets, clock), clock))
    return Offered(*opened)


async def test_two_replicas_together_pass_what_one_may(engine: Engine) -> None:
    offered = await _replicas(engine, 0, 0)
    await offered.offer(4, 1_000)
    assert sum(offered.passed) == pytest.approx(2_000 + 4 * 500, rel=0.04), "the burst goes first"
    offered.passed.clear()
    await offered.offer(6, 1_000)
    assert all(480 <= passed <= 520 for passed in offered.passed), offered.passed


async def test_what_is_within_the_rate_always_passes(engine: Engine) -> None:
    offered = await _replicas(engine, 0, 0)
    await offered.offer(8, 400)
    assert offered.passed == [400] * 8


async def test_clocks_that_are_apart_give_no_more_than_the_time_between_them(engine: Engine) -> None:
    offered = await _replicas(engine, 0, 3, -3)
    await offered.offer(10, 1_500)
    assert sum(offered.passed) <= 2_000 + (10 + 6) * 500


async def test_batches_pass_whole_and_leave_no_more_unspent_than_one_needs(engine: Engine) -> None:
    offered = await _replicas(engine, 0)
    await offered.offer(12, 1_000, cost=100, steps=10)
    assert 2_000 + 11 * 500 - 200 <= sum(offered.passed) <= 2_000 + 12 * 500


async def test_whoever_waits_as_long_as_told_passes(engine: Engine) -> None:
    offered = await _replicas(engine, 0)
    ((allowances, clock),) = offered.replicas
    for cost in (2_000, 7, 300, 2_000):
        if wait := await allowances.spend("coles", cost, TERMS):
            clock.pass_by(seconds=wait + 0.002)  # the store's clock has milliseconds
            assert await allowances.spend("coles", cost, TERMS) == 0
    assert await allowances.spend("coles", 100, TERMS) > 0


async def test_what_costs_more_than_the_burst_is_nobodys(engine: Engine) -> None:
    offered = await _replicas(engine, 0)
    with pytest.raises(ValueError, match="burst"):
        await offered.replicas[0][0].spend("coles", 2_001, TERMS)


async def test_one_partners_flood_is_not_anothers(engine: Engine) -> None:
    offered = await _replicas(engine, 0)
    await offered.offer(5, 2_000)
    assert await offered.replicas[0][0].spend("woolies", 100, TERMS) == 0


async def test_no_history_passes_more_than_the_bucket_gives(engine: Engine) -> None:
    chance = random.Random(7)
    offered = await _replicas(engine, 0, 0, 0)
    passed, spent = 0, timedelta()
    for _ in range(150):
        allowances, _ = chance.choice(offered.replicas)
        cost = chance.choice([1, 10, 100, 700])
        passed += cost if await allowances.spend("coles", cost, TERMS) == 0 else 0
        step = SECOND * chance.choice([0, 0.01, 0.3])
        spent += step
        for _, clock in offered.replicas:
            clock.pass_by(step)
        assert passed <= TERMS.burst + TERMS.rate * (spent / SECOND) + 0.01
