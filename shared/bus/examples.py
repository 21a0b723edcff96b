"""Examples of messages, made from their JSON schemas: each field by its own example, value or kind."""

from typing import Any, Final

Json = dict[str, Any]

_BY_FORMAT: Final = {"date-time": "2027-01-20T10:00:00Z", "date": "2027-01-20"}
_PLAIN: Final = {"boolean": False, "null": None}
_BY_NAME: Final = {
    "currency": "BRL",
    "email": "ana@example.com",
    "locale": "pt-BR",
    "member_id": "ana-1",
    "carrier": "TP",
    "number": "84",
    "origin": "GRU",
    "destination": "LIS",
    "birth_date": "1990-05-01",
    "card_token": "tok_visa",
    "step": "issue tickets",
}
"""Fields whose schema alone would not tell a reader much."""


def example(schema: Json, schemas: Json, name: str = "") -> Any:
    """A value that fits the schema; `schemas` are those that it may refer to."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    for known in ("examples", "enum"):
        if known in schema:
            return schema[known][0]
    for known in ("const", "default"):
        if known in schema:
            return schema[known]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example(schema[choice][0], schemas, name)
    return _of_kind(schema, schemas, name)


def _of_kind(schema: Json, schemas: Json, name: str) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {each: example(about, schemas, each) for each, about in schema.get("properties", {}).items()}
    if kind == "array":
        several = schema.get("prefixItems") or ([schema["items"]] if "items" in schema else [])
        return [example(each, schemas, name) for each in several]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    if kind in _PLAIN:
        return _PLAIN[kind]
    return _BY_FORMAT.get(schema.get("format", ""), _BY_NAME.get(name, "0198f0c2-5a61-7c3e"))
