"""Which fields may stand at a place of a file, and which of them somebody may have meant."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel

LISTS: Final = (list, tuple, set, frozenset)


def meant(model: type[BaseModel], places: Sequence[int | str]) -> str:
    """Of a field that is not there, the place of which is given: the one that is much like it, else all that are."""
    known = sorted(set(_fields(_at(model, places[:-1]))))
    close = get_close_matches(str(places[-1]), known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def _at(kind: Any, places: Sequence[int | str]) -> list[Any]:
    """What may stand there, of all that the members of unions allow."""
    found = list(_members(kind))
    for place in places:
        found = [member for each in found for below in _below(each, place) for member in _members(below)]
    return found


def _below(kind: Any, place: int | str) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from (field.annotation for name, field in kind.model_fields.items() if place in {name, field.alias})
    elif get_origin(kind) in LISTS and isinstance(place, int):
        yield get_args(kind)[0]
    elif get_origin(kind) in {dict, Mapping}:
        yield get_args(kind)[1]


def _members(kind: Any) -> Iterator[Any]:
    """The kind itself, or what a union, or what is said about a kind, comes down to."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _members(get_args(kind)[0])
    elif origin in LISTS or origin in {dict, Mapping} or not get_args(kind):
        yield kind
    else:
        for each in get_args(kind):
            yield from _members(each)


def _fields(kinds: Sequence[Any]) -> Iterator[str]:
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (field.alias or name for name, field in kind.model_fields.items())
