"""When an endpoint is left alone: known histories, and random ones against the rule as it is written."""

from random import Random

import pytest

from services.delivery.domain.breaker import Breaker, Phase


def heard(breaker: Breaker, *faults: bool, at: float = 0.0, apart: float = 0.1) -> float:
    for fault in faults:
        breaker.heard(at, fault=fault)
        at += apart
    return at


def test_it_opens_at_five_faults_in_a_row() -> None:
    breaker = Breaker()
    at = heard(breaker, *[True] * 4, False, *[True] * 4)
    assert breaker.phase(at) == "closed"
    heard(breaker, True, at=at)
    assert breaker.phase(at) == "open"


def test_it_opens_when_half_of_twenty_were_faults() -> None:
    breaker = Breaker()
    at = heard(breaker, *[True, False] * 9, True)
    assert breaker.phase(at) == "closed"
    at = heard(breaker, False, at=at)
    assert breaker.phase(at) == "open"


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    breaker = Breaker()
    heard(breaker, *[True, False] * 9, True, apart=0.01)
    heard(breaker, False, at=60.5)
    assert breaker.phase(60.5) == "closed"


def test_pauses_between_probes_grow_to_five_minutes_and_a_success_closes_it() -> None:
    breaker = Breaker()
    at = heard(breaker, *[True] * 5, apart=0)
    pauses = []
    for _ in range(9):
        begun = at
        while breaker.phase(at) == "open":
            at += 0.5
        pauses.append(at - begun)
        breaker.heard(at, fault=True, probe=True)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    at += 300
    breaker.heard(at, fault=False, probe=True)
    assert (breaker.phase(at), breaker.closed_at) == ("closed", at)
    heard(breaker, *[True] * 5, at=at, apart=0)
    assert (breaker.phase(at + 4.9), breaker.phase(at + 5)) == ("open", "probe")


def test_what_was_under_way_when_it_opened_says_nothing() -> None:
    breaker = Breaker()
    at = heard(breaker, *[True] * 5, apart=0)
    breaker.heard(at + 6, fault=False)
    breaker.heard(at + 6, fault=True)
    assert breaker.phase(at + 6) == "probe"


@pytest.mark.parametrize("seed", range(200))
def test_any_history_is_judged_as_the_rule_says(seed: int) -> None:
    random, breaker = Random(seed), Breaker()
    share, now = random.random(), 0.0
    tries: list[tuple[float, bool]] = []
    opened_at: float | None = None
    pause = 5.0
    for _ in range(400):
        now += random.choice((0.0, 0.5, 3.0, 20.0, 70.0)) * random.random()
        expected: Phase = "closed" if opened_at is None else "open" if now < opened_at + pause else "probe"
        assert breaker.phase(now) == expected
        fault, probe = random.random() < share, expected == "probe" and random.random() < 0.8
        breaker.heard(now, fault=fault, probe=probe)
        if opened_at is not None:
            if probe and fault:
                opened_at, pause = now, min(pause * 2, 300)
            elif probe:
                opened_at, tries = None, []
            continue
        tries.append((now, fault))
        minute = [each for at, each in tries if at > now - 60]
        if (all(each for _, each in tries[-5:]) and len(tries) >= 5) or (
            len(minute) >= 20 and 2 * sum(minute) >= len(minute)
        ):
            opened_at, pause = now, 5.0
