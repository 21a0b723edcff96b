"""What a target is sent instead of the event's data: JSON with places that are filled from the event.

    {"$": "/data/total"}                     the value there, with its type
    {"$text": "Receipt {/data/id}: {{x}}"}   a text; doubled braces are braces
    {"$first": [A, B, "none"]}               the first of these that is there; each may be a place or a value
    {"$event": true}                         the whole event, as rules see it

Nothing is pasted into JSON's text, so whatever an event holds, the result is JSON. What is missing is null; with
`"required": true` beside it there is no result. A text is there where all its pointers lead to something. An object
with one of these names is such a place, and no other name may begin with `$`.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from pydantic_core import to_json

from shared.rules.faults import Fault, Invalid, JsonPath, kind_of, pointer_to
from shared.rules.limits import PLACES, TEMPLATE_BYTES, TEXT_BYTES
from shared.rules.looking import MISSING
from shared.rules.operators.parsing import Wrong, items_of, quoted, scalar_of, text_of
from shared.rules.pointers import NoPointer, steps_of, value_at
from shared.rules.reading import check
from shared.rules.scalars import Json

Taking = Callable[[Json], None]
"""Told of each value that a template takes out of an event, before it takes the next one: all of them stand in the
result. Raises TemplateFailed where they are too much."""
Part = Callable[[dict[str, Any], Taking], Json]

REQUIRED: Final = "required"
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class TemplateFailed(Exception):
    """There is no result for this event; the message says why, without anything of its data."""


def freely(_: Json) -> None:
    """However much it is."""


class Template(Protocol):
    """From an event's document to what is sent, which shares its parts with the event. Raises TemplateFailed."""

    def __call__(self, document: dict[str, Any], taking: Taking = freely, /) -> Json: ...


class _Template:
    """One template being read; every place counts."""

    def __init__(self) -> None:
        self._places = 0

    def part(self, data: Any, at: JsonPath) -> Part:
        """Of an event it gives MISSING where nothing is. Raises Wrong."""
        if isinstance(data, list):
            return _list([self.part(each, (*at, place)) for place, each in enumerate(data)])
        if not isinstance(data, dict):
            value = scalar_of(data, at)
            return lambda _, __: value
        if marked := [name for name in data if name.startswith("$")]:
            return self._place(data, marked, at)
        return _object({name: self.part(each, (*at, name)) for name, each in data.items()})

    def _place(self, data: dict[str, Any], marked: list[str], at: JsonPath) -> Part:
        name = marked[0]
        if name not in _PLACES or set(data) - {name, REQUIRED}:
            raise Wrong(at, f"one of {', '.join(_PLACES)}, and {REQUIRED} at most", quoted(", ".join(data)))
        required = data.get(REQUIRED, False)
        if not isinstance(required, bool):
            raise Wrong((*at, REQUIRED), "true or false", kind_of(required))
        self._places += 1
        if self._places > PLACES:
            raise Wrong(at, f"at most {PLACES} places", "more")
        made = _PLACES[name](self, data[name], (*at, name))
        return _required(made, pointer_to(at)) if required else made

    def value(self, data: Any, at: JsonPath) -> Part:
        steps = _steps(data, at)

        def made(document: dict[str, Any], taking: Taking) -> Json:
            if (value := value_at(document, steps)) is not MISSING:
                taking(value)
            return value

        return made

    def text(self, data: Any, at: JsonPath) -> Part:
        pieces: list[str | tuple[str, ...]] = []
        text, end = text_of(data, at), 0
        for found in _BRACES.finditer(text):
            pieces.append(text[end : found.start()])
            end = found.end()
            if found[0] in {"{", "}"}:
                raise Wrong(at, "a pointer in braces, or doubled braces", quoted(text))
            pieces.append(found[0][0] if found[1] is None else _steps(found[1], at))
            self._places += found[1] is not None
        if self._places > PLACES:
            raise Wrong(at, f"at most {PLACES} places", "more")
        return _text([*pieces, text[end:]])

    def first(self, data: Any, at: JsonPath) -> Part:
        parts = [self.part(each, (*at, place)) for place, each in enumerate(items_of(data, at))]

        def made(document: dict[str, Any], taking: Taking) -> Json:
            found = (part(document, taking) for part in parts)
            return next((value for value in found if value is not MISSING), MISSING)

        return made

    def event(self, data: Any, at: JsonPath) -> Part:
        if data is not True:
            raise Wrong(at, "true", kind_of(data))

        def made(document: dict[str, Any], taking: Taking) -> Json:
            taking(document)
            return document

        return made


_PLACES: Final[dict[str, Callable[[_Template, Any, JsonPath], Part]]] = {
    "$": _Template.value,
    "$text": _Template.text,
    "$first": _Template.first,
    "$event": _Template.event,
}


def template_of(data: Any) -> Template:
    """Of JSON's values, as `reading` gives them. Raises Invalid, with a pointer into them."""
    check(data)
    try:
        made = _Template().part(data, ())
    except Wrong as wrong:
        raise Invalid([wrong.fault]) from wrong
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=_number)
    if (size := len(written.encode())) > TEMPLATE_BYTES:
        raise Invalid([Fault("", f"at most {TEMPLATE_BYTES} bytes", f"{size}")])
    return lambda document, taking=freely: _or_null(made(document, taking))


def _number(value: Decimal) -> float:
    return float(value)


def _steps(data: Any, at: JsonPath) -> tuple[str, ...]:
    text = text_of(data, at)
    try:
        return steps_of(text)
    except NoPointer as error:
        raise Wrong(at, "a JSON Pointer into the event such as /data/x", quoted(text)) from error


def _or_null(value: Any) -> Json:
    return None if value is MISSING else value


def _list(parts: Sequence[Part]) -> Part:
    return lambda document, taking: [_or_null(part(document, taking)) for part in parts]


def _object(parts: dict[str, Part]) -> Part:
    return lambda document, taking: {name: _or_null(part(document, taking)) for name, part in parts.items()}


def _required(part: Part, place: str) -> Part:
    def made(document: dict[str, Any], taking: Taking) -> Json:
        value = part(document, taking)
        if value is MISSING:
            raise TemplateFailed(f"the event has nothing for {place or 'the template'}")
        return value

    return made


def _text(pieces: Sequence[str | tuple[str, ...]]) -> Part:
    """A text is there where all its pointers lead to something."""

    def made(document: dict[str, Any], taking: Taking) -> Json:
        texts, size = [], 0
        for piece in pieces:
            value = piece if isinstance(piece, str) else value_at(document, piece)
            if value is MISSING:
                return MISSING
            texts.append(_spelled(value))
            size += len(texts[-1])
            if size > TEXT_BYTES:
                raise TemplateFailed(f"a text has more than {TEXT_BYTES} characters")
        taking(text := "".join(texts))
        return text

    return made


def _spelled(value: Any) -> str:
    """As people read it: null is nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value).decode()
