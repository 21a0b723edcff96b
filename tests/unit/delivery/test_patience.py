"""When a copy is tried again, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.domain.patience import (
    OUT_OF_TIME,
    REFUSED,
    TRIES,
    Tried,
    allowed,
    begun,
    dead_for,
    tier_for,
    within,
)
from services.delivery.domain.verdicts import Verdict
from shared.bus.topology import TIERS
from shared.contracts.buses import TargetTerms
from shared.kernel.randomness import SystemRandom

RANDOM = SystemRandom(7)
TARGETS, COPYS = Verdict("target", "http_500"), Verdict("copy", "http_400")
NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)


def terms(**more: str) -> TargetTerms:
    return TargetTerms(webhook="https://bi.example/", **more)  # type: ignore[arg-type]


def tried(attempts: int, verdict: Verdict = TARGETS, *, refusals: int = 0, spent: float = 0) -> Tried:
    return Tried(verdict, attempts, refusals, timedelta(seconds=spent))


@pytest.mark.parametrize(
    ("attempts", "tiers"),
    [(1, {"1s"}), (2, {"1s", "5s"}), (3, {"5s", "30s"}), (4, {"30s", "2m"}), (5, {"2m", "10m"}), (6, {"10m", "1h"})],
)
def test_pauses_grow_with_the_tries(attempts: int, tiers: set[str]) -> None:
    assert {tier_for(tried(attempts), terms(), RANDOM) for _ in range(200)} == tiers


def test_after_that_an_hour_each_and_a_step_less_now_and_then() -> None:
    assert {tier_for(tried(n), terms(), RANDOM) for n in range(7, 200)} == {"10m", "1h"}


@pytest.mark.parametrize(("cap", "longest"), [("1s", "1s"), ("4s", "1s"), ("30s", "30s"), ("90s", "30s"), ("9d", "1h")])
def test_no_pause_is_longer_than_the_target_allows(cap: str, longest: str) -> None:
    assert allowed(terms(pause_cap=cap))[-1] == longest
    assert max(TIERS[tier_for(tried(n), terms(pause_cap=cap), RANDOM)] for n in range(1, 60)) == TIERS[longest]


@pytest.mark.parametrize(("seconds", "tier"), [(0, "1s"), (1, "1s"), (2, "5s"), (20, "30s"), (601, "1h"), (3600, "1h")])
def test_patience_that_is_asked_for_is_had(seconds: float, tier: str) -> None:
    assert tier_for(tried(1, Verdict("wait", "http_429", timedelta(seconds=seconds))), terms(), RANDOM) == tier


def test_a_copy_is_tried_six_times_for_a_fault_of_its_own() -> None:
    pause = timedelta(seconds=1)
    assert dead_for(tried(5, COPYS, refusals=TRIES - 1), terms(), pause) is None
    assert dead_for(tried(6, COPYS, refusals=TRIES), terms(), pause) == REFUSED
    assert dead_for(tried(99, TARGETS, refusals=TRIES), terms(), pause) is None


def test_a_copy_is_given_up_when_the_next_try_would_come_too_late() -> None:
    assert dead_for(tried(9, spent=86_390), terms(), timedelta(seconds=10)) is None
    assert dead_for(tried(9, spent=86_391), terms(), timedelta(seconds=10)) == OUT_OF_TIME
    assert dead_for(tried(9, spent=119), terms(retry_for="2m"), timedelta(seconds=5)) == OUT_OF_TIME


def test_time_in_gaps_does_not_count() -> None:
    def at(seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)

    gaps = [
        (at(95), at(300)),
        (at(-100), at(-50)),
        (at(-10), at(10)),
        (at(20), at(30)),
        (at(22), at(25)),
        (at(28), at(32)),
    ]
    assert within(gaps, NOW, at(100)) == timedelta(seconds=10 + 12 + 5)


def test_a_copys_time_begins_with_its_acceptance_its_first_try_where_it_is_sent_again_or_when_it_was_redriven() -> None:
    accepted, first = NOW - timedelta(days=3), NOW
    assert begun(accepted, first, redriven=None, again=False) == accepted
    assert begun(accepted, first, redriven=None, again=True) == first
    assert begun(None, first, redriven=None, again=False) == first
    assert begun(accepted, first, redriven=NOW - timedelta(hours=1), again=False) == NOW - timedelta(hours=1)
    assert begun(accepted, first, redriven=NOW - timedelta(hours=1), again=True) == NOW - timedelta(hours=1)
    for ahead in (timedelta(seconds=2), timedelta(days=400)):  # another process's clock
        assert begun(NOW + ahead, first, redriven=None, again=False) == first
        assert begun(accepted, first, redriven=NOW + ahead, again=False) == first
