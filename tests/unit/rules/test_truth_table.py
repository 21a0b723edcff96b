"""Every operator on every kind of value, as the table says; and where a value is at a limit, as is written here."""

from typing import Any

import pytest

from shared.rules.looking import MISSING
from shared.rules.matching import matches
from shared.rules.operators.parsing import OPERATORS
from shared.rules.parsing import parse
from tests.unit.rules import obvious
from tests.unit.rules.truth import VALUES, event_with, pattern_for, rows

ROWS = list(rows())


def id_of(value: Any) -> str:
    return "MISSING" if value is MISSING else repr(value)[:60]


@pytest.mark.parametrize(("wanted", "cells"), ROWS, ids=lambda value: id_of(value) if not _is_cells(value) else "")
def test_a_row_of_the_table_is_true_in_every_cell(wanted: Any, cells: dict[str, bool]) -> None:
    pattern = parse(pattern_for(wanted))
    assert {name: matches(pattern, event_with(VALUES[name])) for name in cells} == cells


@pytest.mark.parametrize(("wanted", "cells"), ROWS, ids=lambda value: id_of(value) if not _is_cells(value) else "")
def test_what_is_not_asked_for_is_the_row_turned_round(wanted: Any, cells: dict[str, bool]) -> None:
    pattern = parse({"$not": pattern_for(wanted)})
    assert {name: not matches(pattern, event_with(VALUES[name])) for name in cells} == cells


@pytest.mark.parametrize(("wanted", "cells"), ROWS, ids=lambda value: id_of(value) if not _is_cells(value) else "")
def test_the_obvious_judge_says_the_same(wanted: Any, cells: dict[str, bool]) -> None:
    assert {name: obvious.holds(pattern_for(wanted), event_with(VALUES[name])) for name in cells} == cells


def test_every_operator_has_a_row() -> None:
    written = {name for wanted, _ in ROWS if isinstance(wanted, dict) for name in wanted}
    assert written >= set(OPERATORS)


