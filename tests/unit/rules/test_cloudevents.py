"""Subscription filters keep their meaning in our language, and ours in theirs, or are refused by name."""

import random
from typing import Any

import pytest

from shared.rules.cloudevents import EVERYTHING, from_filters, to_filters
from shared.rules.conversions import Inexpressible
from shared.rules.documents import document_of
from shared.rules.faults import Invalid
from shared.rules.matching import matches
from shared.rules.parsing import parse

SEEDS = 4_000
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "A234",
    "type": "com.github.push",
    "source": "/cloudevents/spec",
    "subject": "https://github.com/cloudevents/spec",
    "partitionkey": "17",
    "attempt": 17,
    "final": True,
    "data": {"type": "other"},
}

CORPUS: list[tuple[Any, bool]] = [
    ([], True),
    ([{"exact": {"type": "com.github.push", "subject": "https://github.com/cloudevents/spec"}}], True),
    ([{"exact": {"type": "com.github.push", "subject": "other"}}], False),
    ([{"exact": {"type": "COM.github.push"}}], False),
    ([{"prefix": {"type": "com.github.", "subject": "https://github.com/cloudevents"}}], True),
    ([{"suffix": {"type": ".push", "subject": "/cloudevents/spec"}}], True),
    ([{"suffix": {"type": ".created"}}], False),
    ([{"all": [{"exact": {"type": "com.github.push"}}, {"prefix": {"source": "/cloud"}}]}], True),
    ([{"any": [{"exact": {"type": "other"}}, {"exact": {"id": "A234"}}]}], True),
    ([{"any": [{"exact": {"type": "other"}}]}], False),
    ([{"not": {"exact": {"type": "com.github.push"}}}], False),
    ([{"not": {"exact": {"dataschema": "x"}}}], True),
    ([{"exact": {"type": "com.github.push"}}, {"not": {"suffix": {"source": "x"}}}], True),
    ([{"exact": {"partitionkey": "17"}}], True),
    ([{"prefix": {"partitionkey": "1"}}], True),
    ([{"exact": {"attempt": "17"}}], True),
    ([{"exact": {"attempt": "017"}}], False),
    ([{"exact": {"final": "true"}}], True),
    ([{"exact": {"final": "True"}}], False),
    ([{"prefix": {"attempt": "17."}}], False),
    ([{"exact": {"extensions": "x"}}], False),
    ([{"exact": {"partner": "coles"}}], False),
]
"""After the examples of the specification, and what extension attributes add to them."""


def as_ours(event: dict[str, Any]) -> dict[str, Any]:
    return document_of(event, "coles")


def theirs(filters: Any, event: dict[str, Any]) -> bool:
    """The specification, word by word."""
    return all(_one(dialect, told, event) for each in filters for dialect, told in each.items())


def _one(dialect: str, told: Any, event: dict[str, Any]) -> bool:
    match dialect:
        case "all":
            return theirs(told, event)
        case "any":
            return any(theirs([each], event) for each in told)
        case "not":
            return not theirs([told], event)
    written = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in event.items()}
    return all(name in written and _compared(dialect, written[name], text) for name, text in told.items())


def _compared(dialect: str, value: str, text: str) -> bool:
    return (
        value == text if dialect == "exact" else value.startswith(text) if dialect == "prefix" else value.endswith(text)
    )


@pytest.mark.parametrize(("filters", "verdict"), CORPUS, ids=lambda value: str(value)[:80])
def test_filters_of_theirs_give_their_verdict(filters: Any, verdict: bool) -> None:
    assert matches(parse(from_filters(filters).data), as_ours(EVENT)) is verdict
    assert theirs(filters, EVENT) is verdict


@pytest.mark.parametrize(
    ("filters", "pointer", "found"),
    [
        ([{"sql": "source LIKE '%cloudevents%'"}], "/0/sql", "'sql'"),
        (
            [{"exact": {"id": "x"}}, {"not": {"https://example.com/mine": {}}}],
            "/1/not/https:~1~1example.com~1mine",
            "'https://example.com/mine'",
        ),
        ([{"prefix": {"attempt": "1"}}], "/0/prefix/attempt", "'1'"),
        ([{"prefix": {"attempt": "-"}}], "/0/prefix/attempt", "'-'"),
        ([{"suffix": {"attempt": "7"}}], "/0/suffix/attempt", "'7'"),
        ([{"prefix": {"final": "tr"}}], "/0/prefix/final", "'tr'"),
        ([{"suffix": {"final": "e"}}], "/0/suffix/final", "'e'"),
    ],
)
def test_what_ours_has_no_words_for_is_refused_by_name(filters: Any, pointer: str, found: str) -> None:
    with pytest.raises(Inexpressible) as error:
        from_filters(filters)
    assert [(fault.pointer, fault.found) for fault in error.value.faults] == [(pointer, found)]


@pytest.mark.parametrize(
    ("filters", "pointer", "expected"),
    [
        ({}, "", "a list of filters"),
        ([5], "/0", "an object with one dialect"),
        ([{"exact": {"type": "x"}, "prefix": {"type": "x"}}], "/0", "an object with one dialect"),
        ([{"exact": {}}], "/0/exact", "an object of attributes"),
        ([{"exact": {"type": ""}}], "/0/exact/type", "a string that is not empty"),
        ([{"exact": {"type": 5}}], "/0/exact/type", "a string that is not empty"),
        ([{"exact": {"": "x"}}], "/0/exact/", "the name of an attribute"),
        ([{"exact": {"data": "x"}}], "/0/exact/data", "the name of an attribute"),
        ([{"exact": {"Type": "x"}}], "/0/exact/Type", "the name of an attribute"),
        ([{"all": []}], "/0/all", "a list of at least one filter"),
        ([{"any": {"exact": {"type": "x"}}}], "/0/any", "a list of at least one filter"),
        ([{"not": [{"exact": {"type": "x"}}]}], "/0/not", "an object with one dialect"),
    ],
)
def test_what_is_no_filter_is_told_by_its_pointer(filters: Any, pointer: str, expected: str) -> None:
    with pytest.raises(Invalid) as error:
        from_filters(filters)
    assert not isinstance(error.value, Inexpressible)
    assert [(fault.pointer, fault.expected) for fault in error.value.faults] == [(pointer, expected)]


