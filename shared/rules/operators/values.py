"""Tests of values of any kind, of lists, and of what is there at all."""

import operator
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from shared.rules.faults import pointer_to
from shared.rules.looking import MISSING, Look, elements
from shared.rules.operators.test import Test
from shared.rules.pointers import value_at
from shared.rules.scalars import Json, Scalar, is_number, key_of, keys_of

Comparison = Callable[[Any, Any], bool]

COMPARISONS: Final[dict[str, Comparison]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Equals(Test):
    """A scalar, written as it is."""

    def __init__(self, value: Scalar) -> None:
        self.value = value
        self.key = key_of(value)

    @property
    def data(self) -> Json:
        return self.value

    def leaf(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        return key_of(value) == self.key


class OneOf(Test):
    """Several `Equals` of one field at once: one look-up, however many there are."""

    def __init__(self, tests: Sequence[Equals]) -> None:
        self.values = [test.value for test in tests]
        self.keys = frozenset(test.key for test in tests)

    @property
    def data(self) -> Json:
        return self.values

    def leaf(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        return key_of(value) in self.keys


class AnythingBut(Test):
    """Present, and none of these; so null, a number or an object is anything but "x"."""

    operator = "anything-but"

    def __init__(self, values: Scalar | Sequence[Scalar]) -> None:
        self.values = values
        self.keys = keys_of(values if isinstance(values, list | tuple) else [values])

    @property
    def data(self) -> Json:
        return {self.operator: list(self.values) if isinstance(self.values, tuple) else self.values}

    @property
    def cost(self) -> int:
        return 1 + len(self.keys)

    def leaf(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        return key_of(value) not in self.keys


class AnythingButTexts(Test):
    """Present, and none of these tests of strings, which are of one kind, holds."""

    operator = "anything-but"

    def __init__(self, kind: str, tests: Sequence[Test], *, listed: bool) -> None:
        self.kind = kind
        self.tests = tuple(tests)
        self.listed = listed

    @property
    def data(self) -> Json:
        texts = [test.data[self.kind] for test in self.tests]
        return {self.operator: {self.kind: texts if self.listed else texts[0]}}

    @property
    def cost(self) -> int:
        return 1 + sum(test.cost for test in self.tests)

    def leaf(self, value: Any, look: Look) -> bool:
        return not any(test.leaf(value, look) for test in self.tests)


class Numeric(Test):
    operator = "numeric"

    def __init__(self, limits: Sequence[tuple[str, float]]) -> None:
        self.limits = tuple(limits)
        self.comparisons = tuple((COMPARISONS[sign], limit) for sign, limit in limits)

    @property
    def data(self) -> Json:
        return {self.operator: [part for limit in self.limits for part in limit]}

    def leaf(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        if not is_number(value):
            return False
        for compare, limit in self.comparisons:  # noqa: SIM110 - a generator takes longer than the loop
            if not compare(value, limit):
                return False
        return True


class Exists(Test):
    """Of the node itself, whatever it is."""

    operator = "exists"
    of_elements = False

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted

    @property
    def data(self) -> Json:
        return {self.operator: self.wanted}

    def holds(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        return (value is not MISSING) == self.wanted


class Size(Test):
    """Elements of the list itself, code points of a string."""

    operator = "size"
    of_elements = False

    def __init__(self, sign: str, limit: int) -> None:
        self.sign = sign
        self.limit = limit
        self.compare = COMPARISONS[sign]

    @property
    def data(self) -> Json:
        return {self.operator: [self.sign, self.limit]}

    def holds(self, value: Any, look: Look) -> bool:  # noqa: ARG002 - as every test's
        return (type(value) is list or type(value) is str) and self.compare(len(value), self.limit)


class AllOf(Test):
    """A list that has each of these among its own elements."""

    operator = "all-of"
    of_elements = False

    def __init__(self, values: Sequence[Scalar]) -> None:
        self.values = list(values)
        self.keys = keys_of(values)

    @property
    def data(self) -> Json:
        return {self.operator: self.values}

    @property
    def cost(self) -> int:
        return 1 + len(self.values)

    def holds(self, value: Any, look: Look) -> bool:
        if type(value) is not list:
            return False
        look.spend(len(value))
        return self.keys <= keys_of(value)


class EqualsField(Test):
    """The same scalar stands at another place of the event; of lists, one element of the one in the other."""

    operator = "equals-field"

    def __init__(self, steps: Sequence[str]) -> None:
        self.steps = tuple(steps)

    @property
    def data(self) -> Json:
        return {self.operator: pointer_to(self.steps)}

    @property
    def cost(self) -> int:
        return 1 + len(self.steps)

    def holds(self, value: Any, look: Look) -> bool:
        return not self._keys(value, look).isdisjoint(self._keys(value_at(look.document, self.steps), look))

    def _keys(self, value: Any, look: Look) -> frozenset[Hashable]:
        return keys_of(elements(value, look) if type(value) is list else [value])
