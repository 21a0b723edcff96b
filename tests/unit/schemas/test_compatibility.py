"""A schema in the place of another: what is proved to be harmless, and what is not."""

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from shared.schemas.compatibility import closed, incompatible
from shared.schemas.schema import Schema, WrongSchema
from tests.unit.schemas.some_schemas import a_change, a_document, a_value

Json = dict[str, Any]
RECEIPT: Json = {
    "type": "object",
    "required": ["total"],
    "properties": {
        "total": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}},
        "store": {"type": "string", "maxLength": 20},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {"line": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}},
}


def _changed(edit: Callable[[Json], object]) -> Json:
    document = deepcopy(RECEIPT)
    edit(document)
    return document


HARMLESS = {
    "nothing": lambda _: None,
    "another description": lambda s: s.update(description="a receipt"),
    "an optional field": lambda s: s["properties"].update(till={"type": "string"}),
    "an optional field in a part": lambda s: s["properties"]["total"]["properties"].update(tax={"type": "integer"}),
    "an optional field in what is referred to": lambda s: s["$defs"]["line"]["properties"].update(
        n={"type": "integer"}
    ),
    "an optional field less": lambda s: s["properties"].pop("store"),
}
HARMFUL = {
    "a new required field": lambda s: (s["properties"].update(till={"type": "string"}), s["required"].append("till")),
    "a narrower field": lambda s: s["properties"]["store"].update(maxLength=10),
    "a wider field": lambda s: s["properties"]["store"].update(maxLength=30),
    "another type": lambda s: s["properties"]["total"]["properties"].update(amount={"type": "string"}),
    "one type more": lambda s: s["properties"]["store"].update(type=["string", "null"]),
    "a required field less": lambda s: s.update(required=[]),
    "a field required in what is referred to": lambda s: s["$defs"]["line"].update(required=["sku", "n"]),
    "nothing but what is named": lambda s: (s.update(additionalProperties=False), s["properties"].pop("store")),
    "a field that only becomes an enumeration": lambda s: s["properties"].update(store={"enum": ["a", "b"]}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_both_sides_stand_may_be_changed(name: str) -> None:
    assert incompatible(Schema(RECEIPT), Schema(_changed(HARMLESS[name]))) == ()


@pytest.mark.parametrize("name", HARMFUL)
def test_what_one_side_does_not_stand_may_not(name: str) -> None:
    assert incompatible(Schema(RECEIPT), Schema(_changed(HARMFUL[name])))


def test_the_direction_that_fails_is_told() -> None:
    (narrower,) = incompatible(Schema(RECEIPT), Schema(_changed(HARMFUL["a narrower field"])))
    assert "was valid" in narrower
    (wider,) = incompatible(Schema(RECEIPT), Schema(_changed(HARMFUL["a wider field"])))
    assert "is valid" in wider


SEVERAL_SPEAK: list[tuple[Json, Json]] = [
    (
        {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "string"}}}]},
        {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "integer"}}}]},
    ),
    (
        {"properties": {"a": {"type": "integer"}}, "anyOf": [{"properties": {"b": {"type": "string"}}}]},
        {"properties": {"a": {"type": "integer"}}, "anyOf": [{"properties": {"b": {"type": "integer"}}}]},
    ),
    (
        {"$ref": "#/$defs/base", "properties": {"b": {"type": "string"}}, "$defs": {"base": {"properties": {"a": {}}}}},
        {"$ref": "#/$defs/base", "properties": {"b": {"type": "null"}}, "$defs": {"base": {"properties": {"a": {}}}}},
    ),
    (
        {"if": {"properties": {"k": {"const": 1}}}, "then": {"properties": {"b": {"type": "string"}}}},
        {"if": {"properties": {"k": {"const": 1}}}, "then": {"properties": {"b": {"type": "null"}}}},
    ),
]


@pytest.mark.parametrize(("old", "new"), SEVERAL_SPEAK)
def test_nothing_is_proved_by_leaving_out_what_may_be_written(old: Json, new: Json) -> None:
    """Were each part closed by itself, no value with both fields would be left to differ about."""
    assert incompatible(Schema(old), Schema(new))
    assert closed(old) == old


def test_a_field_that_has_a_keywords_name_is_a_field() -> None:
    schema = {"properties": {"properties": {"type": "object"}, "allOf": {"type": "string"}, "$ref": {"type": "string"}}}
    assert closed(schema) == schema | {"additionalProperties": False}
    assert not incompatible(Schema(schema), Schema(schema))
    other = deepcopy(schema)
    other["properties"]["properties"] = {"type": "string"}
    assert incompatible(Schema(schema), Schema(other))


def test_what_stands_for_values_is_not_closed() -> None:
    schema = {"properties": {"a": {"const": {"properties": {"x": 1}}, "examples": [{"properties": {}}]}}}
    assert closed(schema)["properties"] == schema["properties"]


def test_closed_means_no_field_that_is_not_named() -> None:
    validator = Draft202012Validator(closed(RECEIPT))
    receipt: Json = {"total": {"amount": 1}, "lines": [{"sku": "x"}]}
    assert validator.is_valid(receipt)
    for surprise in ({"x": 1}, {"total": {"amount": 1, "x": 1}}, {"lines": [{"sku": "x", "y": 1}]}):
        assert not validator.is_valid(receipt | surprise)


@pytest.mark.parametrize("seed", range(40))
def test_no_random_value_shows_a_proof_to_be_wrong(seed: int) -> None:
    """What is said to be compatible: all that writers of the one write, readers of the other stand."""
    chance = random.Random(seed)
    proved = 0
    for _ in range(60):
        old = a_document(chance)
        try:
            new = Schema(a_change(chance, old))
            before = Schema(old)
        except WrongSchema:
            continue
        if new.document == old or incompatible(before, new):
            continue
        proved += 1
        values = [a_value(chance) for _ in range(60)]
        for reader, writer in ((before, new), (new, before)):
            written = Draft202012Validator(closed(writer.document))
            assert not [value for value in values if written.is_valid(value) and reader.faults(value)], writer.document
    assert proved
