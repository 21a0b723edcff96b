"""What a route says of its answers in the OpenAPI 3.1 document: the problems by status, the headers, the streams."""

from typing import Any, Final

from pydantic import BaseModel

from shared.web.codes import of_status
from shared.web.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]

PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
REQUIRED: Final = {"x-required": True}
"""In a header's `json_schema_extra`: the server requires it, and has an answer of its own where it is missing."""
EVENT_STREAM: Final = "text/event-stream"

_MEANINGS: Final = {
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
    500: "Something is wrong here",
    503: "Out of reach for the moment; Retry-After says when",
}
READING: Final = (400, 401, 403, 404, 422, 503)
CREATING: Final = (400, 401, 403, 413, 415, 422, 503)
WRITING: Final = (400, 401, 403, 404, 409, 412, 413, 415, 422, 503)

_TEXT: Final = {"type": "string"}
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "ETag": {
        "description": "The revision that is shown; `If-Match` takes it.",
        "schema": {**_TEXT, "examples": ['"3"']},
    },
    "Location": {
        "description": "The path of what was made.",
        "schema": {**_TEXT, "format": "uri-reference", "examples": ["/v1/carts/0198f0c2"]},
    },
    "Retry-After": {
        "description": "Seconds after which to send the same request again.",
        "schema": {"type": "integer", "minimum": 1, "examples": [1]},
    },
    "WWW-Authenticate": {
        "description": "Which token is wanted (RFC 6750).",
        "schema": {**_TEXT, "examples": ['Bearer realm="milesaga"']},
    },
}
_WITH: Final = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


def problems(*statuses: int) -> Responses:
    """The `responses=` of a route that may answer with these problems."""
    return {status: _problem(status) for status in sorted(set(statuses))}


def answers(
    model: type[BaseModel],
    *refusals: int,
    status: int = 200,
    description: str = "What was asked for",
    headers: tuple[str, ...] = (),
) -> Responses:
    """The `responses=` of a route that shows this model with these headers, or answers with these problems."""
    shown: dict[str, Any] = {"model": model, "description": description}
    if headers:
        shown["headers"] = _headers(headers)
    return {status: shown, **problems(*refusals)}


def streamed(model: type[BaseModel], event: str, *refusals: int) -> Responses:
    """The `responses=` of a route that sends server-sent events of this name, each with the model as its data."""
    schema = {
        **_TEXT,
        "description": f"Server-sent events (WHATWG HTML §9.2). Each `{event}` has an `id`, its position, which "
        f"`Last-Event-ID` takes, and as `data` one line of JSON: a {model.__name__}. Lines that begin with a colon "
        "only show that the stream lives.",
        "contentMediaType": EVENT_STREAM,
        "x-event": {"event": event, "data": {"$ref": f"#/components/schemas/{model.__name__}"}},
        "examples": [f'event: {event}\nid: 1\ndata: {{"id": "0198f0c2", "status": "running"}}\n\n'],
    }
    shown = {"description": "The changes, one after the other", "content": {EVENT_STREAM: {"schema": schema}}}
    return {200: shown, **problems(*refusals)}


def _problem(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code in of_status(status))
    shown: dict[str, Any] = {
        "description": f"{_MEANINGS[status]}. Codes: {codes}",
        "content": {MEDIA_TYPE: {"schema": PROBLEM}},
    }
    if status in _WITH:
        shown["headers"] = _headers(_WITH[status])
    return shown


def _headers(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
