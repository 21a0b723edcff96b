"""One event, many rules: few are tried, none is missed."""

from typing import Any

import pytest

from shared.rules.index import Index
from shared.rules.limits import STEPS
from shared.rules.looking import TooMuchWork
from shared.rules.parsing import parse


def index_of(*patterns: Any) -> Index[int]:
    return Index((number, parse(pattern)) for number, pattern in enumerate(patterns))


def anchors(*patterns: Any) -> list[str | None]:
    return [anchor for _, anchor in index_of(*patterns).anchors]


def test_only_the_rules_of_an_events_type_are_tried() -> None:
    index = index_of(*({"type": [f"t{number % 50}"], "data": {"n": [{"numeric": [">", 5]}]}} for number in range(500)))
    event = {"type": "t7", "data": {"n": 6}}
    assert index.candidates(event) == index.match(event) == [7 + 50 * times for times in range(10)]
    assert index.match({"type": "t7", "data": {"n": 5}}) == []
    assert index.candidates({"type": "other"}) == []


def test_a_rule_is_filed_under_its_rarest_values() -> None:
    of_stores = [{"type": ["receipt"], "data": {"store": [f"s{number}"]}} for number in range(20)]
    assert anchors(*of_stores, {"type": ["receipt"]}) == ["/data/store"] * 20 + ["/type"]


def test_a_path_of_its_own_is_worth_no_look_up() -> None:
    of_types = [{"type": [f"t{number}"], "data": {f"f{number}": ["x"]}} for number in range(20)]
    assert anchors(*of_types) == ["/type"] * 20


@pytest.mark.parametrize(
    ("pattern", "anchor"),
    [
        ({"a": ["x", 1, None]}, "/a"),
        ({"a": {"b": {"c/d": ["x"]}}}, "/a/b/c~1d"),
        ({"$and": [{"b": [{"prefix": "x"}]}, {"a": ["x"]}]}, "/a"),
        ({"$or": [{"a": ["x"]}, {"a": ["y"], "b": ["z"]}]}, "/a"),
        ({"a": {"$or": [{"b": ["x"]}, {"b": ["y"]}]}}, "/a/b"),
        ({"a": [{"all-of": ["x", "y"]}]}, "/a"),
        ({"$or": [{"a": ["x"]}, {"b": ["x"]}]}, None),
        ({"$not": {"a": ["x"]}}, None),
        ({"a": ["x", {"prefix": "y"}]}, None),
        ({"a": ["x", {"exists": False}]}, None),
        ({"a": [{"anything-but": "x"}]}, None),
        ({"a": [{"equals-ignore-case": "x"}]}, None),
    ],
)
def test_an_anchor_is_a_value_without_which_nothing_matches(pattern: Any, anchor: str | None) -> None:
    assert anchors(pattern) == [anchor]


def test_rules_without_an_anchor_are_tried_on_every_event() -> None:
    index = index_of({"a": ["x"]}, {"a": [{"exists": False}]}, {"b": [{"prefix": "x"}]})
    assert index.unanchored == [1, 2]
    assert index.candidates({}) == [1, 2]
    assert index.match({}) == [1]


def test_rules_are_told_in_their_order_and_once() -> None:
    index = index_of({"a": [{"exists": True}]}, {"a": ["y", "x"]}, {"b": ["x"]}, {"a": ["x"]})
    assert index.match({"a": ["x", "y", ["x"]], "b": ["x", "x"]}) == [0, 1, 2, 3]


def test_true_one_and_its_spelling_are_three_values() -> None:
    index = index_of({"a": [True]}, {"a": [1]}, {"a": ["1"]}, {"a": [None]}, {"a": [1.0]})
    assert index.match({"a": True}) == [0]
    assert index.match({"a": 1}) == index.match({"a": 1.0}) == [1, 4]
    assert index.match({"a": "1"}) == [2]
    assert index.match({"a": None}) == [3]
    assert index.match({}) == []


def test_an_anchor_is_found_through_lists() -> None:
    index = index_of({"lines": {"sku": ["milk"], "amount": [1]}}, {"lines": {"sku": ["bread"]}})
    event = {"lines": [[{"sku": ["tea", "milk"], "amount": 1}], {"sku": "tea"}, "milk", None]}
    assert index.match(event) == [0]


def test_one_index_serves_live_rules_and_shadow_rules() -> None:
    rules = [(("live", "a"), parse({"type": ["x"]})), (("shadow", "a"), parse({"type": ["x"], "n": [1]}))]
    assert Index(rules).match({"type": "x", "n": 1}) == [("live", "a"), ("shadow", "a")]
    assert Index(rules).match({"type": "x", "n": 2}) == [("live", "a")]


def test_an_index_without_rules_matches_nothing() -> None:
    assert Index[str]([]).match({"type": "x"}) == []


def test_lists_too_long_for_the_rules_end_in_no_verdict_instead_of_no_time() -> None:
    index = index_of(*({"list": [{"prefix": f"x{number}"}]} for number in range(50)))
    long_enough = STEPS // 50
    assert index.match({"list": ["y"] * long_enough}) == []
    with pytest.raises(TooMuchWork):
        index.match({"list": ["y"] * (long_enough + 1)})


def test_lists_inside_lists_may_be_deeper_than_python_calls() -> None:
    deep: Any = ["x"]
    for _ in range(100_000):
        deep = [deep]
    assert index_of({"a": ["x"]}, {"a": {"b": [1]}}, {"a": [{"prefix": "y"}]}).match({"a": deep}) == [0]


def test_long_texts_count_as_work() -> None:
    index = index_of(*({"a": [{"wildcard": f"*{number}*x*"}]} for number in range(40)))
    with pytest.raises(TooMuchWork):
        index.match({"a": "y" * (STEPS // 2)})
