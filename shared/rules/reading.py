"""Texts of rules and events, as JSON or YAML, read into JSON's values.

Stricter than the readers beneath, since a rule that is read otherwise than it was meant sends events to the wrong
place: a name given twice, NaN, half a surrogate pair, an integer beyond 64 bit, nesting without end and YAML's aliases
and tags are refused. YAML's plain words are those of JSON alone: `no` is a country, `on` a name, `12:30` a text.
"""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from math import isfinite
from typing import Any

import yaml
from pydantic_core import to_json

from shared.kernel.jsontext import is_text, repeated, shown_name
from shared.rules.faults import Fault, Invalid, JsonPath, Unheld, kind_of, pointer_to
from shared.rules.limits import DOCUMENT_DEPTH, FAULTS, GREATEST_INTEGER, LEAST_INTEGER, TEXT_BYTES
from shared.rules.undoubted import Written, is_shallow, undoubted

_DIGITS = 21
"""So many characters of an integer are beyond 64 bit already: the rest need not be read."""
_SURE_DIGITS = 18
"""An integer of so many characters has 64 bit."""
_ESCAPE = "\\u"
"""How JSON's text writes a character by its number, and so half a surrogate pair as well."""


class _Repeating(dict[str, Any]):
    """An object in which `repeated` stand more than once."""

    repeated: tuple[str, ...] = ()


class _Constant(float):
    """NaN or an infinity, by its name: Python reads it, and it is no JSON."""


def from_json(text: str | bytes) -> Any:
    """One value; numbers that are no integers as Decimal, as they are written. Raises Invalid."""
    return _json(text, Decimal)


def event_from_json(text: str | bytes) -> dict[str, Any]:
    """An event, its numbers integers and binary64. Raises Invalid."""
    event = _json(text, float)
    if not isinstance(event, dict):
        raise Invalid([Fault("", "an object", kind_of(event))])
    return event


def message_from_json(text: str | bytes, most: int, levels: int = DOCUMENT_DEPTH) -> Any:
    """One value of at most so many bytes, such as a list of events, numbers as in an event; `levels` are lists and
    objects inside each other: one more for what holds events, one less for an event's data. Raises Invalid."""
    return _json(text, float, most, levels)


def written_from_json(text: bytes, most: int, levels: int = DOCUMENT_DEPTH) -> Written:
    """The same, with the text of each of its parts. Raises Invalid."""
    if len(text) <= most and (written := undoubted(text, levels)) is not None:
        return written
    value = message_from_json(text, most, levels)
    return Written(value, [to_json(part) for part in (value if isinstance(value, list) else [value])])


def from_yaml(text: str | bytes) -> Any:
    """One value, as `from_json`. Raises Invalid."""
    documents = documents_from_yaml(text)
    if len(documents) != 1:
        raise Invalid([Fault("", "one document", f"{len(documents)}")])
    return documents[0]


def documents_from_yaml(text: str | bytes) -> list[Any]:
    """The documents of a text, which `---` parts, each as `from_json`. Raises Invalid."""
    plain = _plain(text)
    try:
        documents = list(yaml.load_all(plain, _Loader))
    except yaml.YAMLError as error:
        raise Invalid([Fault("", "YAML of JSON's values", _problem(error))]) from error
    except RecursionError as error:
        raise _too_deep(DOCUMENT_DEPTH) from error
    for document in documents:
        check(document)
    return documents


def check(value: Any, levels: int = DOCUMENT_DEPTH) -> None:
    """Raises Invalid for what no JSON of ours may hold: for a value that was read by others."""
    if faults := list(islice(_faults(value, (), levels), FAULTS)):
        raise Invalid(faults)


def _json(text: str | bytes, floats: Callable[[str], Any], most: int = TEXT_BYTES, levels: int = DOCUMENT_DEPTH) -> Any:
    """While it is read, nearly every fault that there can be shows: only what is doubtful is walked through."""
    plain, doubts = _plain(text, most), _Doubts(floats)
    try:
        found = json.loads(
            plain,
            object_pairs_hook=doubts.object,
            parse_float=doubts.number,
            parse_int=doubts.integer,
            parse_constant=doubts.constant,
        )
    except json.JSONDecodeError as error:
        raise Invalid([Fault("", "JSON", f"{error.msg}, line {error.lineno} column {error.colno}")]) from error
    except RecursionError as error:
        raise _too_deep(levels) from error
    half_characters = _ESCAPE in plain or (isinstance(text, str) and not text.isascii())
    may_be_deep = plain.count("[") + plain.count("{") > levels
    if doubts.any or half_characters or (may_be_deep and not is_shallow(found, levels)):
        check(found, levels)
    return found


