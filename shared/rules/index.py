"""Many rules, one event: most of them are never looked at.

Each rule is filed under the exact values of one path, without which it cannot match. An event is looked up at the few
paths that rules are filed under, and only what is found there is tried, beside the rules that name no exact value.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from shared.rules.anchors import Anchors, Path, anchors_of, keys_at
from shared.rules.faults import pointer_to
from shared.rules.looking import Look
from shared.rules.matching import Clause, Known, compiled
from shared.rules.operators.values import Equals
from shared.rules.pattern import Field, Pattern

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Filed:
    place: int
    clause: Clause


class Index(Generic[T]):
    """Rules in their order; what they are is the caller's business (a name, a rule with its mode, its revision).

    It never changes: other rules are another index, so that what is under way ends with those it began with.
    """

    def __init__(self, rules: Iterable[tuple[T, Pattern]]) -> None:
        given = list(rules)
        self._rules = [rule for rule, _ in given]
        self._always: list[_Filed] = []
        self._filed: dict[Path, dict[Hashable, list[_Filed]]] = {}
        anchors = [anchors_of(pattern) for _, pattern in given]
        shares = _Shares(anchors)
        self._anchors = [shares.rarest(each) for each in anchors]
        known: Known = {}
        # What is tried together is made together, and so lies side by side: a seventh less time for 10,000 rules.
        for place in sorted(range(len(given)), key=lambda each: _shelf(self._anchors[each], anchors[each])):
            self._file(place, given[place][1], anchors[place], known)

    def _file(self, place: int, pattern: Pattern, anchors: Anchors, known: Known) -> None:
        path = self._anchors[place]
        if path is None:
            self._always.append(_Filed(place, compiled(pattern, known)))
            return
        filed = _Filed(place, compiled(_beside(pattern, path, anchors[path]), known))
        by_value = self._filed.setdefault(path, {})
        for key in anchors[path]:
            by_value.setdefault(key, []).append(filed)

    def match(self, document: dict[str, Any], look: Look | None = None) -> list[T]:
        """The rules that match, in their order; `look` says how much work they may take. Raises TooMuchWork, and then
        says nothing of any rule."""
        look = look or Look(document)
        found = [filed.place for filed in self._always if filed.clause(document, look)]
        for path, by_value in self._filed.items():
            keys = keys_at(document, path, look)
            if len(keys) == 1:
                found += [filed.place for filed in by_value.get(keys[0], ()) if filed.clause(document, look)]
            elif keys:
                candidates = {filed.place: filed for key in keys for filed in by_value.get(key, ())}
                found += [place for place, filed in candidates.items() if filed.clause(document, look)]
        found.sort()
        return [self._rules[place] for place in found]

    def candidates(self, document: dict[str, Any]) -> list[T]:
        """The rules that `match` tries on an event, in their order."""
        look = Look(document)
        places = {filed.place for filed in self._always}
        for path, by_value in self._filed.items():
            places.update(filed.place for key in keys_at(document, path, look) for filed in by_value.get(key, ()))
        return [self._rules[place] for place in sorted(places)]

    @property
    def unanchored(self) -> list[T]:
        """Those tried on every event."""
        return [self._rules[filed.place] for filed in self._always]

    @property
    def anchors(self) -> list[tuple[T, str | None]]:
        """Each rule with the pointer that it is filed under."""
        pointers = [None if path is None else pointer_to(path) for path in self._anchors]
        return list(zip(self._rules, pointers, strict=True))


def _shelf(path: Path | None, anchors: Anchors) -> tuple[Path, list[str]]:
    return ((), []) if path is None else (path, sorted(map(repr, anchors[path])))


def _beside(pattern: Pattern, path: Path, keys: frozenset[Hashable]) -> Pattern:
    """What is left to try of a rule that was found by its anchor. Of a field at the top nothing is: one of its values
    stands there, in a list or alone. Further down it might stand in another element than the rest."""

    def is_held(field: Field) -> bool:
        if path != (field.name,) or isinstance(field.wanted, Pattern):
            return False
        return all(isinstance(test, Equals) for test in field.wanted) and anchors_of(Pattern((field,)))[path] == keys

    return replace(pattern, fields=tuple(field for field in pattern.fields if not is_held(field)))


class _Shares:
    """How often rules name a path and a value: events are taken to hold them as often as rules ask for them."""

    def __init__(self, anchors: Iterable[Anchors]) -> None:
        self._values: Counter[tuple[Path, Hashable]] = Counter()
        self._paths: Counter[Path] = Counter()
        for each in anchors:
            for path, keys in each.items():
                self._values.update((path, key) for key in keys)
                self._paths[path] += len(keys)

    def rarest(self, anchors: Anchors) -> Path | None:
        """Of equally rare ones the path that most rules name: each further path is one more look-up per event."""
        return min(anchors, key=lambda path: (self._share(path, anchors[path]), -self._paths[path], path), default=None)

    def _share(self, path: Path, keys: Iterable[Hashable]) -> float:
        return sum(self._values[path, key] for key in keys) / self._paths[path]
