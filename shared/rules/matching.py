"""A pattern as a function of an event. Live traffic, shadow rules and back-tests all run this one."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import to_json

from shared.rules.looking import MISSING, Look, elements
from shared.rules.operators.test import Test
from shared.rules.operators.values import Equals, OneOf
from shared.rules.pattern import Field, Pattern

Clause = Callable[[dict[str, Any], Look], bool]
"""Does it hold of this object? Raises TooMuchWork."""
Known = dict[bytes, Clause]
"""Fields that are compiled, by their JSON text."""


def compiled(pattern: Pattern, known: Known | None = None) -> Clause:
    """The pattern of one object. It keeps nothing between two events, so that any number of threads may share it.

    What it asks as patterns before it did is `known`, and made once for all of them: of many rules a processor's cache
    holds as many more.
    """
    known = {} if known is None else known
    clauses = [_field(field, known) for field in sorted(pattern.fields, key=_weight)]
    clauses += [compiled(inner, known) for inner in pattern.every]
    if pattern.some:
        clauses.append(_any_of([compiled(inner, known) for inner in pattern.some]))
    if pattern.never is not None:
        clauses.append(_not(compiled(pattern.never, known)))
    return _all_of(clauses)


def matches(pattern: Pattern, document: dict[str, Any]) -> bool:
    """One pattern, one event: for a try. Raises TooMuchWork."""
    return compiled(pattern)(document, Look(document))


def _weight(field: Field) -> tuple[bool, int]:
    """What takes least is tried first."""
    if isinstance(field.wanted, Pattern):
        return (True, field.wanted.cost)
    return (False, sum(test.cost for test in field.wanted))


def _all_of(clauses: Sequence[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]

    def holds(found: dict[str, Any], look: Look) -> bool:
        for clause in clauses:  # noqa: SIM110 - a generator takes longer than the loop
            if not clause(found, look):
                return False
        return True

    return holds


def _any_of(clauses: Sequence[Clause]) -> Clause:
    def holds(found: dict[str, Any], look: Look) -> bool:
        for clause in clauses:  # noqa: SIM110 - a generator takes longer than the loop
            if clause(found, look):
                return True
        return False

    return holds


def _not(clause: Clause) -> Clause:
    return lambda found, look: not clause(found, look)


def _field(field: Field, known: Known) -> Clause:
    text = to_json(field.data)
    if text not in known:
        known[text] = _new_field(field, known)
    return known[text]


def _new_field(field: Field, known: Known) -> Clause:
    if isinstance(field.wanted, Pattern):
        below = _below(field.name, compiled(field.wanted, known), field.wanted.cost)
        names, last = _straight(field)
        return _along(names, _field(last, known), below) if len(names) > 1 else below
    tests = _merged(field.wanted)
    if len(tests) > 1:
        return _any_test(field.name, tests)
    (only,) = tests
    if isinstance(only, OneOf) and all(type(value) is str for value in only.values):
        return _one_text(field.name, only)
    return _one_test(field.name, only)


def _merged(tests: Sequence[Test]) -> list[Test]:
    """All that is written as it is in one, the rest behind it."""
    exact = [test for test in tests if isinstance(test, Equals)]
    rest = [test for test in tests if not isinstance(test, Equals)]
    return [OneOf(exact), *rest] if exact else rest


def _one_text(name: str, test: OneOf) -> Clause:
    """The commonest field: no call where a string stands."""
    wanted = frozenset(test.values)

    def holds(found: dict[str, Any], look: Look) -> bool:
        value = found.get(name)
        if type(value) is str:
            return value in wanted
        return type(value) is list and test.holds(value, look)

    return holds


def _one_test(name: str, test: Test) -> Clause:
    if not test.of_elements or type(test).holds is not Test.holds:
        return lambda found, look: test.holds(found.get(name, MISSING), look)
    leaf = test.leaf

    def holds(found: dict[str, Any], look: Look) -> bool:
        """As `Test.holds`, with a call less."""
        value = found.get(name, MISSING)
        if type(value) is list:
            return test.holds(value, look)
        return value is not MISSING and leaf(value, look)

    return holds


def _any_test(name: str, tests: Sequence[Test]) -> Clause:
    def holds(found: dict[str, Any], look: Look) -> bool:
        value = found.get(name, MISSING)
        for test in tests:  # noqa: SIM110 - as above
            if test.holds(value, look):
                return True
        return False

    return holds


def _straight(field: Field) -> tuple[list[str], Field]:
    """The names of patterns that ask one field each, down to the field whose pattern asks more, or that has tests."""
    names = []
    while isinstance(field.wanted, Pattern) and len(field.wanted.fields) == 1 and not any(field.wanted.inner()):
        names.append(field.name)
        (field,) = field.wanted.fields
    return names, field


def _along(names: Sequence[str], last: Clause, stepwise: Clause) -> Clause:
    """Straight through objects; step by step where something else stands on the way."""

    def holds(found: dict[str, Any], look: Look) -> bool:
        inner: Any = found
        for name in names:
            inner = inner.get(name)
            if type(inner) is not dict:
                return stepwise(found, look)
        return last(inner, look)

    return holds


def _below(name: str, clause: Clause, cost: int) -> Clause:
    """The pattern of what stands at a field: of a list one object satisfies all of it."""

    def holds(found: dict[str, Any], look: Look) -> bool:
        value = found.get(name)
        if type(value) is dict:
            return clause(value, look)
        if type(value) is not list:
            return clause({}, look)
        nothing = True
        for element in elements(value, look, cost):
            if type(element) is dict:
                nothing = False
                if clause(element, look):
                    return True
        return nothing and clause({}, look)

    return holds
