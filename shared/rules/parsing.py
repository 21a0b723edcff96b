"""From data to a pattern. Every fault is told by its pointer and by what should stand there."""

import json
from contextlib import suppress
from typing import Any

from shared.rules.faults import Fault, Invalid, JsonPath, kind_of, pointer_to
from shared.rules.limits import FAULTS, PATTERN_BYTES, PATTERN_DEPTH
from shared.rules.operators.parsing import Wrong, items_of, quoted, test_of
from shared.rules.operators.test import Test
from shared.rules.pattern import AND, NOT, OR, Field, Pattern
from shared.rules.reading import check


def parse(data: Any) -> Pattern:
    """The pattern that `data` is: JSON's values, best as `reading` gives them, since other readers let the last of two
    equal names win. Raises Invalid."""
    check(data)
    pattern = _Parser().read(data)
    if (size := len(json.dumps(pattern.data, ensure_ascii=False, separators=(",", ":")).encode())) > PATTERN_BYTES:
        raise Invalid([Fault("", f"at most {PATTERN_BYTES} bytes", f"{size}")])
    return pattern


class _Enough(Exception):
    """There are as many faults as anybody reads."""


class _Parser:
    """One pattern; its faults are gathered, so that whoever wrote it learns of all at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def read(self, data: Any) -> Pattern:
        """Raises Invalid."""
        with suppress(_Enough):
            pattern = self._pattern(data, (), 1)
        if self.faults:
            raise Invalid(self.faults)
        return pattern

    def _note(self, fault: Fault) -> None:
        self.faults.append(fault)
        if len(self.faults) == FAULTS:
            raise _Enough

    def _refuse(self, at: JsonPath, expected: str, found: str) -> None:
        self._note(Fault(pointer_to(at), expected, found))

    def _pattern(self, data: Any, at: JsonPath, depth: int) -> Pattern:
        if not isinstance(data, dict) or not data:
            self._refuse(at, "an object with at least one field", "{}" if data == {} else kind_of(data))
            return Pattern()
        if depth > PATTERN_DEPTH:
            self._refuse(at, f"at most {PATTERN_DEPTH} patterns inside each other", "more")
            return Pattern()
        fields = []
        for name, wanted in data.items():
            if name.startswith("$"):
                if name not in {AND, OR, NOT}:
                    self._refuse((*at, name), f"a field, or one of {AND}, {OR}, {NOT}", quoted(name))
            else:
                fields.append(self._field(name, wanted, (*at, name), depth))
        return Pattern(
            fields=tuple(fields),
            every=self._patterns(data, AND, 1, at, depth),
            some=self._patterns(data, OR, 2, at, depth),
            never=self._pattern(data[NOT], (*at, NOT), depth + 1) if NOT in data else None,
        )

    def _patterns(self, data: dict[str, Any], name: str, least: int, at: JsonPath, depth: int) -> tuple[Pattern, ...]:
        if name not in data:
            return ()
        at = (*at, name)
        try:
            found = items_of(data[name], at, least)
        except Wrong as wrong:
            self._note(wrong.fault)
            return ()
        return tuple(self._pattern(each, (*at, place), depth + 1) for place, each in enumerate(found))

    def _field(self, name: str, wanted: Any, at: JsonPath, depth: int) -> Field:
        if isinstance(wanted, dict):
            return Field(name, self._pattern(wanted, at, depth + 1))
        if not isinstance(wanted, list):
            self._refuse(at, "a list of tests, or an object for a pattern", kind_of(wanted))
            return Field(name, ())
        return Field(name, tuple(self._tests(wanted, at)))

    def _tests(self, wanted: list[Any], at: JsonPath) -> list[Test]:
        tests = []
        try:
            for place, each in enumerate(items_of(wanted, at)):
                try:
                    tests.append(test_of(each, (*at, place)))
                except Wrong as wrong:
                    self._note(wrong.fault)
        except Wrong as wrong:
            self._note(wrong.fault)
        return tests
