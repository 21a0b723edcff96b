"""What pydantic found wrong with a request, as places and sentences for people. Values are never part of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from shared.kernel.faults import sentence
from shared.kernel.jsontext import shown_name

_ABOUT_THE_TAG = ("union_tag_not_found", "union_tag_invalid")
"""Told of the object, though it is the field that says its kind which is wrong."""


def is_unparsable(error: RequestValidationError) -> bool:
    """Is the body no JSON at all? An empty one is none, either."""
    found = error.errors()
    return any(
        fault["type"] == "json_invalid" or (fault["type"] == "missing" and tuple(fault["loc"]) == ("body",))
        for fault in found
    )


def faults_of(error: RequestValidationError) -> list[dict[str, str]]:
    """Each fault with its `detail` and one of `pointer` (into the body), `parameter` (query, path) and `header`."""
    return [_fault(fault, error.body) for fault in error.errors()]


def _fault(fault: Mapping[str, Any], body: Any) -> dict[str, str]:
    detail = sentence(fault)
    source, *places = fault["loc"]
    if source == "body" and fault["type"] in _ABOUT_THE_TAG:
        return {"pointer": f"{_pointer(places, body)}/{fault['ctx']['discriminator'].strip(chr(39))}", "detail": detail}
    if source == "body":
        return {"pointer": _pointer(places, body), "detail": detail}
    name = shown_name(str(places[0])) if places else str(source)
    return {"header" if source == "header" else "parameter": name, "detail": detail}


def _pointer(places: Sequence[str | int], body: Any) -> str:
    """The JSON pointer of a pydantic location, which also names the union members it tried: those are not in it."""
    found = _path(tuple(places), body)
    return "".join(f"/{shown_name(str(place)).replace('~', '~0').replace('/', '~1')}" for place in found or ())


def _path(places: tuple[str | int, ...], node: Any) -> tuple[str | int, ...] | None:
    """The places that lead through the body to the last one, or to what should be there; None when none do."""
    if not places:
        return ()
    place, *rest = places
    if isinstance(node, dict) and (place in node or not rest):
        found = _path(tuple(rest), node.get(place))
    elif isinstance(node, list) and isinstance(place, int):
        found = _path(tuple(rest), node[place] if place < len(node) else None)
    else:
        found = None
    if found is not None:
        return (place, *found)
    return _path(tuple(rest), node) if rest else None
