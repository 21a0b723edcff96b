"""Schemas that others give us: which are taken, and what they say of a value."""

from typing import Any

import pytest

from shared.schemas.schema import FAULTS, LARGEST, MOST_FAULTS, Schema, Wrong, WrongSchema

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"type": "nope"}, "/type"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema"),
        ({"$ref": "http://127.0.0.1:9/x"}, "/$ref"),
        ({"properties": {"a~/b": {"$ref": "other.json#/x"}}}, "/properties/a~0~1b/$ref"),
        ({"$ref": "#/$defs/missing"}, ""),
        ({"pattern": r"(a)\1"}, "/pattern"),
        ({"description": "x" * LARGEST}, ""),
        (["type"], ""),
        ({"properties": {"a": {"const": "\ud800"}}}, "/properties/a/const"),
        ({"maximum": 2**70}, "/maximum"),
        (True, ""),
    ],
)
def test_what_is_no_schema_of_ours_is_refused_where_it_is_wrong(document: Any, pointer: str) -> None:
    with pytest.raises(WrongSchema) as refused:
        Schema(document)
    assert refused.value.faults[0].pointer == pointer


def test_a_schema_may_refer_to_itself() -> None:
    tree = Schema({"type": "object", "properties": {"of": {"$ref": "#"}}, "required": ["of"]})
    assert tree.faults({"of": {"of": {}}}) == [Wrong("/of/of/of", "is required")]


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({"total": {"amount": 3}}, []),
        ({"total": {"amount": "3"}}, [Wrong("/total/amount", 'must fit type: "integer"')]),
        ({}, [Wrong("/total", "is required")]),
        ({"total": {}}, [Wrong("/total/amount", "is required")]),
        ({"total": {"amount": 3, "a/b": 1}}, [Wrong("/total/a~1b", "is not a field here")]),
        ({"total": {"amount": -1}}, [Wrong("/total/amount", "must fit minimum: 0")]),
        ({"total": {"amount": 3}, "kind": "z"}, [Wrong("/kind", 'must fit enum: ["x", "y"]')]),
        (7, [Wrong("", 'must fit type: "object"')]),
    ],
)
def test_a_fault_is_told_by_its_place_and_in_the_schemas_words(value: Any, faults: list[Wrong]) -> None:
    receipt = Schema(
        {
            "type": "object",
            "required": ["total"],
            "properties": {"total": {"$ref": "#/$defs/total"}, "kind": {"enum": ["x", "y"]}},
            "$defs": {
                "total": {
                    "required": ["amount"],
                    "properties": {"amount": {"type": "integer", "minimum": 0}},
                    "additionalProperties": False,
                }
            },
        }
    )
    assert receipt.faults(value) == faults


@pytest.mark.parametrize(
    "schema", [{"type": "integer"}, {"enum": [1]}, {"const": 1}, {"pattern": "^x"}, {"not": {}}, {"maxLength": 1}]
)
def test_no_value_is_ever_told(schema: Json) -> None:
    faults = Schema({"properties": {"a": schema}}).faults({"a": "secret"})
    assert faults
    assert "secret" not in str(faults)


def test_of_many_faults_the_first_are_told() -> None:
    assert len(Schema({"items": {"type": "integer"}}).faults(["x"] * 500)) == FAULTS


LINES: Json = {"items": {"required": ["sku", "amount"]}}
OR_LINES: Json = {"anyOf": [{"type": "null"}, LINES]}


@pytest.mark.parametrize(
    ("schema", "count", "faults"),
    [
        (LINES, 1_000, FAULTS),
        (LINES, MOST_FAULTS, 1),
        (OR_LINES, 1_000, 1),
        (OR_LINES, MOST_FAULTS, 1),
    ],
)
def test_of_what_may_be_wrong_at_too_many_places_one_is_told(schema: Json, count: int, faults: int) -> None:
    """To the validator each fault is some KiB, and it makes all before it gives one: also those within alternatives."""
    assert Schema(schema).faults([{}] * count + [{"sku": 1}])[0].pointer == ("/0/sku" if schema is LINES else "")
    found = Schema(schema).faults([{"sku": 1, "amount": 1}] * count + [{}] * 50)
    assert len(found) == faults
    is_told = schema is LINES or count < MOST_FAULTS
    assert ("too large for the place to be told" in found[0].detail) is not is_told
    assert Schema(schema).faults([{"sku": 1, "amount": 1}] * count) == []


def test_a_fault_that_says_much_counts_for_more() -> None:
    """60,000 values that are none of 5,000 took most of a minute."""
    schema = Schema({"items": {"enum": [f"w{number}" for number in range(5_000)]}})
    for count, faults in ((900, FAULTS), (1_100, 1)):
        found = schema.faults(["none"] * count)
        assert (len(found), found[0].pointer) == (faults, "/0")


def test_a_long_demand_is_told_in_part() -> None:
    (fault,) = Schema({"enum": [f"word {n}" for n in range(100)]}).faults("z")
    assert len(fault.detail) < 150


def test_a_pattern_that_would_explode_elsewhere_is_linear_here() -> None:
    assert Schema({"pattern": "^(a+)+$"}).faults("a" * 50_000 + "b")


def test_a_part_with_a_name_of_its_own_judges_as_well_and_nothing_untrue_is_told_of_it() -> None:
    """Its references begin at itself: the same way from the top leads to something else, or to nothing."""
    part = {
        "$id": "urn:part",
        "$defs": {"text": {"maxLength": 3}, "only": {"type": "null"}},
        "properties": {"a": {"$ref": "#/$defs/text"}, "b": {"$ref": "#/$defs/only"}, "c": {"maxLength": 1}},
    }
    schema = Schema({"properties": {"part": part}, "$defs": {"text": {"maxLength": 9}}})
    assert schema.faults({"part": {"a": "long", "b": 1, "c": "ab"}}) == [
        Wrong("/part/a", "must fit maxLength"),
        Wrong("/part/b", "must fit type"),
        Wrong("/part/c", "must fit maxLength: 1"),
    ]
