"""Random rules on random events: the compiled rule, its explanation and the index, beside the obvious judge."""

import random
from typing import Any

import pytest

from shared.rules.explaining import Finding, explain
from shared.rules.index import Index
from shared.rules.matching import matches
from shared.rules.parsing import parse
from tests.unit.rules import obvious
from tests.unit.rules.chance import a_pattern, some_events

SEEDS = 10_000
SHARES = 5
EVENTS = 5
MANY = 1_000
RULES = 12


class Differs(Exception):
    """Two judges disagree."""


def judge(seed: int) -> int:
    """One rule on some events, by all judges; how many match. Raises Differs."""
    chance = random.Random(seed)
    events = some_events(chance, EVENTS)
    data = a_pattern(chance, events[0])
    pattern = parse(data)
    if parse(pattern.data).data != pattern.data:
        raise Differs(f"{data} is not what it is written as")
    found = 0
    for event in events:
        expected = obvious.holds(data, event)
        if matches(pattern, event) is not expected:
            raise Differs(f"{data} on {event}: {not expected}")
        finding = explain(pattern, event)
        if finding.holds is not expected:
            raise Differs(f"{data} on {event} is explained as {not expected}")
        for reason in finding.decided():
            _check_reason(reason, data, event)
        found += expected
    return found


def _check_reason(reason: Finding, data: Any, event: dict[str, Any]) -> None:
    """It tells what stands in the event, and what its tests say of that."""
    value = obvious.at(event, reason.at)
    if any(obvious.test_holds(test, value, event) for test in reason.wanted) is not reason.holds:
        raise Differs(f"{data} on {event}: {reason}")
    if reason.found.told and reason.found.value != value:
        raise Differs(f"{data} on {event}: {reason.found} at {reason.at}")


def judge_many(seed: int) -> tuple[int, int]:
    """Some rules on some events, by the index; how many pairs were tried, and how many match. Raises Differs."""
    chance = random.Random(seed)
    events = some_events(chance, EVENTS)
    rules = [(number, parse(a_pattern(chance, events[0]))) for number in range(RULES)]
    index = Index(rules)
    tried = found = 0
    for event in events:
        expected = [number for number, pattern in rules if obvious.holds(pattern.data, event)]
        if index.match(event) != expected:
            raise Differs(f"{index.match(event)} instead of {expected} on {event}")
        tried += len(index.candidates(event))
        found += len(expected)
    return tried, found


@pytest.mark.parametrize("share", range(SHARES))
def test_a_compiled_rule_and_its_explanation_judge_as_the_obvious_way_does(share: int) -> None:
    matched = 0
    for seed in range(share * SEEDS // SHARES, (share + 1) * SEEDS // SHARES):
        try:
            matched += judge(seed)
        except Exception as wrong:  # noqa: BLE001 - a fault of the rules' own is to be told by its seed as well
            pytest.fail(f"judge({seed}): {wrong!r}")
    assert 0.15 < matched / (SEEDS / SHARES * EVENTS) < 0.9, "most verdicts are the same: little is tried"


def test_no_match_is_lost_for_an_anchor() -> None:
    tried = found = 0
    pairs = MANY * RULES * EVENTS
    for seed in range(MANY):
        try:
            of_seed = judge_many(seed)
        except Exception as wrong:  # noqa: BLE001 - as above
            pytest.fail(f"judge_many({seed}): {wrong!r}")
        tried, found = tried + of_seed[0], found + of_seed[1]
    assert found < tried < 0.9 * pairs, "the index leaves nothing out"
