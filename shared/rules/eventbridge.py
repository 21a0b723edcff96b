"""Amazon EventBridge's event patterns, from and to.

Source: the EventBridge user guide, "Event pattern syntax" and "Comparison operators", event-ruler's README and its
`EqualsIgnoreCaseParser`, as of 2026. `detail-type` is our `type`, `detail` our `data`; `source`, `id` and `time` are
the same. Two of their operators look at leaves alone, ours at any node, and where case is ignored some letters are
others': there stands a remark.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_network
from typing import Any, Final

from shared.rules.conversions import Converted, Remark, inexpressible
from shared.rules.faults import Fault, Invalid, JsonPath, kind_of, pointer_to
from shared.rules.operators.parsing import quoted
from shared.rules.operators.test import Test
from shared.rules.operators.values import AnythingBut, Numeric
from shared.rules.parsing import parse
from shared.rules.pattern import NOT, OR, Field, Pattern
from shared.rules.pointers import steps_of
from shared.rules.scalars import Json, is_number

OURS: Final = {"detail-type": "type", "detail": "data", "source": "source", "id": "id", "time": "time"}
THEIRS: Final = {ours: theirs for theirs, ours in OURS.items()}
_WITHOUT_COUNTERPART: Final = {"account", "region", "resources", "version", "replay-name", "ingestion-time"}
_OPERATORS: Final = {
    "prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists",
}  # fmt: skip
_REMARKS: Final = {
    "exists": "EventBridge asks for a leaf, and of lists' objects for all of them; ours is there with any node",
    "anything-but": "EventBridge passes over objects; ours takes an object for anything but a scalar",
}
_IGNORES_CASE: Final = "equals-ignore-case"
_FOLDS: Final = (
    "EventBridge takes each letter small and capital; ours folds case as Unicode does: \u00df is ss, \u017f is s"
)
_BEYOND: Final = 0x10000
"""The first character that is two of Java's, which have no case."""
_GREATEST: Final = 5_000_000_000
_DECIMALS: Final = 6


def from_eventbridge(data: Any) -> Converted:
    """Our pattern of an event pattern. Raises Inexpressible for what ours has no words for, Invalid for what is none;
    pointers lead into what was given."""
    reading = _Reading()
    converted = reading.envelope(data, ())
    try:
        parse(converted)
    except Invalid as error:
        raise Invalid(
            Fault(_their_pointer(each.pointer), each.expected, each.found) for each in error.faults
        ) from error
    return Converted(converted, tuple(reading.remarks))


def to_eventbridge(pattern: Pattern) -> Converted:
    """Their event pattern of one of ours. Raises Inexpressible; pointers lead into ours."""
    writing = _Writing()
    return Converted(writing.pattern(pattern, (), top=True), tuple(writing.remarks))


def _their_pointer(pointer: str) -> str:
    """The same place before `detail-type` and `detail` were renamed."""
    steps = list(steps_of(pointer))
    at = 0
    while at + 1 < len(steps) and steps[at] == OR:
        at += 2
    if at < len(steps):
        steps[at] = THEIRS.get(steps[at], steps[at])
    return pointer_to(steps)


class _Reading:
    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def envelope(self, data: Any, at: JsonPath) -> Json:
        """The level at which events have names that are EventBridge's own."""
        found = {}
        for name, wanted in _object(data, at).items():
            if name == OR:
                found[OR] = [self.envelope(each, (*at, OR, place)) for place, each in _alternatives(wanted, (*at, OR))]
            elif name in OURS:
                found[OURS[name]] = self._wanted(wanted, (*at, name))
            elif name in _WITHOUT_COUNTERPART:
                raise inexpressible(pointer_to((*at, name)), "a field that CloudEvents have", quoted(name))
            else:
                raise Invalid([Fault(pointer_to((*at, name)), "a field of EventBridge's events", quoted(name))])
        return found

    def _wanted(self, wanted: Any, at: JsonPath) -> Json:
        if isinstance(wanted, list):
            return [self._test(each, (*at, place)) for place, each in enumerate(wanted)]
        found = {}
        for name, inner in _object(wanted, at).items():
            if name == OR:
                found[OR] = [self._wanted(each, (*at, OR, place)) for place, each in _alternatives(inner, (*at, OR))]
            elif name.startswith("$"):
                raise inexpressible(pointer_to((*at, name)), "a name without a $ at its beginning", quoted(name))
            else:
                found[name] = self._wanted(inner, (*at, name))
        return found

    def _test(self, test: Any, at: JsonPath) -> Json:
        if not isinstance(test, dict):
            return test
        for name in test:
            if name not in _OPERATORS:
                raise Invalid([Fault(pointer_to((*at, name)), "an operator of EventBridge", quoted(name))])
        self.remarks += _remarks(test, at)
        return test | {"cidr": _network(test["cidr"])} if "cidr" in test else test


