"""Values that are neither lists nor objects, and when two of them are the same.

Numbers are what every reader of JSON makes of them: integers, exact to 64 bit, and binary64. An integer and a binary64
are compared as the numbers that they are: 9007199254740993 is not 9007199254740992.0, and 1 is 1.0. A rule holds no
number that binary64 would round, so none means another than it says.
"""

from collections.abc import Hashable, Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

from shared.rules.limits import GREATEST_INTEGER, LEAST_INTEGER

Scalar = str | int | float | bool | None
Json = Any
"""Scalars, lists and dicts with names that are strings, and nothing else."""


class NoSuchNumber(ValueError):
    """A literal that an event can never hold: too large, too fine, or none at all."""


def number_of(value: float | Decimal) -> int | float:
    """A number as rules keep it. Raises NoSuchNumber."""
    if isinstance(value, int):
        if LEAST_INTEGER <= value <= GREATEST_INTEGER:
            return value
        raise NoSuchNumber("an integer of 64 bit")
    nearest = float(value)
    if not isfinite(nearest):
        raise NoSuchNumber("a finite number")
    if isinstance(value, Decimal) and Decimal(repr(nearest)) != value:
        raise NoSuchNumber(f"a number that binary64 holds, such as {nearest!r}")
    return nearest


def is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def key_of(value: Any) -> Hashable | None:
    """What is equal for two scalars that are the same; None for lists, objects and the missing.

    Python takes True for 1; JSON does not.
    """
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bool or value is None:
        return (value,)
    return None


def keys_of(values: Iterable[Any]) -> frozenset[Hashable]:
    return frozenset(key for key in map(key_of, values) if key is not None)
