"""Whoever writes a rule wrongly is told where, and what should stand there."""

from typing import Any

import pytest

from shared.rules.faults import Invalid
from shared.rules.limits import FAULTS, PATTERN_BYTES, PATTERN_DEPTH, TESTS
from shared.rules.parsing import parse
from shared.rules.reading import from_json

NETWORK = "a network such as 10.0.0.0/8 or 2001:db8::/32, no bits behind its mask"
WRONG: list[tuple[str, str, str]] = [
    ("[]", "", "an object with at least one field"),
    ("{}", "", "an object with at least one field"),
    ('{"a": {}}', "/a", "an object with at least one field"),
    ('{"a": "x"}', "/a", "a list of tests, or an object for a pattern"),
    ('{"a": []}', "/a", f"a list of 1 to {TESTS}"),
    ('{"a": [["x"]]}', "/a/0", "a string, number, true, false or null"),
    ('{"a": ["x", {}]}', "/a/1", "an object with one operator"),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "/a/0", "an object with one operator"),
    ('{"$nor": [{"a": [1]}, {"a": [2]}]}', "/$nor", "a field, or one of $and, $or, $not"),
    ('{"a": {"$x": [1]}}', "/a/$x", "a field, or one of $and, $or, $not"),
    ('{"$or": [{"a": [1]}]}', "/$or", f"a list of 2 to {TESTS}"),
    ('{"$or": {"a": [1]}}', "/$or", f"a list of 2 to {TESTS}"),
    ('{"$and": []}', "/$and", f"a list of 1 to {TESTS}"),
    ('{"$not": [{"a": [1]}]}', "/$not", "an object with at least one field"),
    ('{"$and": [{"a": [1]}, 5]}', "/$and/1", "an object with at least one field"),
    ('{"a": [{"prefix": 5}]}', "/a/0/prefix", "a string"),
    ('{"a": [{"prefix": {"suffix": "x"}}]}', "/a/0/prefix", "a string, or an object with equals-ignore-case"),
    ('{"a": [{"suffix": {"equals-ignore-case": null}}]}', "/a/0/suffix/equals-ignore-case", "a string"),
    ('{"a": [{"equals-ignore-case": ["x"]}]}', "/a/0/equals-ignore-case", "a string"),
    ('{"a": [{"wildcard": "a**b"}]}', "/a/0/wildcard", "no two `*` in a row"),
    ('{"a": [{"wildcard": "**"}]}', "/a/0/wildcard", "no two `*` in a row"),
    ('{"a": [{"wildcard": "a\\\\b"}]}', "/a/0/wildcard", "behind a `\\` a `*` or another `\\`"),
    ('{"a": [{"wildcard": "a\\\\"}]}', "/a/0/wildcard", "behind a `\\` a `*` or another `\\`"),
    ('{"a": [{"wildcard": "*a*a*a*a*a*"}]}', "/a/0/wildcard", "at most 5 `*`"),
    ('{"a": [{"anything-but": []}]}', "/a/0/anything-but", f"a list of 1 to {TESTS}"),
    ('{"a": [{"anything-but": [1, "x"]}]}', "/a/0/anything-but", "scalars of one kind"),
    ('{"a": [{"anything-but": [[1]]}]}', "/a/0/anything-but/0", "a string, number, true, false or null"),
    (
        '{"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}',
        "/a/0/anything-but",
        "a scalar, a list of them, or one of prefix, suffix, equals-ignore-case, wildcard",
    ),
    ('{"a": [{"anything-but": {"prefix": ["x", 5]}}]}', "/a/0/anything-but/prefix/1", "a string"),
    ('{"a": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]}', "/a/0/anything-but/prefix", "a string"),
    ('{"a": [{"numeric": 5}]}', "/a/0/numeric", "[comparison, number], or a lower and an upper one"),
    ('{"a": [{"numeric": [">", 1, "<"]}]}', "/a/0/numeric", "[comparison, number], or a lower and an upper one"),
    ('{"a": [{"numeric": ["!=", 1]}]}', "/a/0/numeric/0", "one of = < <= > >="),
    ('{"a": [{"numeric": [">", "1"]}]}', "/a/0/numeric/1", "a number"),
    ('{"a": [{"numeric": [">", true]}]}', "/a/0/numeric/1", "a number"),
    ('{"a": [{"numeric": ["<", 5, ">", 1]}]}', "/a/0/numeric", "a lower limit (> or >=), then an upper one (< or <=)"),
    ('{"a": [{"numeric": ["=", 5, "<", 9]}]}', "/a/0/numeric", "a lower limit (> or >=), then an upper one (< or <=)"),
    ('{"a": [{"numeric": [">", 5, "<=", 5]}]}', "/a/0/numeric", "a range with something in it"),
    ('{"a": [{"numeric": [">", 6, "<", 5]}]}', "/a/0/numeric", "a range with something in it"),
    (
        '{"a": [{"numeric": ["=", 0.1000000000000000055]}]}',
        "/a/0/numeric/1",
        "a number that binary64 holds, such as 0.1",
    ),
    ('{"a": [9007199254740993.0]}', "/a/0", "a number that binary64 holds, such as 9007199254740992.0"),
    ('{"a": [1e400]}', "/a/0", "a finite number"),
    ('{"a": [1e-400]}', "/a/0", "a number that binary64 holds, such as 0.0"),
    *(
        (f'{{"a": [{{"cidr": "{text}"}}]}}', "/a/0/cidr", NETWORK)
        for text in ("10.0.0.0", "10.0.0.1/8", "10.0.0.0/255.0.0.0", "10.0.0.0/33", "fe80::%1/64", "010.0.0.0/8", "x/8")
    ),
    ('{"a": [{"exists": "yes"}]}', "/a/0/exists", "true or false"),
    ('{"a": [{"before": "2027-01-01"}]}', "/a/0/before", "a moment of RFC 3339 such as 2027-01-01T00:00:00Z"),
    ('{"a": [{"after": "2027-02-29T00:00:00Z"}]}', "/a/0/after", "a moment of RFC 3339 such as 2027-01-01T00:00:00Z"),
    ('{"a": [{"all-of": "x"}]}', "/a/0/all-of", f"a list of 1 to {TESTS}"),
    ('{"a": [{"all-of": [{"b": 1}]}]}', "/a/0/all-of/0", "a string, number, true, false or null"),
    ('{"a": [{"size": 3}]}', "/a/0/size", "[comparison, count]"),
    ('{"a": [{"size": ["=", 1.5]}]}', "/a/0/size/1", "a whole number of 0 or more"),
    ('{"a": [{"size": ["=", -1]}]}', "/a/0/size/1", "a whole number of 0 or more"),
    ('{"a": [{"size": [5, 1]}]}', "/a/0/size/0", "one of = < <= > >="),
    ('{"a": [{"equals-field": "data/x"}]}', "/a/0/equals-field", "a JSON Pointer into the event such as /data/x"),
    ('{"a": [{"equals-field": "/data/~2"}]}', "/a/0/equals-field", "a JSON Pointer into the event such as /data/x"),
    ('{"a": [{"equals-field": ""}]}', "/a/0/equals-field", "a JSON Pointer into the event such as /data/x"),
    ('{"a": ["x"], "a": ["y"]}', "/a", "a name once"),
    ('{"a~/b": [{"exists": 1}]}', "/a~0~1b/0/exists", "true or false"),
]