def _object(data: Any, at: JsonPath) -> dict[str, Any]:
    if isinstance(data, dict):
        return data
    raise Invalid([Fault(pointer_to(at), "an object, or a list of tests", kind_of(data))])


def _alternatives(data: Any, at: JsonPath) -> Iterator[tuple[int, Any]]:
    """Of fewer than two objects EventBridge takes `$or` for a field's name, which ours cannot be."""
    if isinstance(data, list) and len(data) > 1 and all(isinstance(each, dict) for each in data):
        return iter(enumerate(data))
    raise inexpressible(pointer_to(at), "a list of two objects or more", kind_of(data))


def _remarks(test: dict[str, Any], at: JsonPath) -> Iterator[Remark]:
    """Where the languages judge differently by a test."""
    yield from (Remark(pointer_to(at), _REMARKS[name]) for name in test if name in _REMARKS)
    if any(_has_other_cases(text) for text in _ignoring_case(test)):
        yield Remark(pointer_to(at), _FOLDS)


def _ignoring_case(test: Any) -> Iterator[str]:
    """The texts for which a test ignores case, wherever in it they stand."""
    for name, told in test.items() if isinstance(test, dict) else ():
        if name == _IGNORES_CASE:
            yield from (each for each in (told if isinstance(told, list) else [told]) if isinstance(each, str))
        else:
            yield from _ignoring_case(told)


def _has_other_cases(text: str) -> bool:
    """Is there a text that is the same to one of the languages, and not to the other?"""
    folded = text.casefold()
    return any(ord(letter) >= _BEYOND for letter in folded) or any(part in folded for part in _unlike_cases())


@cache
def _unlike_cases() -> frozenset[str]:
    """What characters fold to that are not all small or capital forms of each other."""
    alike: dict[str, set[str]] = defaultdict(set)
    for letter in map(chr, range(_BEYOND)):
        alike[letter.casefold()].add(letter)
    return frozenset(
        folded
        for folded, letters in alike.items()
        if any({letter.lower(), letter.upper()} != letters for letter in letters)
    )


def _network(text: Any) -> Any:
    """Theirs may have bits behind the mask."""
    try:
        return str(ip_network(text, strict=False)) if isinstance(text, str) and "/" in text else text
    except ValueError:
        return text


class _Writing:
    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def pattern(self, pattern: Pattern, at: JsonPath, *, top: bool) -> dict[str, Json]:
        if pattern.never is not None:
            raise inexpressible(pointer_to((*at, NOT)), "what EventBridge has", quoted(NOT))
        parts = [self._field(field, at, top=top) for field in pattern.fields]
        if pattern.some:
            some = enumerate(pattern.some)
            parts.append({OR: [self.pattern(each, (*at, OR, place), top=top) for place, each in some]})
        parts += [self.pattern(each, (*at, "$and", place), top=top) for place, each in enumerate(pattern.every)]
        return _side_by_side(parts, at)

    def _field(self, field: Field, at: JsonPath, *, top: bool) -> dict[str, Json]:
        here = (*at, field.name)
        name = THEIRS.get(field.name) if top else field.name
        if name is None:
            raise inexpressible(pointer_to(here), "a field that EventBridge's events have", quoted(field.name))
        if "." in name:
            raise inexpressible(pointer_to(here), "a name without a dot, which EventBridge takes for two", quoted(name))
        if isinstance(field.wanted, Pattern):
            return {name: self.pattern(field.wanted, here, top=False)}
        return {name: [self._test(test, (*here, place)) for place, test in enumerate(field.wanted)]}

    def _test(self, test: Test, at: JsonPath) -> Json:
        data = test.data
        operator = next(iter(data)) if isinstance(data, dict) else ""
        if operator and operator not in _OPERATORS:
            raise inexpressible(pointer_to(at), "an operator of EventBridge", quoted(operator))
        if isinstance(test, AnythingBut) and not all(isinstance(key, str) or is_number(key) for key in test.keys):
            raise inexpressible(pointer_to(at), "anything but strings, or but numbers", quoted(data))
        if isinstance(test, Numeric) and not all(_in_their_range(limit) for _, limit in test.limits):
            expected = f"at most {_GREATEST} either way, and {_DECIMALS} decimals"
            raise inexpressible(pointer_to(at), expected, quoted(data))
        if operator:
            self.remarks += _remarks(data, at)
        return data


def _in_their_range(limit: float) -> bool:
    return abs(limit) <= _GREATEST and round(limit, _DECIMALS) == limit


def _side_by_side(parts: list[dict[str, Json]], at: JsonPath) -> dict[str, Json]:
    """What all must hold of one object is one pattern there, unless two ask for the same field."""
    found: dict[str, Json] = {}
    for part in parts:
        if twice := found.keys() & part.keys():
            raise inexpressible(pointer_to(at), "each field once, since EventBridge has no $and", quoted(min(twice)))
        found |= part
    return found
