"""The rules' language as its page says it, word by word and as slowly as that is: a judge of the compiled rules.

It reads patterns as data and shares no code with what it judges, but the word for what is not there.
"""

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from ipaddress import ip_address, ip_network
from typing import Any

from shared.rules.looking import MISSING

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: not a > b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: not a < b,
}
MOMENT = r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)"


def holds(pattern: Any, document: Any) -> bool:
    return _pattern(pattern, document, document)


def test_holds(test: Any, value: Any, document: Any) -> bool:
    """Of a node, or MISSING."""
    operator, parameter = next(iter(test.items())) if isinstance(test, dict) else ("", test)
    match operator:
        case "exists":
            return bool(parameter) == (value is not MISSING)
        case "size":
            return isinstance(value, list | str) and SIGNS[parameter[0]](len(value), parameter[1])
        case "all-of":
            return isinstance(value, list) and all(any(_same(each, one) for each in value) for one in parameter)
        case "equals-field":
            other = _opened(at(document, parameter))
            return any(_same(one, each) for one in _opened(value) for each in other)
    return any(_leaf(operator, parameter, each) for each in _opened(value))


def _pattern(pattern: Any, node: Any, document: Any) -> bool:
    objects = [each for each in _opened(node) if isinstance(each, dict)]
    return any(_object(pattern, each, document) for each in objects or [{}])


def _object(pattern: Any, found: Any, document: Any) -> bool:
    verdicts = []
    for name, wanted in pattern.items():
        if name == "$and":
            verdicts.append(all(_object(each, found, document) for each in wanted))
        elif name == "$or":
            verdicts.append(any(_object(each, found, document) for each in wanted))
        elif name == "$not":
            verdicts.append(not _object(wanted, found, document))
        elif isinstance(wanted, dict):
            verdicts.append(_pattern(wanted, found.get(name, MISSING), document))
        else:
            verdicts.append(any(test_holds(test, found.get(name, MISSING), document) for test in wanted))
    return all(verdicts)


def _opened(node: Any) -> list[Any]:
    """A node as a list of what is no list."""
    if isinstance(node, list):
        return [inner for each in node for inner in _opened(each)]
    return [] if node is MISSING else [node]


def at(document: Any, pointer: str) -> Any:
    """The node at a JSON Pointer, MISSING where there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name, MISSING)
        elif isinstance(document, list) and name in map(str, range(len(document))):
            document = document[int(name)]
        else:
            return MISSING
    return document


def _same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return Fraction(one) == Fraction(other)
    return type(one) is type(other) and not isinstance(one, dict | list) and one == other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaf(operator: str, parameter: Any, value: Any) -> bool:
    match operator:
        case "":
            return _same(parameter, value)
        case "anything-but":
            return not any(_leaf(kind, one, value) for kind, one in _excluded(parameter))
        case "numeric":
            pairs = zip(parameter[::2], parameter[1::2], strict=True)
            return _is_number(value) and all(SIGNS[sign](Fraction(value), Fraction(limit)) for sign, limit in pairs)
    return isinstance(value, str) and _text(operator, parameter, value)


def _excluded(parameter: Any) -> list[tuple[str, Any]]:
    kind, inner = next(iter(parameter.items())) if isinstance(parameter, dict) else ("", parameter)
    return [(kind, one) for one in (inner if isinstance(inner, list) else [inner])]


def _text(operator: str, parameter: Any, value: str) -> bool:
    if isinstance(parameter, dict):
        return _text(operator, parameter["equals-ignore-case"].casefold(), value.casefold())
    return TEXTS[operator](parameter, value)


def _ends(wanted: str, value: str) -> bool:
    return value[max(0, len(value) - len(wanted)) :] == wanted


def _is_as(wildcard: str, value: str) -> bool:
    return re.fullmatch(_expression(wildcard), value, re.DOTALL) is not None


def _is_before(limit: str, value: str) -> bool:
    found, wanted = _moment(value), _moment(limit)
    return found is not None and wanted is not None and found < wanted


def _is_after(limit: str, value: str) -> bool:
    found, wanted = _moment(value), _moment(limit)
    return found is not None and wanted is not None and found > wanted


def _expression(wildcard: str) -> str:
    parts = re.findall(r"\\.|.", wildcard, re.DOTALL)
    return "".join(".*" if part == "*" else re.escape(part[-1]) for part in parts)


def _is_inside(value: str, network: str) -> bool:
    wanted = ip_network(network, strict=False)
    try:
        address = ip_address(value)
    except ValueError:
        return False
    free = address.max_prefixlen - wanted.prefixlen
    return address.version == wanted.version and int(address) >> free == int(wanted.network_address) >> free


def _moment(text: str) -> Fraction | None:
    found = re.fullmatch(MOMENT, text, re.ASCII)
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{zone.upper().replace('Z', '+00:00')}")
    except ValueError:
        return None
    return Fraction(int(whole.timestamp())) + Fraction(f"0{fraction or ''}")


TEXTS: dict[str, Callable[[str, str], bool]] = {
    "prefix": lambda wanted, value: value[: len(wanted)] == wanted,
    "suffix": _ends,
    "equals-ignore-case": lambda wanted, value: value.casefold() == wanted.casefold(),
    "wildcard": _is_as,
    "cidr": lambda network, value: _is_inside(value, network),
    "before": _is_before,
    "after": _is_after,
}
