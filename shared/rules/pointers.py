"""JSON Pointers (RFC 6901) into an event."""

import re
from typing import Any

from shared.rules.looking import MISSING

_ESCAPES = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class NoPointer(ValueError):
    """The text is no JSON Pointer."""


def steps_of(pointer: str) -> tuple[str, ...]:
    """The names that a pointer goes along. Raises NoPointer."""
    if (pointer and not pointer.startswith("/")) or _ESCAPES.search(pointer):
        raise NoPointer(pointer)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def value_at(document: Any, steps: tuple[str, ...]) -> Any:
    """The node that the steps lead to, MISSING where there is none. A list is entered by an index."""
    value = document
    for step in steps:
        if type(value) is dict:
            value = value.get(step, MISSING)
        elif type(value) is list and _INDEX.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value
