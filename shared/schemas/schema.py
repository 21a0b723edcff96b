"""JSON Schemas (2020-12) that others give us: what is taken, and what is wrong with a value. The validator's library is
named here and in `compatibility` alone.

A schema fetches nothing and says no more than it shows: its references lead into itself, its patterns run in an engine
whose time is linear in the text, and in what they are with their repetitions written out.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError, ValidationErrorKind

from shared.rules.faults import Invalid, pointer_to
from shared.rules.reading import check
from shared.schemas.expressions import room_of
from shared.schemas.looks import TooOften, check_looks

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
LARGEST: Final = 64 * 1024
"""Bytes of a schema as compact JSON."""
FAULTS: Final = 20
"""Told of one value; whoever has more begins with these."""
MOST_ROOM: Final = 128 * 1024
"""KiB that the engine may take for all regular expressions of a schema; making so much ready takes it a second."""
MOST_FAULTS: Final = 100_000
"""That there may be in a value before its places are told. The validator makes all of them before it gives the first
one, some KiB for each: of a large list, under a few alternatives, gigabytes."""
ALTERNATIVES: Final = ("anyOf", "oneOf")
LONGEST_TOLD: Final = 100
"""Characters of what a schema asks for, in a sentence."""
PATTERNS: Final = ("pattern", "patternProperties")
REFERENCES: Final = ("$ref", "$dynamicRef")


@dataclass(frozen=True, slots=True)
class Wrong:
    """At `pointer` (RFC 6901) something is not as the schema has it; what stands there is never told."""

    pointer: str
    detail: str


class WrongSchema(ValueError):
    """It is no schema that is taken; `faults` says where."""

    def __init__(self, *faults: Wrong) -> None:
        super().__init__("; ".join(f"{fault.pointer or 'the whole'}: {fault.detail}" for fault in faults))
        self.faults = faults


class Schema:
    """One that was found to be good."""

    def __init__(self, document: Mapping[str, Any], *, known: bool = False) -> None:
        """`known`: it was taken before, by a release that may not have asked how long its patterns take. Raises
        WrongSchema."""
        if faults := list(islice(_refused(document), FAULTS)):
            raise WrongSchema(*faults)
        self.document = document
        self._has_alternatives = any(name in part for part in _parts(document) for name in ALTERNATIVES)
        self._is_one = not any("$id" in part for part in _parts(document) if part is not document)
        try:
            self._at_a_place = check_looks(document, expressions=not known)
        except TooOften as error:
            raise WrongSchema(Wrong(pointer_to(error.path), error.detail)) from error
        if not known:
            _check_room(document)
        try:
            self._validator = Draft202012Validator(dict(document), pattern_options=RegexOptions(), offline=True)
        except ValidationError as error:
            raise WrongSchema(_unlike(error)) from error

    def faults(self, value: Any) -> list[Wrong]:
        """What is wrong with a value, at most FAULTS; nothing where it is valid."""
        if self._validator.is_valid(value):
            return []
        most = MOST_FAULTS // self._at_a_place
        if len(list(islice(_places(value), most + 1))) <= most:
            return list(islice(self._wrongs(self._validator.iter_errors(value)), FAULTS))
        if self._has_alternatives:
            return [Wrong("", "is not valid by the schema, and too large for the place to be told")]
        try:
            self._validator.validate(value)
        except ValidationError as error:
            return list(islice(self._wrongs([error]), FAULTS))
        return []

    def _wrongs(self, errors: Iterable[ValidationError]) -> Iterator[Wrong]:
        for error in errors:
            at = pointer_to(error.instance_path)
            match error.kind:
                case ValidationErrorKind.Required(property=name):
                    yield Wrong(at + pointer_to([str(name)]), "is required")
                case ValidationErrorKind.AdditionalProperties(unexpected=names):
                    yield from (Wrong(at + pointer_to([name]), "is not a field here") for name in names)
                case ValidationErrorKind.UnevaluatedProperties(unexpected=names):
                    yield from (Wrong(at + pointer_to([name]), "is not a field here") for name in names)
                case _:
                    yield Wrong(at, self._asks(error))

    def _asks(self, error: ValidationError) -> str:
        """The schema's own words, which are nobody's secret. Where parts have names of their own a way may begin at any
        of them: then only what leads over no reference is told."""
        way = error.schema_path if self._is_one else error.evaluation_path
        keyword = str(way[-1]) if way else ""
        asked: Any = self.document
        try:
            for step in way:
                asked = asked[step]
        except (LookupError, TypeError):
            return f"must fit {keyword}"
        told = json.dumps(asked, ensure_ascii=False)
        return f"must fit {keyword}: {told if len(told) <= LONGEST_TOLD else told[:LONGEST_TOLD] + '...'}"


def _places(value: Any) -> Iterator[Any]:
    """Every value in it, and itself."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, dict | list):
            waiting += found.values() if isinstance(found, dict) else found


def _parts(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in it, and itself."""
    if isinstance(node, Mapping):
        yield node
    inside = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for inner in inside:
        yield from _parts(inner)


def _check_room(document: Mapping[str, Any]) -> None:
    """The engine keeps each expression once. Raises WrongSchema."""
    rooms = {each: (room_of(each), at) for each, at in _expressions(document, ())}
    if sum(room for room, _ in rooms.values()) > MOST_ROOM:
        _, at = max(rooms.values(), key=lambda room: room[0])
        told = f"more than {MOST_ROOM // 1024} MiB for all of the schema, with repetitions written out"
        raise WrongSchema(Wrong(pointer_to(at), f"is a regular expression that takes too much room: {told}"))


def _expressions(node: Any, at: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Those in it, and where each stands; what only looks like one is counted as well."""
    if isinstance(node, Mapping):
        if isinstance(told := node.get("pattern"), str):
            yield told, (*at, "pattern")
        named = node.get("patternProperties")
        yield from ((name, (*at, "patternProperties", name)) for name in (named if isinstance(named, Mapping) else ()))
    inside = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in inside:
        yield from _expressions(inner, (*at, step))


def _unlike(error: ValidationError) -> Wrong:
    """Why the validator does not take a document."""
    at = error.instance_path
    if at and at[-1] in PATTERNS:
        return Wrong(pointer_to(at), "is no regular expression of an engine whose time is linear, or too large a one")
    return Wrong(pointer_to(at), "is no JSON Schema 2020-12")


def _refused(document: Any) -> Iterator[Wrong]:
    """What the validator would take, and we do not."""
    if not isinstance(document, Mapping):
        yield Wrong("", "must be an object")
        return
    try:
        check(document)
    except Invalid as invalid:
        yield from (Wrong(fault.pointer, f"must have {fault.expected}") for fault in invalid.faults)
        return
    if len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) > LARGEST:
        yield Wrong("", f"has more than {LARGEST} bytes")
        return
    if document.get("$schema", DRAFT) != DRAFT:
        yield Wrong("/$schema", f"must be {DRAFT}, or left out")
    yield from _outward(document, ())


def _outward(node: Any, at: tuple[str | int, ...]) -> Iterator[Wrong]:
    """References that lead out of the document."""
    if isinstance(node, Mapping):
        for name, inner in node.items():
            if name in REFERENCES and isinstance(inner, str) and not inner.startswith("#"):
                yield Wrong(pointer_to((*at, name)), "must lead into this schema: #...")
            yield from _outward(inner, (*at, name))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from _outward(inner, (*at, place))
