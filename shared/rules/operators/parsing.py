"""From the entry of a field's list to a test."""

import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from ipaddress import ip_network
from typing import Any, Final

from shared.rules.faults import Fault, JsonPath, kind_of, pointer_to
from shared.rules.limits import TESTS
from shared.rules.moments import moment_of
from shared.rules.operators.test import Test
from shared.rules.operators.texts import (
    After,
    Before,
    Cidr,
    EqualsIgnoreCase,
    NoWildcard,
    Prefix,
    Suffix,
    Wildcard,
)
from shared.rules.operators.values import (
    COMPARISONS,
    AllOf,
    AnythingBut,
    AnythingButTexts,
    Equals,
    EqualsField,
    Exists,
    Numeric,
    Size,
)
from shared.rules.pointers import NoPointer, steps_of
from shared.rules.scalars import NoSuchNumber, Scalar, number_of

_LOWER: Final = {">", ">="}
_UPPER: Final = {"<", "<="}
_NETWORK: Final = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
"""Python also reads masks as addresses, and scopes."""
_SHOWN: Final = 60
"""Characters of a rule's own words in a fault."""


class Wrong(Exception):
    """The test cannot be read; `fault` says where and why."""

    def __init__(self, at: JsonPath, expected: str, found: str) -> None:
        self.fault = Fault(pointer_to(at), expected, found)
        super().__init__(str(self.fault))


def test_of(data: Any, at: JsonPath) -> Test:
    """`at` is where the entry stands in the rule. Raises Wrong."""
    if not isinstance(data, dict):
        return Equals(scalar_of(data, at))
    if len(data) != 1:
        raise Wrong(at, "an object with one operator", f"{len(data)} names")
    ((name, parameter),) = data.items()
    if name not in OPERATORS:
        raise Wrong((*at, name), f"an operator ({', '.join(OPERATORS)})", quoted(name))
    return OPERATORS[name](parameter, (*at, name))


def quoted(text: Any) -> str:
    """The rule's own words, cut."""
    shown = str(text)
    return repr(shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "...")


def scalar_of(data: Any, at: JsonPath) -> Scalar:
    if isinstance(data, bool | str) or data is None:
        return data
    if isinstance(data, int | float | Decimal):
        return _number(data, at)
    raise Wrong(at, "a string, number, true, false or null", kind_of(data))


def text_of(data: Any, at: JsonPath) -> str:
    if isinstance(data, str):
        return data
    raise Wrong(at, "a string", kind_of(data))


def items_of(data: Any, at: JsonPath, least: int = 1) -> list[Any]:
    if isinstance(data, list) and least <= len(data) <= TESTS:
        return data
    found = f"{len(data)} entries" if isinstance(data, list) else kind_of(data)
    raise Wrong(at, f"a list of {least} to {TESTS}", found)


def _number(data: Any, at: JsonPath) -> int | float:
    if isinstance(data, bool) or not isinstance(data, int | float | Decimal):
        raise Wrong(at, "a number", kind_of(data))
    try:
        return number_of(data)
    except NoSuchNumber as error:
        raise Wrong(at, str(error), quoted(data)) from error


def _cased(kind: type[Prefix | Suffix]) -> Callable[[Any, JsonPath], Test]:
    def read(data: Any, at: JsonPath) -> Test:
        if not isinstance(data, dict):
            return kind(text_of(data, at))
        if list(data) != [EqualsIgnoreCase.operator]:
            raise Wrong(at, f"a string, or an object with {EqualsIgnoreCase.operator}", kind_of(data))
        inside = EqualsIgnoreCase.operator
        return kind(text_of(data[inside], (*at, inside)), ignore_case=True)

    return read


def _ignoring_case(data: Any, at: JsonPath) -> Test:
    return EqualsIgnoreCase(text_of(data, at))


def _wildcard(data: Any, at: JsonPath) -> Test:
    text = text_of(data, at)
    try:
        return Wildcard(text)
    except NoWildcard as error:
        raise Wrong(at, str(error), quoted(text)) from error


def _cidr(data: Any, at: JsonPath) -> Test:
    text = text_of(data, at)
    with suppress(ValueError):
        if _NETWORK.fullmatch(text):
            return Cidr(ip_network(text))
    raise Wrong(at, "a network such as 10.0.0.0/8 or 2001:db8::/32, no bits behind its mask", quoted(text))


