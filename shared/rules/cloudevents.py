"""CloudEvents' subscription filters, from and to: the dialects `exact`, `prefix`, `suffix`, `all`, `any` and `not`.

Source: CloudEvents Subscriptions API 0.1-wip, section 3.2.4. Filters compare attributes as strings; an extension
attribute may be an Integer or a Boolean, which our rules tell from a string. So "5" is converted to the string and the
number, unless CloudEvents' own documentation of the extension calls it a string.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from shared.rules.conversions import Converted, inexpressible
from shared.rules.documents import ATTRIBUTES, EXTENSIONS
from shared.rules.faults import Fault, Invalid, JsonPath, kind_of, pointer_to
from shared.rules.operators.parsing import quoted
from shared.rules.operators.test import Test
from shared.rules.operators.texts import Prefix, Suffix
from shared.rules.operators.values import AnythingBut, Equals
from shared.rules.parsing import parse
from shared.rules.pattern import AND, NOT, OR, Field, Pattern
from shared.rules.reading import check
from shared.rules.scalars import Json, Scalar, keys_of

REQUIRED: Final = frozenset({"id", "source", "specversion", "type"})
EVERYTHING: Final[Json] = {"id": [{"exists": True}]}
"""Our pattern of no filter: no CloudEvent is without an id."""
STRINGS: Final = frozenset({
    "authid", "authtype", "causationid", "correlationid", "dataref", "expirytime", "partitionkey", "recordedtime",
    "sequence", "severitytext", "traceparent", "tracestate",
})  # fmt: skip
"""Extension attributes that CloudEvents' documentation makes strings, URIs or timestamps."""

_NAME: Final = re.compile(r"[a-z0-9]+")
_INTEGER: Final = re.compile(r"-?[1-9][0-9]{0,9}|0")
_BOOLEANS: Final[dict[str, Scalar]] = {"true": True, "false": False}


def from_filters(filters: Any) -> Converted:
    """Our pattern of a subscription's `filters`, all of which must be true. Raises Inexpressible for a dialect or a
    comparison that ours has no words for, Invalid for what is no filter; pointers lead into what was given."""
    check(filters)
    if not isinstance(filters, list):
        raise Invalid([Fault("", "a list of filters", kind_of(filters))])
    found = [_filter(each, (place,)) for place, each in enumerate(filters)]
    converted = _both(AND, found) if found else EVERYTHING
    return Converted(parse(converted).data)


def to_filters(pattern: Pattern) -> Converted:
    """A subscription's `filters` of one of our patterns. Raises Inexpressible; pointers lead into ours."""
    if pattern.data == EVERYTHING:
        return Converted([])
    return Converted(_parts(pattern, (), extensions=False))


def spellings(name: str, text: str) -> list[Scalar]:
    """The values of an attribute that are written as `text`."""
    found: list[Scalar] = [text]
    if name in ATTRIBUTES | STRINGS:
        return found
    if text in _BOOLEANS:
        found.append(_BOOLEANS[text])
    if _INTEGER.fullmatch(text):
        found.append(int(text))
    return found


def _filter(data: Any, at: JsonPath) -> Json:
    if not isinstance(data, dict) or len(data) != 1:
        raise Invalid([Fault(pointer_to(at), "an object with one dialect", kind_of(data))])
    ((dialect, told),) = data.items()
    if dialect not in _DIALECTS:
        raise inexpressible(pointer_to((*at, dialect)), f"one of the dialects {', '.join(_DIALECTS)}", quoted(dialect))
    return _DIALECTS[dialect](told, (*at, dialect))


def _all(data: Any, at: JsonPath) -> Json:
    return _both(AND, _several(data, at))


def _any(data: Any, at: JsonPath) -> Json:
    return _both(OR, _several(data, at))


def _not(data: Any, at: JsonPath) -> Json:
    return {NOT: _filter(data, at)}


def _several(data: Any, at: JsonPath) -> list[Json]:
    if not isinstance(data, list) or not data:
        raise Invalid([Fault(pointer_to(at), "a list of at least one filter", kind_of(data))])
    return [_filter(each, (*at, place)) for place, each in enumerate(data)]


def _both(operator: str, patterns: list[Json]) -> Json:
    return patterns[0] if len(patterns) == 1 else {operator: patterns}


