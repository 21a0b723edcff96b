"""What the generated OpenAPI 3.1 document says about problems."""

from typing import Any

from pydantic import BaseModel

from shared.web.problems import MEDIA_TYPE

_TEXT = {"type": "string"}
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": {**_TEXT, "description": "Stable, meant for programs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {**_TEXT, "description": "JSON pointer into the request's body."},
                    "parameter": {**_TEXT, "description": "Name of a query parameter."},
                    "header": {**_TEXT, "description": "Name of a header."},
                    "detail": _TEXT,
                },
            },
        },
    },
}

_MEANINGS = {
    400: "The request cannot be read",
    401: "No token, or none that is good",
    403: "The token lacks the scope",
    404: "Not there, or somebody else's",
    409: "In conflict with the state",
    410: "It was there, and is gone",
    412: "Changed since it was read",
    413: "The body is larger than 256 KiB",
    415: "The body is not application/json",
    422: "A field or parameter is not as expected",
    428: "If-Match is required",
    429: "Too many requests; Retry-After says when",
    503: "Out of reach for the moment; Retry-After says when",
}
READING = (401, 403, 404, 422, 503)
CREATING = (400, 401, 403, 413, 415, 422, 503)
WRITING = (400, 401, 403, 404, 409, 412, 413, 415, 422, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in sorted(set(statuses))}


def answers(
    model: type[BaseModel], *refusals: int, status: int = 200, description: str = "Successful Response"
) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that shows this model, or answers with these problems."""
    return {status: {"model": model, "description": description}, **problems(*refusals)}
