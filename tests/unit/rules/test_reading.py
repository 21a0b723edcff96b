"""A text is read as it was meant, or not at all."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.rules.faults import Invalid
from shared.rules.limits import DOCUMENT_DEPTH, TEXT_BYTES
from shared.rules.reading import (
    check,
    documents_from_yaml,
    event_from_json,
    from_json,
    from_yaml,
    message_from_json,
    written_from_json,
)
from shared.rules.undoubted import Written, undoubted


def faults(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str, str]]:
    return [(fault.pointer, fault.expected, fault.found) for fault in error.value.faults]


def test_numbers_of_rules_are_as_they_are_written_and_of_events_as_they_are_compared() -> None:
    assert from_json('{"a": [0.1, 1, 1e2]}') == {"a": [Decimal("0.1"), 1, Decimal("1e2")]}
    event = event_from_json('{"a": [0.1, 1, 1e2]}')
    assert [type(each) for each in event["a"]] == [float, int, float]


@pytest.mark.parametrize(
    ("text", "pointer", "expected"),
    [
        ('{"a": ["x"], "a": ["y"]}', "/a", "a name once"),
        ('{"data": [{"b/c": 1, "b/c": 1}]}', "/data/0/b~1c", "a name once"),
        ('{"a": NaN}', "/a", "a finite number"),
        ('{"a": [-Infinity]}', "/a/0", "a finite number"),
        ('{"a": "\\ud800"}', "/a", "Unicode's characters"),
        ('{"a": {"\\udc00": 1}}', "/a", "Unicode's characters"),
        ('{"a": 18446744073709551616}', "/a", "an integer of 64 bit"),
        ('{"a": -9223372036854775809}', "/a", "an integer of 64 bit"),
        ('{"a": 1' + "0" * 10_000 + "}", "/a", "an integer of 64 bit"),
        ('{"a": ', "", "JSON"),
        ("[" * 100_000, "", f"at most {DOCUMENT_DEPTH} lists and objects inside each other"),
        ('"' + "x" * TEXT_BYTES + '"', "", f"at most {TEXT_BYTES} bytes"),
    ],
)
def test_json_that_others_would_read_in_different_ways_is_refused(text: str, pointer: str, expected: str) -> None:
    with pytest.raises(Invalid) as error:
        from_json(text)
    assert [(at, wanted) for at, wanted, _ in faults(error)] == [(pointer, expected)]


def test_an_events_numbers_are_finite() -> None:
    with pytest.raises(Invalid) as error:
        event_from_json('{"a": 1e400}')
    assert faults(error) == [("/a", "a finite number", "none")]


HOSTILE = ("NaN", "-Infinity", "1e400", "9223372036854775808", "-9223372036854775809", '"\\ud800"', '{"a":1,"a":2}')
HARMLESS = ("1", "-0", "1.5", "9223372036854775807", '"\\ud83d\\ude00"', '"\\u00e9"', '"é"', "null", "true", "[]", "{}")


def some_json(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.3:
        return chance.choice(HOSTILE) if chance.random() < 0.02 else chance.choice(HARMLESS)
    inner = [some_json(chance, depth - 1) for _ in range(chance.choice((0, 1, 1, 1, 3)))]
    if chance.random() < 0.5:
        return f"[{','.join(inner)}]"
    return "{" + ",".join(f'"n{place}": {each}' for place, each in enumerate(inner)) + "}"


def passes_a_walk(text: str) -> bool:
    """What JSON's own reader makes of it, looked through from end to end."""
    repeated = []

    def objects(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    try:
        check(json.loads(text, object_pairs_hook=objects))
    except Invalid:
        return False
    return not any(repeated)


def is_read(text: str | bytes) -> bool:
    try:
        assert message_from_json(text, TEXT_BYTES) == json.loads(text)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("seed", range(300))
def test_what_is_read_without_a_second_look_would_have_passed_it(seed: int) -> None:
    chance = random.Random(seed)
    text = some_json(chance, chance.choice((3, 6, DOCUMENT_DEPTH - 1, DOCUMENT_DEPTH + 2)))
    assert is_read(text) is is_read(text.encode()) is passes_a_walk(text)


def outcome(read: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return read(text)
    except Invalid as invalid:
        return invalid.faults


@pytest.mark.parametrize("seed", range(300))
def test_what_is_read_at_once_is_what_the_thorough_reader_reads_and_is_written_as_that(seed: int) -> None:
    chance = random.Random(seed)
    text = some_json(chance, chance.choice((1, 3, 6, DOCUMENT_DEPTH - 1, DOCUMENT_DEPTH + 2))).encode()
    written = outcome(lambda text: written_from_json(text, TEXT_BYTES), text)
    thorough = outcome(lambda text: message_from_json(text, TEXT_BYTES), text)
    if isinstance(written, Written):
        assert repr(written.value) == repr(thorough)
        assert json.loads(written.text) == thorough
    else:
        assert written == thorough


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": "", "a": ""}',
        rb'{"a": 1, "a": "\u0022\u0022"}',
        rb'["\ud800"]',
        b"[1e400]",
        b"[NaN]",
        b"[9223372036854775808]",
        b'["\xff"]',
        b"[1,]",
        b'{"a": ' + b"[" * DOCUMENT_DEPTH + b"]" * DOCUMENT_DEPTH + b"}",
    ],
)
def test_what_is_doubtful_is_not_read_at_once(text: bytes) -> None:
    assert undoubted(text) is None