class _Doubts:
    """Whether something was read that no JSON of ours may hold, or that may be no such thing."""

    def __init__(self, floats: Callable[[str], Any]) -> None:
        self._floats = floats
        self.any = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = _object(pairs)
        self.any = self.any or len(found) != len(pairs)
        return found

    def number(self, text: str) -> Any:
        value = self._floats(text)
        self.any = self.any or not isfinite(value)
        return value

    def integer(self, digits: str) -> int:
        if len(digits) > _SURE_DIGITS:
            self.any = True
            return _integer(digits)
        return int(digits)

    def constant(self, name: str) -> Any:
        self.any = True
        return _Constant(name)


def _plain(text: str | bytes, most: int = TEXT_BYTES) -> str:
    if len(text) > most:
        raise Invalid([Fault("", f"at most {most} bytes", f"{len(text)}")])
    try:
        return text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise Invalid([Fault("", "UTF-8", f"byte {error.start} is none")]) from error


def _problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    return f"{error.problem}, line {error.problem_mark.line + 1} column {error.problem_mark.column + 1}"


def _too_deep(levels: int) -> Invalid:
    return Invalid([Fault("", f"at most {levels} lists and objects inside each other", "more")])


def _integer(digits: str) -> int:
    return int(digits[:_DIGITS])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Repeating(found)
    twice.repeated = repeated(pairs)
    return twice


def _pointer(at: JsonPath) -> str:
    """A place as an answer can carry it, whatever the names are that lead to it."""
    return pointer_to(shown_name(step) if isinstance(step, str) else step for step in at)


def _faults(value: Any, at: JsonPath, levels: int) -> Iterator[Fault]:
    if isinstance(value, dict | list) and len(at) >= levels:
        yield Fault(_pointer(at), f"at most {levels} lists and objects inside each other", "more")
    elif isinstance(value, dict):
        for name in value.repeated if isinstance(value, _Repeating) else ():
            yield Fault(_pointer((*at, name)), "a name once", "the same name twice")
        for name, inner in value.items():
            yield from _faults_of_text(name, at)
            yield from _faults(inner, (*at, name), levels)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _faults(inner, (*at, place), levels)
    else:
        yield from _faults_of_scalar(value, at)


def _faults_of_scalar(value: Any, at: JsonPath) -> Iterator[Fault]:
    """Of the very types that readers make: a subclass would be equal here and another there."""
    kind = type(value)
    if kind is str:
        yield from _faults_of_text(value, at)
    elif kind is int:
        if not LEAST_INTEGER <= value <= GREATEST_INTEGER:
            yield Unheld(_pointer(at), "an integer of 64 bit", "a larger one")
    elif kind is float or kind is Decimal:
        if not isfinite(value):
            yield Unheld(_pointer(at), "a finite number", "none")
    elif kind is _Constant:
        yield Fault(_pointer(at), "a finite number", "none")
    elif kind is not bool and value is not None:
        yield Fault(_pointer(at), "a value of JSON", kind_of(value))


def _faults_of_text(text: Any, at: JsonPath) -> Iterator[Fault]:
    if not isinstance(text, str):
        yield Fault(_pointer(at), "names that are strings", kind_of(text))
    elif not is_text(text):
        yield Unheld(_pointer(at), "Unicode's characters", "half a surrogate pair")


class _Loader(yaml.SafeLoader):
    """YAML with JSON's plain words, without aliases and tags, with what stands twice marked."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as the library declares it

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias", event.start_mark)  # type: ignore[arg-type]
        if getattr(event, "tag", None) is not None:  # `!!int abc` is no integer, whatever it says of itself
            raise yaml.composer.ComposerError(None, None, "a tag", event.start_mark)
        return super().compose_node(parent, index)

    def object_of(self, node: Any) -> dict[str, Any]:
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a name that is no string", key.start_mark)
        return _object(self.construct_pairs(node, deep=True))

    def number_of(self, node: Any) -> Decimal:
        return Decimal(self.construct_scalar(node))

    def integer_of(self, node: Any) -> int:
        return _integer(self.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.object_of)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.integer_of)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.number_of)
for _tag, _words, _beginnings in (
    ("null", r"(?:null|~|)$", ["n", "~", ""]),
    ("bool", r"(?:true|false)$", ["t", "f"]),
    ("int", r"-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_words), _beginnings)