@pytest.mark.parametrize(("text", "pointer", "expected"), WRONG, ids=lambda value: value[:70])
def test_a_fault_names_its_place_and_what_should_stand_there(text: str, pointer: str, expected: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(from_json(text))
    assert [(fault.pointer, fault.expected) for fault in error.value.faults] == [(pointer, expected)]


def test_an_unknown_operator_is_told_with_those_there_are() -> None:
    with pytest.raises(Invalid) as error:
        parse({"a": ["x", {"regex": ".*"}]})
    (fault,) = error.value.faults
    assert fault.pointer == "/a/1/regex"
    assert fault.expected.startswith("an operator (prefix, suffix, ")
    assert fault.found == "'regex'"


def test_all_faults_are_told_at_once_in_their_order() -> None:
    with pytest.raises(Invalid) as error:
        parse({"a": [{"exists": 1}, {"size": 2}], "$no": 1, "b": 5, "$or": [{"c": []}, {"d": [[]]}]})
    assert [fault.pointer for fault in error.value.faults] == [
        "/a/0/exists",
        "/a/1/size",
        "/$no",
        "/b",
        "/$or/0/c",
        "/$or/1/d/0",
    ]
    assert str(error.value).startswith("/a/0/exists: expected true or false, found a number; /a/1/size: ")


def test_faults_end_at_some_number() -> None:
    with pytest.raises(Invalid) as error:
        parse({f"f{number}": 5 for number in range(FAULTS + 5)})
    assert len(error.value.faults) == FAULTS


def test_a_rules_own_words_are_cut_in_a_fault() -> None:
    with pytest.raises(Invalid) as error:
        parse({"a": [{"x" * 5000: 1}]})
    assert len(error.value.faults[0].found) < 80


def test_a_pattern_is_bounded_in_depth() -> None:
    parse(_nested(PATTERN_DEPTH))
    with pytest.raises(Invalid) as error:
        parse(_nested(PATTERN_DEPTH + 1))
    assert error.value.faults[0].pointer == "/a" * PATTERN_DEPTH
    with pytest.raises(Invalid, match=f"at most {PATTERN_DEPTH} patterns inside each other"):
        parse({"$not": _nested(PATTERN_DEPTH)})


def test_a_pattern_is_bounded_in_bytes() -> None:
    around = len('{"a":[""]}')
    parse({"a": ["x" * (PATTERN_BYTES - around)]})
    with pytest.raises(Invalid, match=f"at most {PATTERN_BYTES} bytes"):
        parse({"a": ["x" * (PATTERN_BYTES - around + 1)]})
    with pytest.raises(Invalid, match=f"at most {PATTERN_BYTES} bytes"):
        parse({"a": ["\u20ac" * (PATTERN_BYTES // 3)]})


def test_a_fields_list_is_bounded() -> None:
    parse({"a": list(range(TESTS))})
    with pytest.raises(Invalid, match=f"expected a list of 1 to {TESTS}, found {TESTS + 1} entries"):
        parse({"a": list(range(TESTS + 1))})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, -(2**63) - 1, "\ud800", (1,), b"x"])
def test_what_no_json_holds_is_refused_whoever_read_it(value: Any) -> None:
    with pytest.raises(Invalid) as error:
        parse({"a": [value]})
    assert error.value.faults[0].pointer == "/a/0"


def test_a_pattern_is_written_as_it_was_read() -> None:
    data = {
        "type": ["x", 1, 1.5, True, None],
        "a.b": {"c": [{"prefix": {"equals-ignore-case": "x"}}, {"anything-but": {"suffix": ["x", "y"]}}]},
        "d": [
            {"anything-but": "x"},
            {"anything-but": ["x"]},
            {"anything-but": {"wildcard": "a\\**"}},
            {"cidr": "::/0"},
        ],
        "e": [{"numeric": [">", 1, "<=", 2]}, {"size": ["<", 3]}, {"all-of": ["x", None]}, {"exists": False}],
        "f": [{"before": "2027-01-01t00:00:00.5+01:00"}, {"equals-field": "/a.b/~0~1"}, {"wildcard": "*"}],
        "$and": [{"a": [1]}],
        "$or": [{"a": [1]}, {"b": [1]}],
        "$not": {"a": [1]},
    }
    assert parse(data).data == data
    assert parse(parse(data).data).data == data


def _nested(depth: int) -> Any:
    return {"a": [1]} if depth == 1 else {"a": _nested(depth - 1)}
