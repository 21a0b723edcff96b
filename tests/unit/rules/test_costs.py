"""What rules may take is known before any event is there."""

import random
import sys
from typing import Any

import pytest

from shared.rules.costs import TooCostly, cost_of
from shared.rules.limits import BUS_COST, BUS_RULES, BUS_UNANCHORED
from shared.rules.looking import Look
from shared.rules.matching import compiled
from shared.rules.parsing import parse
from tests.unit.rules.chance import a_pattern, a_scalar, some_events

CALLS_PER_UNIT = 8


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ({"a": ["x"]}, 2),
        ({"a": ["x", "y", 1]}, 4),
        ({"a": {"b": ["x"]}}, 3),
        ({"a": [{"anything-but": ["x", "y"]}]}, 4),
        ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, 4),
        ({"a": [{"all-of": ["x", "y"]}]}, 4),
        ({"a": [{"wildcard": "*x*"}]}, 10),
        ({"a": [{"anything-but": {"wildcard": ["*x", "*y"]}}]}, 20),
        ({"a": [{"equals-field": "/b/c/0"}]}, 5),
        ({"$or": [{"a": ["x"]}, {"b": ["x"]}]}, 6),
        ({"$not": {"a": ["x"]}}, 3),
        ({"$and": [{"a": ["x"]}]}, 3),
    ],
)
def test_nodes_lists_and_wildcards_count(pattern: Any, cost: int) -> None:
    assert parse(pattern).cost == cost


def test_a_bus_has_a_cost_and_the_rule_beyond_it_a_name() -> None:
    rule = parse({"a": list(range(49))})
    rules = [(f"rule-{number}", rule) for number in range(BUS_COST // rule.cost)]
    assert cost_of(rules) == BUS_COST
    with pytest.raises(TooCostly) as error:
        cost_of([*rules, ("straw", parse({"a": [1]}))])
    assert (error.value.code, error.value.rule) == ("rule_too_costly", "straw")
    assert str(error.value) == "straw: costs 2, 5002 with those before it; a bus has 5000"


def test_a_bus_has_a_number_of_rules() -> None:
    rules = [(f"rule-{number}", parse({"a": [number]})) for number in range(BUS_RULES)]
    assert cost_of(rules) == 2 * BUS_RULES
    with pytest.raises(TooCostly) as error:
        cost_of([*rules, ("one more", parse({"a": [1]}))])
    assert (error.value.code, error.value.rule) == ("too_many_rules", "one more")


def test_a_bus_has_few_rules_that_are_tried_on_every_event() -> None:
    rules = [(f"rule-{number}", parse({"a": [{"prefix": "x"}]})) for number in range(BUS_UNANCHORED)]
    cost_of([*rules, ("anchored", parse({"a": ["x"]}))])
    with pytest.raises(TooCostly) as error:
        cost_of([*rules, ("one more", parse({"a": [{"suffix": "x"}]}))])
    assert (error.value.code, error.value.rule) == ("rule_without_anchor", "one more")


def test_the_cost_bounds_what_is_called_for_an_event_without_lists() -> None:
    """Moments take the most: two clocks are read for each."""
    for seed in range(2_000):
        chance = random.Random(seed)
        events = some_events(chance, 3)
        pattern = parse(a_pattern(chance, events[0]))
        for event in events:
            flat = {name: a_scalar(chance) if isinstance(value, list) else value for name, value in event.items()}
            if "[" not in str(flat):
                assert _calls(pattern, flat) <= CALLS_PER_UNIT * pattern.cost, f"seed {seed}"


def _calls(pattern: Any, event: dict[str, Any]) -> int:
    clause, look, count = compiled(pattern), Look(event), 0

    def counted(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call" and "shared/rules" in frame.f_code.co_filename

    sys.setprofile(counted)
    try:
        clause(event, look)
    finally:
        sys.setprofile(None)
    return count
