"""Random rules and events by seed, of few names and values, so that they meet."""

import random
from collections.abc import Callable
from typing import Any

NAMES = ("a", "b", "c", "a.b", "type")
TEXTS = (
    "",
    "x",
    "X",
    "xy",
    "xyx",
    "yx",
    "x*y",
    "\\",
    "stra\u00dfe",
    "STRASSE",
    "1",
    "10.0.0.7",
    "10.1.0.1",
    "2001:db8::1",
)
MOMENTS = ("2027-01-01T00:00:00Z", "2027-01-01T01:00:00+01:00", "2027-01-01T00:00:00.5Z", "2026-02-30T00:00:00Z")
NUMBERS = (0, 1, 1.0, -1, 2, 2.5, 2**53, 2**53 + 1, float(2**53), 1e300)
SIGNS = ("=", "<", "<=", ">", ">=")
POINTERS = ("/a", "/b", "/c/a", "/a/0", "/a.b", "/type", "/no/such")
NETWORKS = ("10.0.0.0/8", "10.0.0.0/30", "10.0.0.7/32", "0.0.0.0/0", "2001:db8::/32", "::/0")
DEPTH = 3


def a_scalar(chance: random.Random) -> Any:
    return chance.choice((None, True, False, *NUMBERS, *TEXTS, *TEXTS, *MOMENTS))


def a_value(chance: random.Random, depth: int = DEPTH) -> Any:
    dice = chance.random()
    if depth == 0 or dice < 0.5:
        return a_scalar(chance)
    if dice < 0.7:
        return [a_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return an_object(chance, depth - 1)


def an_object(chance: random.Random, depth: int = DEPTH) -> dict[str, Any]:
    return {name: a_value(chance, depth) for name in chance.sample(NAMES, chance.randrange(len(NAMES) + 1))}


def some_events(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """The first, others that differ from it in one field, and one that has nothing to do with it."""
    first = an_object(chance) | {name: a_value(chance) for name in chance.sample(NAMES, 2)}
    others = [first | {chance.choice(NAMES): a_value(chance)} for _ in range(count - 2)]
    return [first, *others, an_object(chance)]


def a_pattern(chance: random.Random, near: Any = None, depth: int = DEPTH) -> dict[str, Any]:
    """`near` is an object that the rule is written for, mostly."""
    near = near if isinstance(near, dict) else {}
    names = [*near, *near, *near, *NAMES]
    found: dict[str, Any] = {}
    for name in (chance.choice(names) for _ in range(chance.choice((1, 1, 1, 2)))):
        value = _opened(chance, near.get(name))
        likely = 0.9 if isinstance(value, dict) else 0.1
        is_pattern = depth > 0 and chance.random() < likely
        found[name] = a_pattern(chance, value, depth - 1) if is_pattern else some_tests(chance, near.get(name))
    if depth > 0 and chance.random() < 0.25:
        operator = chance.choice(("$and", "$or", "$or", "$not"))
        several = [a_pattern(chance, near, depth - 1) for _ in range(2)]
        found[operator] = several[0] if operator == "$not" else several
    return found


def _opened(chance: random.Random, value: Any) -> Any:
    while isinstance(value, list) and value:
        value = chance.choice(value)
    return value


def some_tests(chance: random.Random, near: Any = None) -> list[Any]:
    if chance.random() < 0.4:
        return [_scalar_near(chance, near) for _ in range(chance.choice((1, 1, 2, 4)))]
    return [a_test(chance, near) for _ in range(chance.choice((1, 1, 1, 2, 3)))]


def _scalar_near(chance: random.Random, near: Any) -> Any:
    value = _opened(chance, near)
    return value if chance.random() < 0.7 and not isinstance(value, dict | list) else a_scalar(chance)


def _text_near(chance: random.Random, near: Any) -> str:
    value = _opened(chance, near)
    if not isinstance(value, str) or not value or chance.random() < 0.3:
        return chance.choice(TEXTS)
    begin = chance.randrange(len(value))
    return chance.choice((value, value[begin:], value[:begin], value.swapcase()))


def a_test(chance: random.Random, near: Any = None) -> Any:
    kind = chance.choice(("", *PARAMETERS))
    return {kind: PARAMETERS[kind](chance, near)} if kind else _scalar_near(chance, near)


def _cased(chance: random.Random, near: Any) -> Any:
    text = _text_near(chance, near)
    return chance.choice((text, {"equals-ignore-case": text}))


def _several(chance: random.Random, near: Any) -> Any:
    return [_scalar_near(chance, near) for _ in range(chance.choice((1, 1, 2)))]


def a_wildcard(chance: random.Random) -> str:
    pieces = ["".join(chance.choice(("x", "y", "\\*", "\\\\")) for _ in range(chance.randrange(3))) for _ in range(4)]
    text = "*".join(piece for place, piece in enumerate(pieces) if piece or place == 0)
    return text + chance.choice(("", "*")) if not text.endswith("*") or text.endswith("\\*") else text


def _excluded(chance: random.Random, near: Any) -> Any:
    dice = chance.random()
    if dice < 0.3:
        return _scalar_near(chance, near)
    if dice < 0.6:
        alike: tuple[Any, ...] = chance.choice((NUMBERS, TEXTS, (True, False), (None,)))
        return [chance.choice(alike) for _ in range(chance.choice((1, 2, 3)))]
    kind = chance.choice(("prefix", "suffix", "equals-ignore-case", "wildcard"))
    texts = [a_wildcard(chance) if kind == "wildcard" else chance.choice(TEXTS) for _ in range(2)]
    return {kind: chance.choice((texts, texts[0]))}


def _range(chance: random.Random, _near: Any) -> Any:
    least, greatest = sorted(chance.sample(NUMBERS, 2))
    if least == greatest or chance.random() < 0.5:
        return [chance.choice(SIGNS), chance.choice(NUMBERS)]
    return [chance.choice((">", ">=")), least, chance.choice(("<", "<=")), greatest]


PARAMETERS: dict[str, Callable[[random.Random, Any], Any]] = {
    "prefix": _cased,
    "suffix": _cased,
    "equals-ignore-case": _text_near,
    "wildcard": lambda chance, _: a_wildcard(chance),
    "anything-but": _excluded,
    "numeric": _range,
    "cidr": lambda chance, _: chance.choice(NETWORKS),
    "exists": lambda chance, _: chance.random() < 0.5,
    "before": lambda chance, _: chance.choice(MOMENTS[:3]),
    "after": lambda chance, _: chance.choice(MOMENTS[:3]),
    "all-of": _several,
    "size": lambda chance, _: [chance.choice(SIGNS), chance.randrange(4)],
    "equals-field": lambda chance, _: chance.choice(POINTERS),
}