def _comparing(tests: Callable[[str, str, JsonPath], list[Json]]) -> Callable[[Any, JsonPath], Json]:
    """A dialect of attributes and texts; all of its attributes must match."""

    def convert(data: Any, at: JsonPath) -> Json:
        if not isinstance(data, dict) or not data:
            raise Invalid([Fault(pointer_to(at), "an object of attributes", kind_of(data))])
        found: dict[str, Json] = {}
        for name, text in data.items():
            if not _NAME.fullmatch(name) or name == "data":
                raise Invalid([Fault(pointer_to((*at, name)), "the name of an attribute", quoted(name))])
            if not isinstance(text, str) or not text:
                raise Invalid([Fault(pointer_to((*at, name)), "a string that is not empty", kind_of(text))])
            held = tests(name, text, (*at, name))
            if name in ATTRIBUTES:
                found[name] = held
            else:
                found.setdefault(EXTENSIONS, {})[name] = held
        return found

    return convert


def _part_of(operator: str) -> Callable[[str, str, JsonPath], list[Json]]:
    def tests(name: str, text: str, at: JsonPath) -> list[Json]:
        if _may_be_of_no_string(operator, name, text):
            expected = "a text that no number and neither true nor false has there"
            raise inexpressible(pointer_to(at), expected, quoted(text))
        return [{operator: text}]

    return tests


def _may_be_of_no_string(operator: str, name: str, text: str) -> bool:
    """Could an Integer or a Boolean, written out, begin or end so?"""
    if name in ATTRIBUTES | STRINGS:
        return False
    begins = operator == Prefix.operator
    if any(word.startswith(text) if begins else word.endswith(text) for word in _BOOLEANS):
        return True
    return re.fullmatch(r"-?[0-9]*", text) is not None if begins else re.fullmatch(r"-?[0-9]+", text) is not None


_DIALECTS: Final[dict[str, Callable[[Any, JsonPath], Json]]] = {
    "exact": _comparing(lambda name, text, _: list(spellings(name, text))),
    "prefix": _comparing(_part_of(Prefix.operator)),
    "suffix": _comparing(_part_of(Suffix.operator)),
    "all": _all,
    "any": _any,
    "not": _not,
}


def _parts(pattern: Pattern, at: JsonPath, *, extensions: bool) -> list[Json]:
    """Filters all of which must be true."""
    parts = [_field(field, (*at, field.name), extensions=extensions) for field in pattern.fields]
    for place, inner in enumerate(pattern.every):
        parts += _parts(inner, (*at, AND, place), extensions=extensions)
    if pattern.some:
        some = enumerate(pattern.some)
        parts.append({"any": [_written(inner, (*at, OR, place), extensions=extensions) for place, inner in some]})
    if pattern.never is not None:
        parts.append({"not": _written(pattern.never, (*at, NOT), extensions=extensions)})
    return parts


def _written(pattern: Pattern, at: JsonPath, *, extensions: bool) -> Json:
    parts = _parts(pattern, at, extensions=extensions)
    return parts[0] if len(parts) == 1 else {"all": parts}


def _field(field: Field, at: JsonPath, *, extensions: bool) -> Json:
    if field.name == EXTENSIONS and not extensions and isinstance(field.wanted, Pattern):
        return _written(field.wanted, at, extensions=True)
    if isinstance(field.wanted, Pattern) or not (
        _NAME.fullmatch(field.name) if extensions else field.name in ATTRIBUTES
    ):
        raise inexpressible(pointer_to(at), "an attribute, since filters see no data", quoted(field.name))
    exact = [test for test in field.wanted if isinstance(test, Equals)]
    found = [{"exact": {field.name: text}} for text in _texts(field.name, exact, at)]
    found += [_test(field.name, test, (*at, place)) for place, test in enumerate(field.wanted) if test not in exact]
    return found[0] if len(found) == 1 else {"any": found}


def _texts(name: str, exact: list[Equals], at: JsonPath) -> list[str]:
    """The texts whose spellings these values are. Raises Inexpressible for one that shares its spelling."""
    values = {test.key: test.value for test in exact}
    texts = list(dict.fromkeys(value if isinstance(value, str) else _spelled(value) for value in values.values()))
    for text in texts:
        if not text or not keys_of(spellings(name, text)) <= values.keys():
            raise inexpressible(pointer_to(at), "all values that are written alike, and none empty", quoted(text))
    if unwritten := values.keys() - keys_of(each for text in texts for each in spellings(name, text)):
        raise inexpressible(pointer_to(at), "a value of an attribute", quoted(unwritten))
    return texts


def _spelled(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _test(name: str, test: Test, at: JsonPath) -> Json:
    match test:
        case Prefix() | Suffix() if not test.ignore_case and test.text:
            if not _may_be_of_no_string(test.operator, name, test.text):
                return {test.operator: {name: test.text}}
        case AnythingBut() if name in REQUIRED and all(isinstance(key, str) and key for key in test.keys):
            texts = [{"exact": {name: key}} for key in sorted(map(str, test.keys))]
            return {"not": texts[0] if len(texts) == 1 else {"any": texts}}
    raise inexpressible(pointer_to(at), "exact, prefix or suffix of a string", quoted(test.data))
