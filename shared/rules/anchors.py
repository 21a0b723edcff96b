"""The exact values without which a pattern cannot match: what a rule is filed under."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from shared.rules.looking import MISSING, Look, elements
from shared.rules.operators.test import Test
from shared.rules.operators.values import AllOf, Equals
from shared.rules.pattern import Field, Pattern
from shared.rules.scalars import key_of

Path = tuple[str, ...]
Anchors = Mapping[Path, frozenset[Hashable]]
"""By path: whatever event matches has one of these values there."""


def anchors_of(pattern: Pattern) -> Anchors:
    """All paths that the pattern asks exact values of; the narrower one where it does so twice."""
    found: dict[Path, frozenset[Hashable]] = {}
    for path, keys in _all(pattern):
        if path not in found or len(keys) < len(found[path]):
            found[path] = keys
    return found


def keys_at(document: dict[str, Any], path: Path, look: Look) -> list[Hashable]:
    """The scalars at a path, through whatever lists lie on the way: in any element, so no match is ever missed."""
    value: Any = document
    for place, name in enumerate(path):
        if type(value) is list:
            return _through(value, path[place:], look)
        value = value.get(name, MISSING) if type(value) is dict else MISSING
    if type(value) is list:
        return _through(value, (), look)
    key = key_of(value)
    return [] if key is None else [key]


def _through(values: list[Any], path: Path, look: Look) -> list[Hashable]:
    found: list[Hashable] = []
    for element in elements(values, look):
        if not path:
            key = key_of(element)
            found += [] if key is None else [key]
        elif type(element) is dict:
            found += keys_at(element, path, look)
    return found


def _all(pattern: Pattern) -> Iterator[tuple[Path, frozenset[Hashable]]]:
    for field in pattern.fields:
        yield from _of_field(field)
    for inner in pattern.every:
        yield from _all(inner)
    if pattern.some:
        yield from _in_each([anchors_of(inner) for inner in pattern.some])


def _of_field(field: Field) -> Iterator[tuple[Path, frozenset[Hashable]]]:
    if isinstance(field.wanted, Pattern):
        for path, keys in _all(field.wanted):
            yield (field.name, *path), keys
        return
    of_tests = [_keys_of(test) for test in field.wanted]
    if all(of_tests):
        yield (field.name,), frozenset[Hashable]().union(*of_tests)


def _keys_of(test: Test) -> frozenset[Hashable]:
    """Empty where the test holds of values that it does not name."""
    if isinstance(test, Equals):
        return frozenset({test.key})
    return frozenset({min(test.keys, key=repr)}) if isinstance(test, AllOf) else frozenset()


def _in_each(branches: list[Anchors]) -> Iterator[tuple[Path, frozenset[Hashable]]]:
    """Of `$or`: the paths that all branches name, since one of them must hold."""
    for path in branches[0]:
        if all(path in branch for branch in branches):
            yield path, frozenset[Hashable]().union(*(branch[path] for branch in branches))