def _moment(kind: type[Before]) -> Callable[[Any, JsonPath], Test]:
    def read(data: Any, at: JsonPath) -> Test:
        text = text_of(data, at)
        moment = moment_of(text)
        if moment is None:
            raise Wrong(at, "a moment of RFC 3339 such as 2027-01-01T00:00:00Z", quoted(text))
        return kind(text, moment)

    return read


def _anything_but(data: Any, at: JsonPath) -> Test:
    if isinstance(data, dict):
        return _anything_but_texts(data, at)
    if not isinstance(data, list):
        return AnythingBut(scalar_of(data, at))
    values = tuple(scalar_of(each, (*at, place)) for place, each in enumerate(items_of(data, at)))
    if len({kind_of(value) for value in values}) > 1:
        raise Wrong(at, "scalars of one kind", " and ".join(sorted({kind_of(value) for value in values})))
    return AnythingBut(values)


_TEXTS: Final[dict[str, Callable[[Any, JsonPath], Test]]] = {
    "prefix": _cased(Prefix),
    "suffix": _cased(Suffix),
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
}


def _anything_but_texts(data: dict[str, Any], at: JsonPath) -> Test:
    kind = next(iter(data), "")
    if len(data) != 1 or kind not in _TEXTS:
        raise Wrong(at, f"a scalar, a list of them, or one of {', '.join(_TEXTS)}", f"{quoted(', '.join(data))}")
    found, at = data[kind], (*at, kind)
    if isinstance(found, list):
        tests = [_plain_text(kind, text, (*at, place)) for place, text in enumerate(items_of(found, at))]
        return AnythingButTexts(kind, tests, listed=True)
    return AnythingButTexts(kind, [_plain_text(kind, found, at)], listed=False)


def _plain_text(kind: str, data: Any, at: JsonPath) -> Test:
    return _TEXTS[kind](text_of(data, at), at)


def _numeric(data: Any, at: JsonPath) -> Test:
    if not isinstance(data, list) or len(data) not in {2, 4}:
        raise Wrong(at, "[comparison, number], or a lower and an upper one", kind_of(data))
    limits = [(_sign(data, place, at), _number(data[place + 1], (*at, place + 1))) for place in range(0, len(data), 2)]
    if len(limits) == 2:  # noqa: PLR2004 - a range has two ends
        (lower, least), (upper, greatest) = limits
        if lower not in _LOWER or upper not in _UPPER:
            raise Wrong(at, "a lower limit (> or >=), then an upper one (< or <=)", quoted(f"{lower} and {upper}"))
        if least > greatest or (least == greatest and (lower, upper) != (">=", "<=")):
            raise Wrong(at, "a range with something in it", quoted(f"{lower} {least} and {upper} {greatest}"))
    return Numeric(limits)


def _sign(data: list[Any], place: int, at: JsonPath) -> str:
    sign = data[place]
    if isinstance(sign, str) and sign in COMPARISONS:
        return sign
    raise Wrong(
        (*at, place), f"one of {' '.join(COMPARISONS)}", quoted(sign) if isinstance(sign, str) else kind_of(sign)
    )


def _exists(data: Any, at: JsonPath) -> Test:
    if not isinstance(data, bool):
        raise Wrong(at, "true or false", kind_of(data))
    return Exists(wanted=data)


def _size(data: Any, at: JsonPath) -> Test:
    if not isinstance(data, list) or len(data) != 2:  # noqa: PLR2004 - a pair
        raise Wrong(at, "[comparison, count]", kind_of(data))
    count = data[1]
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise Wrong(
            (*at, 1), "a whole number of 0 or more", quoted(count) if isinstance(count, int) else kind_of(count)
        )
    return Size(_sign(data, 0, at), count)


def _all_of(data: Any, at: JsonPath) -> Test:
    return AllOf([scalar_of(each, (*at, place)) for place, each in enumerate(items_of(data, at))])


def _equals_field(data: Any, at: JsonPath) -> Test:
    text = text_of(data, at)
    with suppress(NoPointer):
        if steps := steps_of(text):
            return EqualsField(steps)
    raise Wrong(at, "a JSON Pointer into the event such as /data/x", quoted(text))


OPERATORS: Final[dict[str, Callable[[Any, JsonPath], Test]]] = _TEXTS | {
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
    "before": _moment(Before),
    "after": _moment(After),
    "all-of": _all_of,
    "size": _size,
    "equals-field": _equals_field,
}
