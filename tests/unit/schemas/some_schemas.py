"""Random schemas and values by seed, of few names and values, so that they meet."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Json = Any
NAMES = ("a", "b", "ab")
PATTERNS = ("a", "^a", "b$", "^[ab]+$", "^.$", "^(a|b)?$")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
SCALARS = (None, True, False, 0, 1, 2, -1, 3, 0.5, 1.0, 1.5, "", "a", "b", "ab", "aa", "abc", 2**53 + 1)
LIMITS = (0, 1, 2)
OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
OF_SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
OF_ONE = (
    "not",
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
)
OF_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")


def a_value(chance: random.Random, depth: int = 3) -> Json:
    kind = chance.random()
    if depth == 0 or kind < 0.45:
        return chance.choice(SCALARS)
    size = chance.choice((0, 1, 1, 2, 2, 3))
    if kind < 0.65:
        return [a_value(chance, depth - 1) for _ in range(size)]
    return {name: a_value(chance, depth - 1) for name in chance.sample(NAMES, size)}


def a_document(chance: random.Random) -> Json:
    """A schema, with what its references lead to."""
    schema = a_schema(chance, chance.choice((1, 2, 2, 3)))
    return (schema if isinstance(schema, dict) else {}) | {"$defs": {name: a_schema(chance, 1) for name in "xy"}}


def a_change(chance: random.Random, document: Json) -> Json:
    """The document, another one at one place."""
    changed = deepcopy(document)
    place = chance.choice(list(_objects(changed)))
    if place and chance.random() < 0.4:
        del place[chance.choice(list(place))]
    elif isinstance(more := a_schema(chance, 1), dict):
        place |= more
    return changed


def a_schema(chance: random.Random, depth: int) -> Json:
    if chance.random() < 0.06:
        return chance.choice((True, False, {}))
    made: Json = {}
    for _ in range(chance.choice((1, 1, 2, 3))):
        made |= _of_scalars(chance) if depth == 0 or chance.random() < 0.35 else _of_parts(chance, depth - 1)
    return made


def _of_scalars(chance: random.Random) -> Json:
    return chance.choice((
        {"type": chance.choice(TYPES)},
        {"type": chance.sample(TYPES, 2)},
        {"enum": [a_value(chance, 1) for _ in range(2)]},
        {"const": a_value(chance, 1)},
        {chance.choice(OF_NUMBERS): chance.choice((*LIMITS, 0.5))},
        {"multipleOf": chance.choice((1, 2, 0.5, 1.5))},
        {chance.choice(OF_SIZES): chance.choice(LIMITS)},
        {"pattern": chance.choice(PATTERNS)},
    ))  # fmt: skip


def _of_parts(chance: random.Random, depth: int) -> Json:
    one, other = a_schema(chance, depth), a_schema(chance, depth)
    return chance.choice((
        {"properties": {chance.choice(NAMES): one, "b": other}},
        {"properties": {"a": one, "b": other}, "required": [chance.choice(NAMES)]},
        {"required": chance.sample(NAMES, 2)},
        {"patternProperties": {chance.choice(PATTERNS): one}},
        {"dependentRequired": {"a": ["b"]}},
        {"dependentSchemas": {chance.choice(NAMES): one}},
        {"contains": one, "minContains": chance.choice(LIMITS), "maxContains": chance.choice((1, 2))},
        {"uniqueItems": True},
        {chance.choice(OF_ONE): one},
        {chance.choice(OF_SEVERAL): [one, other]},
        {"if": one, chance.choice(("then", "else")): other},
        {"$ref": chance.choice(("#/$defs/x", "#/$defs/y"))},
    ))  # fmt: skip


def _objects(node: Json) -> Iterator[dict[str, Json]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(inner)
