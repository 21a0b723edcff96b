"""The OpenAPI 3.1 document: what FastAPI finds in the routes, and what it cannot know."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from shared.web import request_ids
from shared.web.codes import CODES
from shared.web.docs import HEADERS, problems
from shared.web.preconditions import TAGS_PATTERN

Json = dict[str, Any]

DESCRIPTION: Final = """\
Sells flights for miles and money. Search offers, fill a cart, buy it, and follow the purchase as its steps are done.

Errors are `application/problem+json` (RFC 9457): a stable `code`, and in `errors` the place of every wrong field; what
each code means is at [/docs/problems](/docs/problems). Unknown fields and parameters are refused. Not built yet, and
answered 422 `not_available`: payment by Pix, `installments` other than 1, promo codes. The messages are described at
[/asyncapi.json](/asyncapi.json).
"""
_TEXT: Final = {"type": "string"}
_FAULT: Final[Json] = {
    "title": "Fault",
    "description": "One wrong thing in a request; at most one of the three places is named.",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "pointer": {**_TEXT, "description": "JSON pointer into the body.", "examples": ["/passengers/0/surname"]},
        "parameter": {**_TEXT, "description": "Name of a query or path parameter.", "examples": ["cursor"]},
        "header": {**_TEXT, "description": "Name of a header.", "examples": ["If-Match"]},
        "detail": {**_TEXT, "description": "What was expected there.", "examples": ["is required"]},
    },
}
_CODE: Final[Json] = {
    "title": "ProblemCode",
    "description": "Stable, and meant for programs. New ones may be added: take an unknown one by its status.",
    "type": "string",
    "enum": sorted(CODES),
}
_PROBLEM: Final[Json] = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). What was sent is never repeated in it.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {**_TEXT, "description": "The code as a URN.", "examples": ["urn:milesaga:problem:cart_empty"]},
        "title": {**_TEXT, "description": "The code in words.", "examples": ["Cart empty"]},
        "status": {"type": "integer", "description": "The HTTP status.", "examples": [422]},
        "detail": {**_TEXT, "description": "For people.", "examples": ["The cart is empty: add a flight first"]},
        "instance": {**_TEXT, "description": "The path that was asked for.", "examples": ["/v1/checkouts"]},
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "errors": {
            "type": "array",
            "description": "Every wrong field, where fields are what is wrong.",
            "items": {"$ref": "#/components/schemas/Fault"},
        },
        "oldest": {**_TEXT, "description": "With `cursor_expired`: the cursor to go on with.", "examples": ["WyIi"]},
    },
}
_LIMITS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}
SCHEMAS: Final = {"Fault": _FAULT, "Problem": _PROBLEM, "ProblemCode": _CODE}
_IF_NONE_MATCH: Final[Json] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what the client has already: 304 where it is still so.",
    "schema": {**_TEXT, "pattern": TAGS_PATTERN, "examples": ['"3"']},
}


def operation_id(route: APIRoute) -> str:
    """`carts_make`: what generated clients call it."""
    return f"{route.tags[0] if route.tags else 'other'}_{route.name}"


def describe(app: FastAPI, server: str) -> None:
    """Complete the application's document; `server` is where clients reach it."""
    generated: Callable[[], Json] = app.openapi

    def completed() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = complete(generated(), server)
        return app.openapi_schema

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's own way to extend it


def complete(document: Json, server: str) -> Json:
    """The document with what FastAPI cannot know."""
    document["info"]["description"] = DESCRIPTION
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["servers"] = [{"url": server, "description": "This stack"}]
    document["tags"] = [{"name": name} for name in _tags(document)]
    for method, operation in _operations(document):
        operation["parameters"] = [_parameter(each) for each in operation.get("parameters", [])]
        if method == "get" and "ETag" in operation["responses"].get("200", {}).get("headers", {}):
            _add_condition(operation)
        _add_request_id(operation)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        operation.setdefault("description", operation["summary"])
    components = document.setdefault("components", {})
    components["headers"] = HEADERS | {request_ids.HEADER: request_ids.GIVEN_BACK}
    schemas = {name: schema for name, schema in components.get("schemas", {}).items() if "ValidationError" not in name}
    components["schemas"] = dict(sorted((schemas | SCHEMAS).items()))
    completed: Json = _in_json_schemas_words(document)
    return completed


def _in_json_schemas_words(node: Any) -> Any:
    """The document without pydantic's own names for limits, which it writes for what a validator stands before."""
    if isinstance(node, list):
        return [_in_json_schemas_words(each) for each in node]
    if not isinstance(node, dict):
        return node
    words = _LIMITS if isinstance(node.get("type"), str) else {}
    return {words.get(name, name): _in_json_schemas_words(each) for name, each in node.items()}


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for item in document.get("paths", {}).values():
        yield from item.items()


def _tags(document: Json) -> list[str]:
    """Each once, in the order of the routes."""
    return list(dict.fromkeys(tag for _, operation in _operations(document) for tag in operation.get("tags", [])))


def _parameter(parameter: Json) -> Json:
    """Null has no form outside of a body; a header may be required although the route can do without."""
    schema = dict(parameter["schema"])
    if "anyOf" in schema:
        present = [one for one in schema.pop("anyOf") if one != {"type": "null"}]
        schema = {**present[0], **schema} if len(present) == 1 else {**schema, "anyOf": present}
    if schema.pop("x-required", False):
        parameter["required"] = True
    schema.pop("title", None)
    return {**parameter, "schema": schema}


def _add_condition(operation: Json) -> None:
    operation["parameters"].append(_IF_NONE_MATCH)
    operation["responses"]["304"] = {"description": "It is as `If-None-Match` says: nothing to send"}
    operation["responses"].update({str(status): shown for status, shown in problems(400).items()})


def _add_request_id(operation: Json) -> None:
    """Every request may have one, and every answer has one: `Front` sees to it, outside of all routes."""
    operation["parameters"].append(request_ids.TAKEN)
    given_back = {request_ids.HEADER: {"$ref": f"#/components/headers/{request_ids.HEADER}"}}
    for status, shown in operation["responses"].items():
        operation["responses"][status] = {**shown, "headers": shown.get("headers", {}) | given_back}
