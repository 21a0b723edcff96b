"""How long regular expressions are, and which schemas have too many of them."""

import random
from typing import Any

import pytest

from shared.schemas.expressions import TOO_LONG, length_of
from shared.schemas.looks import MOST_OF_EXPRESSIONS
from shared.schemas.schema import Schema, WrongSchema

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("expression", "length"),
    [
        ("", 1),
        ("abc", 3),
        ("(a|b)*a(a|b){100}c", 204),
        (r"^[\w-]{1,64}@[\w.]{1,200}$", 267),
        ("a{5}{5}", 25),
        ("a{3,}", 4),
        ("a{,7}", 7),
        ("a{0}", 1),
        (r"\p{L}{3}", 3),
        (r"[\]a]{4}", 4),
        ("[(a{5}]{4}", 4),
        (r"\(a{4}", 5),
        ("(?<n>ab){3}", 6),
        ("(?P<n>ab){3}", 6),
        ("(?:ab){3}", 6),
        ("((ab){10}){10}", 200),
        ("(a{1,1000}){1,1000}", TOO_LONG),
        ("a{99999999999999999}", TOO_LONG),
        ("(a{9}){9}" * 10_000, 81 * 10_000),
        ("(" * 30_000 + "a" + ")" * 30_000, 1),
        ("(a", TOO_LONG),
        ("a)", TOO_LONG),
        ("(?x)a # [\n{1,1000}", TOO_LONG),
    ],
)
def test_repetitions_are_written_out(expression: str, length: int) -> None:
    assert length_of(expression) == length


def written_out(chance: random.Random, depth: int) -> tuple[str, str]:
    """An expression, and the same without counted repetitions."""
    if depth == 0:
        one = chance.choice(["a", "[b-d]", r"\d", "."])
        return one, one
    parts = [written_out(chance, depth - 1) for _ in range(chance.randint(1, 3))]
    short, long = "".join(each for each, _ in parts), "".join(each for _, each in parts)
    times = chance.randint(1, 4)
    return f"(?:{short}){{{times}}}", f"(?:{long})" * times


@pytest.mark.parametrize("seed", range(100))
def test_it_is_as_long_as_if_somebody_had_written_it_so(seed: int) -> None:
    short, long = written_out(random.Random(seed), 3)
    assert length_of(short) == length_of(long)


def text(pattern: str) -> Json:
    return {"type": "string", "pattern": pattern}


SEVERAL = [text(f"^(?:a|b){{{n}}}$") for n in range(100, 108)]
SLOW: dict[str, tuple[Json, str]] = {
    "one": ({"properties": {"a": text("(a{1,1000}){1,1000}")}}, "/properties/a/pattern"),
    "one that the engine would take": (text("(?:a|b)*a(?:a|b){600}c"), "/pattern"),
    "several together": ({"items": {"allOf": SEVERAL}}, "/items/allOf/7/pattern"),
    "one again and again": (
        {"allOf": [{"$ref": "#/$defs/x"}] * 10, "$defs": {"x": text("[ab]{101}")}},
        "/$defs/x/pattern",
    ),
    "of names": ({"patternProperties": {"(x{1,100}){1,100}": True}}, "/patternProperties/(x{1,100}){1,100}"),
    "of all names": ({"propertyNames": text("(x{1,100}){1,100}")}, "/propertyNames/pattern"),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_would_be_slow_is_refused_by_its_place(name: str) -> None:
    document, pointer = SLOW[name]
    with pytest.raises(WrongSchema, match=f"more than {MOST_OF_EXPRESSIONS} characters") as raised:
        Schema(document)
    assert [each.pointer for each in raised.value.faults] == [pointer]


def test_what_people_write_is_taken() -> None:
    mail = text(r"^[\w.+-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63}){1,8}$")
    many = {f"field{n}": text("^[A-Z]{3}-[0-9]{1,20}$") for n in range(200)}
    Schema({"type": "object", "properties": {"mail": mail, "pattern": text("^.{1,200}$"), **many}})


def test_what_was_taken_before_goes_on() -> None:
    slow = text("(?:a|b)*a(?:a|b){600}c")
    assert Schema(slow, known=True).faults("ab")


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", r"[^\p{L}\p{N}]{1,999}"])
def test_what_the_engine_does_not_take_is_told_of_the_pattern(pattern: str) -> None:
    with pytest.raises(WrongSchema, match="an engine whose time is linear") as raised:
        Schema({"properties": {"a": text(pattern)}})
    assert [each.pointer for each in raised.value.faults] == ["/properties/a/pattern"]


def names(count: int, length: int) -> Json:
    """Each an expression of its own."""
    return {"properties": {f"n{each}": {"pattern": f"^[\\p{{L}} ]{{1,{length}}}z{each}$"} for each in range(count)}}


def test_all_expressions_of_a_schema_together_take_so_much_room() -> None:
    """1,500 of them took a minute and 6 GiB, and the type's first event took as much of every other replica."""
    Schema(names(5, 100))
    for much in (names(1_300, 90), names(22, 100)):
        with pytest.raises(WrongSchema, match="more than 128 MiB for all of the schema") as refused:
            Schema(much)
        assert refused.value.faults[0].pointer.startswith("/properties/n")
    taken = {"properties": {f"a{each}": {"pattern": r"^\p{L}{90}$"} for each in range(1_000)}}
    assert Schema(taken).faults({"a7": "é" * 89})[0].pointer == "/a7"
