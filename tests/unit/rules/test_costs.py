"""What rules may take is known before any event is there."""

import random
import sys
from typing import Any

import pytest

from shared.rules.costs import TooCostly, cost_of
from shared.rules.limits import BUS_COST, BUS_RULES, BUS_UNANCHORED, STEPS
from shared.rules.looking import Look
from shared.rules.matching import compiled
from shared.rules.parsing import parse
from shared.rules.pattern import Pattern
from tests.unit.rules.chance import a_pattern, some_events

CALLS_PER_UNIT = 5


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
        ({"a": [{"cidr": "10.0.0.0/8"}]}, 10),
        ({"a": [{"before": "2027-01-01T00:00:00Z"}, {"after": "2026-01-01T00:00:00Z"}]}, 19),
        ({"a": [{"anything-but": {"wildcard": ["*x", "*y"]}}]}, 20),
        ({"a": [{"equals-field": "/b/c/0"}]}, 5),
        ({"$or": [{"a": ["x"]}, {"b": ["x"]}]}, 6),
        ({"$not": {"a": ["x"]}}, 3),
        ({"$and": [{"a": ["x"]}]}, 3),
    ],
)
def test_nodes_lists_and_what_must_be_read_count(pattern: Any, cost: int) -> None:
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


def test_the_cost_and_what_is_spent_on_lists_bound_what_is_called() -> None:
    """`equals-field` takes the most calls."""
    with_lists = 0
    for seed in range(2_000):
        chance = random.Random(seed)
        events = some_events(chance, 3)
        pattern = parse(a_pattern(chance, events[0]))
        for event in events:
            calls, spent = _work(pattern, event)
            assert calls <= CALLS_PER_UNIT * (pattern.cost + spent), f"seed {seed}"
            with_lists += spent > 0
    assert with_lists > 500


@pytest.mark.parametrize(
    "pattern",
    [
        {"list": {f"f{number}": [1, {"exists": False}] for number in range(80)} | {"z": [1]}},
        {"list": [{"anything-but": {"wildcard": [f"*y{number}*" for number in range(99)] + ["x*"]}}]},
        {"list": [{"prefix": f"y{number}"} for number in range(100)]},
        {"list": {"$and": [{"$not": {"a": [{"exists": True}]}}] * 60, "b": [1]}},
    ],
    ids=lambda pattern: str(pattern)[:60],
)
def test_of_a_long_list_all_that_is_called_is_paid_for(pattern: Any) -> None:
    elements: tuple[Any, ...] = ("x", {})
    for element in elements:
        calls, spent = _work(parse(pattern), {"list": [element] * 300})
        assert calls <= CALLS_PER_UNIT * (parse(pattern).cost + spent)


def _work(pattern: Pattern, event: dict[str, Any]) -> tuple[int, int]:
    """Calls of functions of ours, and what was spent on lists and long texts."""
    clause, look, count = compiled(pattern), Look(event), 0

    def counted(frame: Any, happening: str, _: Any) -> None:
        nonlocal count
        count += happening == "call" and "shared/rules" in frame.f_code.co_filename

    sys.setprofile(counted)
    try:
        clause(event, look)
    finally:
        sys.setprofile(None)
    return count, STEPS - look.left
