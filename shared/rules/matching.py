"""A pattern as a function of an event. Live traffic, shadow rules and back-tests all run this one."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.rules.looking import MISSING, Look, elements
from shared.rules.operators.test import Test
from shared.rules.operators.values import Equals, OneOf
from shared.rules.pattern import Field, Pattern

Clause = Callable[[dict[str, Any], Look], bool]
"""Does it hold of this object? Raises TooMuchWork."""


def compiled(pattern: Pattern) -> Clause:
    """The pattern of one object. It keeps nothing between two events, so that any number of threads may share it."""
    clauses = [*map(_field, sorted(pattern.fields, key=_weight))]
    clauses += map(compiled, pattern.every)
    if pattern.some:
        clauses.append(_any_of([compiled(inner) for inner in pattern.some]))
    if pattern.never is not None:
        clauses.append(_not(compiled(pattern.never)))
    return clauses[0] if len(clauses) == 1 else _all_of(clauses)


def matches(pattern: Pattern, document: dict[str, Any]) -> bool:
    """One pattern, one event: for a try. Raises TooMuchWork."""
    return compiled(pattern)(document, Look(document))


def _weight(field: Field) -> tuple[bool, int]:
    """What takes least is tried first."""
    if isinstance(field.wanted, Pattern):
        return (True, field.wanted.cost)
    return (False, sum(test.cost for test in field.wanted))


def _all_of(clauses: Sequence[Clause]) -> Clause:
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


def _field(field: Field) -> Clause:
    if isinstance(field.wanted, Pattern):
        return _below(field.name, compiled(field.wanted))
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
    return lambda found, look: test.holds(found.get(name, MISSING), look)


def _any_test(name: str, tests: Sequence[Test]) -> Clause:
    def holds(found: dict[str, Any], look: Look) -> bool:
        value = found.get(name, MISSING)
        for test in tests:  # noqa: SIM110 - as above
            if test.holds(value, look):
                return True
        return False

    return holds


def _below(name: str, clause: Clause) -> Clause:
    """The pattern of what stands at a field: of a list one object satisfies all of it."""

    def holds(found: dict[str, Any], look: Look) -> bool:
        value = found.get(name)
        if type(value) is dict:
            return clause(value, look)
        if type(value) is not list:
            return clause({}, look)
        nothing = True
        for element in elements(value, look):
            if type(element) is dict:
                nothing = False
                if clause(element, look):
                    return True
        return nothing and clause({}, look)

    return holds
