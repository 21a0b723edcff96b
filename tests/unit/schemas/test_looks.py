"""Schemas that would never be done with a value, and those that only look so."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.rules.limits import DOCUMENT_DEPTH
from shared.schemas.looks import LONGEST_WAY, MOST
from shared.schemas.schema import Schema, WrongSchema

Json = dict[str, Any]
TREE: Json = {"$ref": "#/$defs/node"}


def doubled(keyword: str, steps: int) -> Json:
    """Each definition asks the next one twice."""
    steps_ = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(steps)}
    return {"$ref": "#/$defs/d0", "$defs": steps_ | {f"d{steps}": {"type": "string"}}}


def recursive(**node: Any) -> Json:
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


A_TREE = {"properties": {"a": TREE}}
BY_ANCHOR = {"$ref": "#n"}
ENDLESS = {
    "all twice": doubled("allOf", 25),
    "any twice": doubled("anyOf", 25),
    "one twice": doubled("oneOf", 25),
    "a level below twice": recursive(properties={"a": {"allOf": [TREE, TREE]}}),
    "a level below by two ways": recursive(properties={"a": TREE}, patternProperties={"^a$": TREE}),
    "a level below by two of the same place": recursive(
        allOf=[{"properties": {"a": TREE}}, {"properties": {"a": TREE}}]
    ),
    "by a name and by all others": recursive(allOf=[{"properties": {"a": TREE}}, {"additionalProperties": TREE}]),
    "entries by two ways": recursive(items=TREE, contains=TREE),
    "one and the first entries": recursive(prefixItems=[TREE], contains=TREE),
    "a condition": recursive(properties={"a": {"if": TREE, "then": TREE}}),
    "what nobody looked at": recursive(allOf=[{"properties": {"a": TREE}}], unevaluatedProperties=False),
    "by an anchor": {
        "$defs": {"n": {"$anchor": "n", "items": {"anyOf": [{"$ref": "#n"}, {"$ref": "#n"}]}}},
        "$ref": "#n",
    },
    "by a dynamic anchor": {"$dynamicAnchor": "n", "items": {"anyOf": [{"$dynamicRef": "#n"}, {"$ref": "#"}]}},
    "a fork that grows": recursive(properties={"a": TREE}, allOf=[{"properties": {"a": {"allOf": [TREE]}}}]),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_looks_too_often_at_one_place_is_refused(name: str) -> None:
    with pytest.raises(WrongSchema, match=f"more than {MOST} times"):
        Schema(ENDLESS[name])


CIRCLES: dict[str, tuple[Json, str]] = {
    "itself": ({"$ref": "#"}, ""),
    "two of each other": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        "/$defs/a",
    ),
    "below": ({"properties": {"x": {"not": {"$ref": "#/properties/x"}}}}, "/properties/x"),
    "by an encoded name": ({"$ref": "#/$defs/a~1%62", "$defs": {"a/b": {"$ref": "#/$defs/a~1b"}}}, "/$defs/a~1b"),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_what_leads_back_to_itself_at_the_same_place_is_refused(name: str) -> None:
    document, pointer = CIRCLES[name]
    with pytest.raises(WrongSchema, match="leads back to itself") as refused:
        Schema(document)
    assert refused.value.faults[0].pointer == pointer


ANY_JSON: Json = {
    "anyOf": [
        {"type": ["string", "number", "boolean", "null"]},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "object", "additionalProperties": {"$ref": "#"}},
    ]
}
GOOD = {
    "whatever is JSON": ANY_JSON,
    "a tree": recursive(
        type="object", properties={"left": TREE, "right": TREE, "of": {"type": "array", "items": TREE}}
    ),
    "names and all others": recursive(properties={"a": TREE, "b": TREE}, additionalProperties=TREE),
    "the first entries and all others": recursive(prefixItems=[TREE, TREE], items=TREE),
    "a choice of forty": {"oneOf": [{"properties": {"kind": {"const": n}}, "required": ["kind"]} for n in range(40)]},
    "seven doublings": doubled("anyOf", 7),
    "many patterns": {"patternProperties": {f"^x{n}": {"type": "string"} for n in range(200)}},
    "texts that look like schemas": {"enum": [{"$ref": "#"}, {"allOf": [{"$ref": "#"}] * 2}]},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_comes_to_an_end_is_taken(name: str) -> None:
    Schema(GOOD[name])


def test_a_tree_of_any_depth_is_judged() -> None:
    value: Json = {}
    for _ in range(60):
        value = {"left": value, "of": [value]} if len(str(value)) < 5_000 else {"left": value}
    assert Schema(GOOD["a tree"]).faults(value) == []


def a_way(steps: int, link: Callable[[Json], Json]) -> Json:
    """Each definition asks for the next one, and the last for all of it one level deeper."""
    steps_ = {f"d{n}": link({"$ref": f"#/$defs/d{n + 1}"}) for n in range(steps)}
    end = {f"d{steps}": {"properties": {"x": {"$ref": "#"}}, "type": "object"}}
    return {"$ref": "#/$defs/d0", "$defs": steps_ | end}


@pytest.mark.parametrize(
    "link",
    [
        lambda ref: ref,
        lambda ref: {"allOf": [ref]},
        lambda ref: {"if": ref, "then": True},
        lambda ref: {"dependentSchemas": {"x": ref}},
    ],
)
def test_a_way_at_one_place_has_an_end_and_data_of_any_depth_are_judged_along_it(link: Callable[[Json], Json]) -> None:
    """For three times as many the validator's stack has no room: the process would be gone, with all it has in hand."""
    value: Json = {}
    for _ in range(DOCUMENT_DEPTH - 2):
        value = {"x": value}
    assert Schema(a_way(LONGEST_WAY // 2 - 2, link)).faults(value) == []
    for steps in (LONGEST_WAY, 490):
        with pytest.raises(WrongSchema, match=f"more than {LONGEST_WAY} schemas"):
            Schema(a_way(steps, link))
