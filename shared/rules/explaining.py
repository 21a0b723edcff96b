"""Why an event matches a rule, or why it does not: which clause, where in the event, and what stood there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.rules.faults import JsonPath, kind_of, pointer_to
from shared.rules.looking import MISSING, Look
from shared.rules.operators.test import Test
from shared.rules.pattern import AND, NOT, OR, Field, Pattern
from shared.rules.pointers import steps_of
from shared.rules.scalars import Json

SHOWN: Final = 100
"""Characters of a found string."""
ELEMENTS: Final = 10
"""Of a list without an element that satisfies the clause: so many are told of."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stood in the event. `value` is that of a scalar, unless it is personal: then only its kind is told."""

    kind: str
    value: Json = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause of the rule, of which `holds` is the verdict.

    `clause` points into the rule, `at` into the event. `wanted` are a field's tests, or the name of the operator;
    `why` are the clauses inside that decided: of one that does not hold the first that failed, of `$not` what it asks.
    """

    holds: bool
    clause: str
    at: str
    wanted: Json
    found: Found
    why: "tuple[Finding, ...]" = field(default=())

    def decided(self) -> "Iterator[Finding]":
        """The clauses at the bottom of it."""
        if not self.why:
            yield self
        for inner in self.why:
            yield from inner.decided()

    def __str__(self) -> str:
        return "; ".join(map(_sentence, self.decided()))


def explain(pattern: Pattern, document: dict[str, Any], personal: Iterable[str] = ()) -> Finding:
    """The verdict of the compiled rule, with its reasons. `personal` are pointers into the event below which no value
    is told; an index in a list stands for all of them. Raises TooMuchWork."""
    hidden = [_names(steps_of(pointer)) for pointer in personal]
    return _Explaining(Look(document), hidden).of_pattern(pattern, document, (), ())


def _names(path: Iterable[str | int]) -> tuple[str, ...]:
    """A path without its indices."""
    return tuple(str(step) for step in path if not str(step).isdecimal())


def _sentence(finding: Finding) -> str:
    shown = repr(finding.found.value) if finding.found.told else finding.found.kind
    verb = "is" if finding.holds else "is not"
    return f"{finding.at or 'the event'}: {shown} {verb} what {finding.clause or 'the rule'} asks"


def _placed(values: list[Any], at: JsonPath, look: Look, cost: int) -> Iterator[tuple[Any, JsonPath]]:
    """What lies in a list, lists inside it opened up, each with its path. Raises TooMuchWork."""
    look.spend(len(values) * cost)
    waiting = [(iter(enumerate(values)), at)]
    while waiting:
        entries, above = waiting[-1]
        for place, value in entries:
            if type(value) is list:
                look.spend(len(value) * cost)
                waiting.append((iter(enumerate(value)), (*above, place)))
                break
            yield value, (*above, place)
        else:
            waiting.pop()


class _Explaining:
    def __init__(self, look: Look, hidden: list[tuple[str, ...]]) -> None:
        self._look = look
        self._hidden = hidden

    def of_pattern(self, pattern: Pattern, value: Any, clause: JsonPath, at: JsonPath) -> Finding:
        """Of a node: an object, a list of which one object must satisfy it, or nothing to look at."""
        if type(value) is dict:
            return self._of_object(pattern, value, clause, at)
        tried: list[Finding] = []
        for element, place in _placed(value, at, self._look, pattern.cost) if type(value) is list else ():
            if type(element) is dict:
                finding = self._of_object(pattern, element, clause, place)
                if finding.holds:
                    return finding
                tried = [*tried, finding] if len(tried) < ELEMENTS else tried
        if tried:
            return self._finding(False, clause, at, value, "one element", why=tried)
        return replace(self._of_object(pattern, {}, clause, at), found=self._found(value, at))

    def _of_object(self, pattern: Pattern, value: dict[str, Any], clause: JsonPath, at: JsonPath) -> Finding:
        held = []
        for finding in self._clauses(pattern, value, clause, at):
            if not finding.holds:
                return self._finding(False, clause, at, value, "all of it", why=[finding])
            held.append(finding)
        return self._finding(True, clause, at, value, "all of it", why=held)

    def _clauses(self, pattern: Pattern, value: dict[str, Any], clause: JsonPath, at: JsonPath) -> Iterator[Finding]:
        for wanted in pattern.fields:
            yield self._of_field(wanted, value, clause, at)
        for place, inner in enumerate(pattern.every):
            yield self._of_object(inner, value, (*clause, AND, place), at)
        if pattern.some:
            yield self._any_of(pattern.some, value, (*clause, OR), at)
        if pattern.never is not None:
            inside = self._of_object(pattern.never, value, (*clause, NOT), at)
            yield self._finding(not inside.holds, (*clause, NOT), at, value, NOT, why=[inside])

    def _any_of(self, some: Iterable[Pattern], value: dict[str, Any], clause: JsonPath, at: JsonPath) -> Finding:
        tried = []
        for place, inner in enumerate(some):
            finding = self._of_object(inner, value, (*clause, place), at)
            if finding.holds:
                return self._finding(True, clause, at, value, OR, why=[finding])
            tried.append(finding)
        return self._finding(False, clause, at, value, OR, why=tried)

    def _of_field(self, wanted: Field, value: dict[str, Any], clause: JsonPath, at: JsonPath) -> Finding:
        clause, at = (*clause, wanted.name), (*at, wanted.name)
        node = value.get(wanted.name, MISSING)
        if isinstance(wanted.wanted, Pattern):
            return self.of_pattern(wanted.wanted, node, clause, at)
        for place, test in enumerate(wanted.wanted):
            if test.holds(node, self._look):
                return self._held(test, node, (*clause, place), at)
        return self._finding(False, clause, at, node, [test.data for test in wanted.wanted])

    def _held(self, test: Test, node: Any, clause: JsonPath, at: JsonPath) -> Finding:
        """Of a list, the element by which it holds, where it is one."""
        if type(node) is list and test.of_elements:
            for element, place in _placed(node, at, self._look, test.cost):
                if test.holds(element, self._look):
                    return self._finding(True, clause, place, element, [test.data])
        return self._finding(True, clause, at, node, [test.data])

    def _finding(
        self, holds: bool, clause: JsonPath, at: JsonPath, value: Any, wanted: Json, *, why: Iterable[Finding] = ()
    ) -> Finding:
        return Finding(holds, pointer_to(clause), pointer_to(at), wanted, self._found(value, at), tuple(why))

    def _found(self, value: Any, at: JsonPath) -> Found:
        if value is MISSING:
            return Found("nothing")
        if isinstance(value, dict | list) or any(_names(at)[: len(hidden)] == hidden for hidden in self._hidden):
            return Found(kind_of(value))
        return Found(kind_of(value), value[:SHOWN] if isinstance(value, str) else value, told=True)