LIMITS: list[tuple[Any, Any, bool]] = [
    # numbers: integers to 64 bit, each as the number that it is
    (9007199254740993, 9007199254740993, True),
    (9007199254740993, 9007199254740992, False),
    (9007199254740993, 9007199254740992.0, False),
    (9007199254740992, 9007199254740992.0, True),
    (18446744073709551615, 18446744073709551615, True),
    ({"numeric": [">", 9007199254740992]}, 9007199254740993, True),
    ({"numeric": [">", 9007199254740992.0]}, 9007199254740993, True),
    ({"numeric": ["<", 9007199254740993]}, 9007199254740992.0, True),
    ({"numeric": ["=", 0.1]}, 0.1, True),
    ({"numeric": ["=", 0.3]}, 0.1 + 0.2, False),
    ({"anything-but": 9007199254740993}, 9007199254740992.0, True),
    ({"numeric": [">=", 1, "<=", 1]}, 1.0, True),
    ({"numeric": [">=", 0]}, -0.0, True),
    (0, -0.0, True),
    (1, float("nan"), False),
    ({"numeric": [">=", 0]}, float("nan"), False),
    ({"anything-but": 1}, float("nan"), True),
    (False, 0, False),
    (0, False, False),
    # strings: by code point; case by full folding
    ("\u00e9", "e\u0301", False),
    ({"equals-ignore-case": "STRASSE"}, "stra\u00dfe", True),
    ({"equals-ignore-case": "\u03a3"}, "\u03c2", True),
    ({"prefix": {"equals-ignore-case": "\u0130"}}, "i\u0307stanbul", True),
    ({"suffix": {"equals-ignore-case": "\u00df"}}, "GRUSS", True),
    ({"size": ["=", 1]}, "\U0001f6eb", True),
    ({"size": ["=", 2]}, "e\u0301", True),
    ({"suffix": ""}, "x", True),
    ({"prefix": "xx"}, "x", False),
    # wildcards
    ({"wildcard": "a*b*c"}, "abc", True),
    ({"wildcard": "a*b*c"}, "a-b-b-c", True),
    ({"wildcard": "a*b*c"}, "acb", False),
    ({"wildcard": "ab*ba"}, "aba", False),
    ({"wildcard": "ab*ba"}, "abba", True),
    ({"wildcard": "*ab*"}, "xxaby", True),
    ({"wildcard": "*ab*ab*"}, "xabx", False),
    ({"wildcard": "a*bc*c"}, "abc", False),
    ({"wildcard": "*x*y*"}, "xyx", True),
    ({"wildcard": "abc"}, "abc", True),
    ({"wildcard": "abc"}, "abcd", False),
    ({"wildcard": "a\\*b"}, "a*b", True),
    ({"wildcard": "a\\*b"}, "axb", False),
    ({"wildcard": "a\\\\*"}, "a\\b", True),
    ({"wildcard": "a\\\\*"}, "a*b", False),
    ({"wildcard": "\\**\\*"}, "*x*", True),
    ({"wildcard": "a*b"}, "a\nb", True),
    ({"wildcard": "a.*"}, "abc", False),
    # addresses
    ({"cidr": "10.0.0.0/8"}, "11.0.0.0", False),
    ({"cidr": "10.0.0.0/8"}, "10.255.255.255", True),
    ({"cidr": "10.0.0.0/8"}, "010.0.0.1", False),
    ({"cidr": "10.0.0.0/8"}, "10.0.0.1/8", False),
    ({"cidr": "10.0.0.0/8"}, "::ffff:10.0.0.1", False),
    ({"cidr": "0.0.0.0/0"}, "::1", False),
    ({"cidr": "2001:db8::/32"}, "2001:DB8:0:0::7", True),
    ({"cidr": "fe80::/10"}, "fe80::1%eth0", False),
    # moments: to the last digit of the fraction, over time zones
    ({"before": "2027-01-01T00:00:00Z"}, "2027-01-01T00:59:59+01:00", True),
    ({"before": "2027-01-01T00:00:00Z"}, "2027-01-01T01:00:00+01:00", False),
    ({"after": "2027-01-01T00:00:00Z"}, "2026-12-31t23:00:01-01:00", True),
    ({"after": "2027-01-01T00:00:00.1Z"}, "2027-01-01T00:00:00.10000000001z", True),
    ({"after": "2027-01-01T00:00:00.1Z"}, "2027-01-01T00:00:00.100Z", False),
    ({"before": "2027-01-01T00:00:00.5Z"}, "2027-01-01T00:00:00.49Z", True),
    ({"after": "2016-12-31T23:59:59.9Z"}, "2016-12-31T23:59:60Z", True),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-29T00:00:00Z", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T24:00:00Z", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:60:00Z", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:00:61Z", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:00:00+24:00", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:00:00", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28", False),
    ({"before": "2027-01-01T00:00:00Z"}, "0000-02-28T00:00:00Z", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:00:00Z\n", False),
    ({"before": "2027-01-01T00:00:00Z"}, "2026-02-28T23:00:00." + "1" * 100 + "Z", False),
    # pointers
    ({"equals-field": "/c~1d~0"}, "x", True),
    ({"equals-field": "/list/00"}, "x", False),
    ({"equals-field": "/list/2"}, "x", False),
    # lists of the list itself, or of its elements
    ({"size": ["=", 2]}, [["x"], []], True),
    ({"size": ["<", 1]}, [[]], False),
    ({"size": ["=", 1]}, ["ab", "a"], False),
    ({"all-of": ["x"]}, [["x"]], False),
    ({"all-of": [1]}, [True], False),
    ({"all-of": [1, 1.0]}, [1], True),
    ("x", [[[["y", ["x"]]]]], True),
    ({"anything-but": "x"}, ["x", ["x", "y"]], True),
    ({"exists": True}, [], True),
]


@pytest.mark.parametrize(("test", "value", "verdict"), LIMITS, ids=id_of)
def test_a_value_at_the_limit_is_judged_as_written_here(test: Any, value: Any, verdict: bool) -> None:
    assert matches(parse({"f": [test]}), event_with(value)) is verdict


def test_one_object_of_a_list_satisfies_all_of_a_pattern() -> None:
    pattern = parse({"lines": {"sku": ["milk"], "amount": [{"numeric": [">", 2]}]}})
    milk, bread = {"sku": "milk", "amount": 1}, {"sku": "bread", "amount": 3}
    assert not matches(pattern, {"lines": [milk, bread]})
    assert matches(pattern, {"lines": [bread, milk | {"amount": 3}]})
    assert matches(pattern, {"lines": [[bread], [[milk | {"amount": 3}]]]})


def test_what_is_asked_of_an_object_of_a_list_is_asked_of_that_object_alone() -> None:
    pattern = parse({"lines": {"sku": ["milk"], "$not": {"promo": [True]}, "$or": [{"a": [1]}, {"b": [1]}]}})
    assert matches(pattern, {"lines": [{"sku": "bread", "promo": True}, {"sku": "milk", "b": 1}]})
    assert not matches(pattern, {"lines": [{"sku": "milk", "promo": True, "a": 1}, {"sku": "bread", "a": 1}]})
    assert not matches(pattern, {"lines": [{"sku": "milk"}, {"a": 1}]})


def test_names_are_literal_also_with_dots() -> None:
    pattern = parse({"a.b": [1], "c/d~": [2], "": [3]})
    assert matches(pattern, {"a.b": 1, "c/d~": 2, "": 3})
    assert not matches(pattern, {"a": {"b": 1}, "c/d~": 2, "": 3})


def _is_cells(value: Any) -> bool:
    return isinstance(value, dict) and "none" in value