@pytest.mark.parametrize(
    "text",
    [
        rb'{"a": "\"", "b": "\\"}',
        '["é", 0.1, -0.0, 999999999999999999]'.encode(),
        b"[" * DOCUMENT_DEPTH + b"]" * DOCUMENT_DEPTH,
        b"[" + b"{}," * DOCUMENT_DEPTH + b"[]]",
    ],
)
def test_what_is_usual_is_read_at_once(text: bytes) -> None:
    written = undoubted(text)
    assert written is not None
    assert written.value == message_from_json(text, TEXT_BYTES)
    assert json.loads(written.text) == written.value


def test_an_event_is_an_object() -> None:
    with pytest.raises(Invalid) as error:
        event_from_json("[]")
    assert faults(error) == [("", "an object", "a list")]


def test_nesting_is_bounded_to_the_level() -> None:
    within = "[" * DOCUMENT_DEPTH + "]" * DOCUMENT_DEPTH
    assert from_json(within)
    with pytest.raises(Invalid) as error:
        from_json(f"[{within}]")
    assert error.value.faults[0].pointer == "/0" * DOCUMENT_DEPTH


@pytest.mark.parametrize("text", [b"[%b]", b'{"\\u0061":%b}'])
def test_what_is_part_of_an_event_or_holds_some_has_a_bound_of_its_own(text: bytes) -> None:
    deep = text.replace(b"%b", b"[" * 9 + b"]" * 9)
    assert written_from_json(deep, TEXT_BYTES, 10).text
    for read in (message_from_json, written_from_json):
        with pytest.raises(Invalid, match="at most 9 lists and objects"):
            read(deep, TEXT_BYTES, 9)


def test_bytes_are_utf_8() -> None:
    assert from_json('"\u20ac"'.encode()) == "\u20ac"
    with pytest.raises(Invalid) as error:
        from_json(b'"\xff"')
    assert faults(error) == [("", "UTF-8", "byte 1 is none")]


PLAIN_WORDS: list[tuple[str, Any]] = [
    *((word, word) for word in ("no", "on", "yes", "Null", "TRUE", "12:30", "2027-01-01", "1_000", "0x10", "010")),
    *((word, word) for word in (".nan", ".inf", "<<", "=", "+1", "1.", ".5", "0o17")),
    ("null", None),
    ("~", None),
    ("true", True),
    ("false", False),
    ("-1", -1),
    ("2.50", Decimal("2.50")),
    ("1e3", Decimal("1e3")),
]


@pytest.mark.parametrize(("word", "value"), PLAIN_WORDS)
def test_yamls_plain_words_are_those_of_json(word: str, value: Any) -> None:
    (found,) = from_yaml(f"a: [{word}]")["a"]
    assert (type(found), found) == (type(value), value)


def test_yaml_and_json_of_one_rule_are_the_same() -> None:
    as_json = (
        """{"type": ["receipt.v1"], "data": {"amount": [{"numeric": [">=", 30.5]}], "store": ["0417", 417, null]}}"""
    )
    yaml = """
        type: [receipt.v1]
        data:
          amount: [{numeric: [">=", 30.5]}]
          store: [0417, 417, null]
        """
    assert from_yaml(yaml) == from_json(as_json)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [x]\nb: 1\na: [y]", ("/a", "a name once", "the same name twice")),
        ("a: &x [1]\nb: *x", ("", "YAML of JSON's values", "an alias, line 2 column 4")),
        ("5: [a]", ("", "YAML of JSON's values", "a name that is no string, line 1 column 1")),
        ("? [a]\n: 1", ("", "YAML of JSON's values", "a name that is no string, line 1 column 3")),
        *(
            (f"a: {tagged}", ("", "YAML of JSON's values", "a tag, line 1 column 4"))
            for tagged in (
                "!!binary aGk=",
                "!!set {x}",
                "!!int 0x10",
                "!!int abc",
                "!!float .inf",
                "!!bool no",
                "!till 7",
            )
        ),
        ("!!map [a]", ("", "YAML of JSON's values", "a tag, line 1 column 1")),
        ('a: "\\ud800"', ("/a", "Unicode's characters", "half a surrogate pair")),
        ("a: 18446744073709551616", ("/a", "an integer of 64 bit", "a larger one")),
        ("a\n---\nb", ("", "one document", "2")),
        ("[" * 20_000, ("", f"at most {DOCUMENT_DEPTH} lists and objects inside each other", "more")),
    ],
)
def test_yaml_that_is_more_than_json_is_refused(text: str, fault: tuple[str, str, str]) -> None:
    with pytest.raises(Invalid) as error:
        from_yaml(text)
    assert faults(error) == [fault]


def test_yaml_makes_no_objects_of_pythons() -> None:
    with pytest.raises(Invalid, match="a tag, line 1 column 4"):
        from_yaml("a: !!python/object/apply:os.getcwd []")


def test_a_text_of_several_documents_is_read_in_their_order() -> None:
    assert documents_from_yaml("partner: coles\n---\nbus: fuel\n") == [{"partner": "coles"}, {"bus": "fuel"}]


@pytest.mark.parametrize(
    ("value", "found"), [((1, 2), "a tuple"), (b"x", "a bytes"), ({"a": object()}, "a object"), (1 + 2j, "a complex")]
)
def test_what_others_have_read_is_looked_through(value: Any, found: str) -> None:
    with pytest.raises(Invalid) as error:
        check(value)
    assert faults(error)[0][1:] == ("a value of JSON", found)