@pytest.mark.parametrize(
    ("pattern", "filters"),
    [
        (EVERYTHING, []),
        ({"type": ["x"]}, [{"exact": {"type": "x"}}]),
        ({"type": ["x", {"prefix": "y"}]}, [{"any": [{"exact": {"type": "x"}}, {"prefix": {"type": "y"}}]}]),
        (
            {"type": ["x"], "$not": {"subject": [{"suffix": "y"}]}},
            [{"exact": {"type": "x"}}, {"not": {"suffix": {"subject": "y"}}}],
        ),
        (
            {"$or": [{"type": ["x"], "id": ["y"]}, {"$and": [{"id": ["z"]}]}]},
            [{"any": [{"all": [{"exact": {"type": "x"}}, {"exact": {"id": "y"}}]}, {"exact": {"id": "z"}}]}],
        ),
        (
            {"type": [{"anything-but": ["x", "y"]}]},
            [{"not": {"any": [{"exact": {"type": "x"}}, {"exact": {"type": "y"}}]}}],
        ),
        (
            {"extensions": {"attempt": [5, "5"], "partitionkey": ["5"]}},
            [{"all": [{"exact": {"attempt": "5"}}, {"exact": {"partitionkey": "5"}}]}],
        ),
        (
            {"$or": [{"extensions": {"final": ["true", True]}}, {"id": ["x"]}]},
            [{"any": [{"exact": {"final": "true"}}, {"exact": {"id": "x"}}]}],
        ),
    ],
)
def test_what_theirs_can_say_is_said(pattern: Any, filters: Any) -> None:
    assert to_filters(parse(pattern)).data == filters


@pytest.mark.parametrize(
    ("pattern", "pointer"),
    [
        ({"data": {"a": ["x"]}}, "/data"),
        ({"partner": ["coles"]}, "/partner"),
        ({"type": [""]}, "/type"),
        ({"type": [5]}, "/type"),
        ({"type": [{"exists": True}]}, "/type/0"),
        ({"type": ["x", {"wildcard": "x*"}]}, "/type/1"),
        ({"type": [{"prefix": {"equals-ignore-case": "x"}}]}, "/type/0"),
        ({"type": [{"prefix": ""}]}, "/type/0"),
        ({"subject": [{"anything-but": "x"}]}, "/subject/0"),
        ({"extensions": {"attempt": [5]}}, "/extensions/attempt"),
        ({"extensions": {"attempt": ["5"]}}, "/extensions/attempt"),
        ({"extensions": {"attempt": [None]}}, "/extensions/attempt"),
        ({"extensions": {"attempt": [{"prefix": "5"}]}}, "/extensions/attempt/0"),
        ({"extensions": {"a": {"b": ["x"]}}}, "/extensions/a"),
        ({"extensions": [{"exists": True}]}, "/extensions"),
        ({"$and": [{"type": ["x"]}, {"$not": {"data": {"a": ["x"]}}}]}, "/$and/1/$not/data"),
    ],
)
def test_what_theirs_has_no_words_for_is_refused_by_name(pattern: Any, pointer: str) -> None:
    with pytest.raises(Inexpressible) as error:
        to_filters(parse(pattern))
    assert [fault.pointer for fault in error.value.faults] == [pointer]


NAMES = ("type", "subject", "partitionkey", "attempt", "final")
TEXTS = ("x", "xy", "y", "5", "-5", "17", "true", "yx", "0")


def some_filters(chance: random.Random, depth: int = 3) -> list[Any]:
    return [a_filter(chance, depth) for _ in range(chance.choice((1, 1, 2)))]


def a_filter(chance: random.Random, depth: int) -> Any:
    dialect = chance.choice(
        ("exact", "exact", "prefix", "suffix", "all", "any", "not") if depth else ("exact", "prefix")
    )
    if dialect in {"all", "any"}:
        return {dialect: some_filters(chance, depth - 1)}
    if dialect == "not":
        return {dialect: a_filter(chance, depth - 1)}
    return {dialect: {name: chance.choice(TEXTS) for name in chance.sample(NAMES, chance.choice((1, 1, 2)))}}


def an_event(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "x", "type": chance.choice(TEXTS)}
    values: dict[str, tuple[Any, ...]] = {
        "subject": TEXTS,
        "partitionkey": TEXTS,
        "attempt": (5, -5, 17, 0, *TEXTS),
        "final": (True, False, *TEXTS),
    }
    return found | {name: chance.choice(each) for name, each in values.items() if chance.random() < 0.8}


def test_random_filters_mean_the_same_there_and_back_on_random_events() -> None:
    compared = matched = 0
    for seed in range(SEEDS):
        chance = random.Random(seed)
        filters = some_filters(chance)
        try:
            ours = parse(from_filters(filters).data)
        except Inexpressible:
            continue
        back = to_filters(ours).data
        for _ in range(4):
            event = an_event(chance)
            verdict = theirs(filters, event)
            assert matches(ours, as_ours(event)) is verdict, f"seed {seed}: {filters} on {event}"
            assert theirs(back, event) is verdict, f"seed {seed}: {filters}, {back} on {event}"
            compared, matched = compared + 1, matched + verdict
    assert compared > SEEDS
    assert 0.1 * compared < matched < 0.9 * compared
