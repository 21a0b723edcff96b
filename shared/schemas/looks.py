"""How often a schema looks at one place of the data.

One look may ask for others of the same place (`$ref`, `allOf`, `anyOf`, ...). Where they double from one definition to
the next, or from one level of the data to the next, a page of schema is never done with a small event. All of it is
known before any data come: here the levels are gone through with what would look at each place of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from shared.rules.limits import DOCUMENT_DEPTH
from shared.rules.pointers import NoPointer, steps_of, value_at
from shared.schemas.expressions import length_of

MOST: Final = 1_000
"""Looks at one place."""
LONGEST_WAY: Final = 128
"""Looks at one place each of which asks for the next one. The validator answers each inside the one before, as deep as
data are: by three times as many it came to the end of its stack, and with it the process to its own."""
MOST_WORK: Final = 100_000
"""Looks at all the kinds of places together, told apart by what looks at them: a second's worth, and twenty times what
a large schema takes."""
MOST_OF_EXPRESSIONS: Final = 1_000
"""Characters of the regular expressions together that look at one text, with their repetitions written out. The engine
takes some 10 ns for each of them and of the text: three seconds for the largest event there is, at the worst."""

_ONE_HERE: Final = ("not", "if", "then", "else")
_SEVERAL_HERE: Final = ("allOf", "anyOf", "oneOf")
_REFERENCES: Final = ("$ref", "$dynamicRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_OF_OTHER_NAMES: Final = ("additionalProperties", "unevaluatedProperties")
_OF_ALL_ENTRIES: Final = ("contains", "unevaluatedItems")
_COPIED: Final = ("enum", "const", "not")
"""What they ask for stands in each of their faults."""
_AS_LONG: Final = 50
"""Values that are copied in the time that a fault takes."""
_TWICE: Final = ("unevaluatedProperties", "unevaluatedItems")
"""To know what nobody has looked at, all that look here are asked again."""

Path = tuple[str | int, ...]
Looking = Counter[int]
"""Schemas, by identity, and how often each looks at a place."""
Lengths = list[tuple[int, Path]]
"""Of regular expressions, and where they stand."""
Slot = tuple[str, str | int]
"""One level deeper: the value of a name, an entry by its number, others that no schema names, and the names."""
_OTHER_VALUE: Final[Slot] = ("value", -1)
_OTHER_ENTRY: Final[Slot] = ("entry", -1)
_NAME: Final[Slot] = ("name", -1)


class TooOften(ValueError):
    """The schema at `path` is not looked at to its end, or too often."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(detail)
        self.path = path
        self.detail = detail


def check_looks(document: Mapping[str, Any], *, expressions: bool = True) -> int:
    """How many faults, at most, are found at one place. Without `expressions` the time that regular expressions take is
    left out. Raises TooOften."""
    schemas = _Schemas(document, expressions=expressions)
    level = {frozenset({(id(document), 1)})}
    seen = set(level)
    for _ in range(DOCUMENT_DEPTH + 1):
        below = {frozenset(each.items()) for place in level for each in schemas.below(Counter(dict(place)))} - seen
        seen |= below
        level = below
    return schemas.most


class _Schemas:
    """The schemas of a document, and where each leads."""

    def __init__(self, document: Mapping[str, Any], *, expressions: bool) -> None:
        self._judges_expressions = expressions
        self._lengths: dict[int, Lengths] = {}
        self._faults_of: dict[int, int] = {}
        self._known: dict[int, Mapping[str, Any]] = {}
        self._paths: dict[int, Path] = {}
        self._roots: dict[int, Mapping[str, Any]] = {}
        self._anchors: dict[tuple[int, str], Mapping[str, Any]] = {}
        self._here: dict[int, Looking] = {}
        self._ways: dict[int, int] = {}
        self._work = 0
        self.most = 0
        """Faults at one place, of those that were gone through."""
        self._index(document, document, ())

    def below(self, place: Looking) -> list[Looking]:
        """What looks at the places one level deeper, for each kind of them. Raises TooOften."""
        here = self._all_here(place)
        told = {slot for key in here for slot in _slots(self._known[key])}
        slots: dict[Slot, Looking] = {slot: Counter() for slot in told | {_OTHER_VALUE, _OTHER_ENTRY, _NAME}}
        self._work += len(here) + len(slots)
        for key, times in here.items():
            for slot, each in _leads(self._known[key], slots):
                slots[slot][id(each)] += times
                self._work += 1
            if self._work > MOST_WORK:
                raise TooOften((), f"tells too many kinds of places apart: more than {MOST_WORK} looks in all")
        return [looking for looking in slots.values() if looking]

    def _all_here(self, place: Looking) -> Looking:
        found: Looking = Counter()
        for key, times in place.items():
            for each, often in self._closure(key, ()).items():
                found[each] += often * times
        if found.total() > MOST:
            raise TooOften(self._paths[next(iter(place))], f"looks at one place of the data more than {MOST} times")
        self.most = max(self.most, sum(often * self._faults(key) for key, often in found.items()))
        if self._judges_expressions:
            self._check_expressions(found)
        return found

    def _faults(self, key: int) -> int:
        if key not in self._faults_of:
            self._faults_of[key] = _faults_of(self._known[key])
        return self._faults_of[key]

    def _check_expressions(self, here: Looking) -> None:
        lengths = [(length * times, path) for key, times in here.items() for length, path in self._expressions(key)]
        if sum(length for length, _ in lengths) > MOST_OF_EXPRESSIONS:
            detail = f"more than {MOST_OF_EXPRESSIONS} characters look at one text, with repetitions written out"
            raise TooOften(max(lengths, key=lambda each: each[0])[1], f"is too long a regular expression: {detail}")

    def _expressions(self, key: int) -> Lengths:
        if key not in self._lengths:
            schema, path = self._known[key], self._paths[key]
            named = [(name, (*path, "patternProperties", name)) for name, _ in _items(schema.get("patternProperties"))]
            of_text = [(told, (*path, "pattern"))] if isinstance(told := schema.get("pattern"), str) else []
            self._lengths[key] = [(length_of(each), at) for each, at in (*of_text, *named)]
        return self._lengths[key]

    def _closure(self, key: int, asking: tuple[int, ...]) -> Looking:
        """Itself, and all that look at the same place because of it."""
        if key in asking:
            raise TooOften(self._paths[key], "leads back to itself without going into the data")
        if len(asking) + self._ways.get(key, 1) > LONGEST_WAY:
            raise TooOften(self._paths[key], f"is asked at the end of a way of more than {LONGEST_WAY} schemas")
        if key not in self._here:
            self._here[key], self._ways[key] = self._looked_up(key, (*asking, key))
        return self._here[key]

    def _looked_up(self, key: int, asking: tuple[int, ...]) -> tuple[Looking, int]:
        """The same, with the longest way from itself; `asking` ends with it."""
        found: Looking = Counter({key: 1})
        schema, way = self._known[key], 1
        again = 2 if any(name in schema for name in _TWICE) else 1
        for each in self._asked_here(schema):
            for inner, often in self._closure(id(each), asking).items():
                found[inner] += often * again
            way = max(way, 1 + self._ways[id(each)])
            if found.total() > MOST:
                raise TooOften(self._paths[key], f"looks at one place of the data more than {MOST} times")
        return found, way

    def _asked_here(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        asked = [schema.get(name) for name in _ONE_HERE]
        for name in _SEVERAL_HERE:
            asked += each if isinstance(each := schema.get(name), list) else []
        asked += [each for _, each in _items(schema.get("dependentSchemas"))]
        asked += [self._referred(schema, name) for name in _REFERENCES]
        return (each for each in asked if isinstance(each, Mapping))

    def _referred(self, schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        """None where it leads nowhere, which the validator tells."""
        told = schema.get(name)
        if not isinstance(told, str) or not told.startswith("#"):
            return None
        root, text = self._roots[id(schema)], unquote(told[1:])
        if text and not text.startswith("/"):
            return self._anchors.get((id(root), text))
        try:
            found = value_at(root, steps_of(text))
        except NoPointer:
            return None
        return found if isinstance(found, Mapping) and id(found) in self._known else None

    def _index(self, node: Any, root: Mapping[str, Any], path: Path) -> None:
        if isinstance(node, Mapping):
            root = node if isinstance(node.get("$id"), str) else root
            self._known[id(node)], self._paths[id(node)], self._roots[id(node)] = node, path, root
            for name in _ANCHORS:
                if isinstance(node.get(name), str):
                    self._anchors[(id(root), node[name])] = node
            for name, each in node.items():
                self._index(each, root, (*path, name))
        elif isinstance(node, list):
            for place, each in enumerate(node):
                self._index(each, root, (*path, place))


def _faults_of(schema: Mapping[str, Any]) -> int:
    """Of one look: one, and one for each name that is asked for; more where a fault says much, which is copied."""
    required, dependent = schema.get("required"), _items(schema.get("dependentRequired"))
    names = [required, *(each for _, each in dependent)]
    copied = sum(_size(schema.get(name)) for name in _COPIED)
    return 1 + sum(len(each) for each in names if isinstance(each, list)) + copied // _AS_LONG


def _size(node: Any) -> int:
    """Values in it."""
    inside = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return 1 + sum(map(_size, inside))


def _slots(schema: Mapping[str, Any]) -> dict[Slot, Any]:
    """Those of which it speaks by name or number."""
    entries = schema.get("prefixItems")
    values: dict[Slot, Any] = {("value", name): each for name, each in _items(schema.get("properties"))}
    return values | {("entry", place): each for place, each in enumerate(entries if isinstance(entries, list) else ())}


def _leads(schema: Mapping[str, Any], slots: Iterable[Slot]) -> Iterator[tuple[Slot, Mapping[str, Any]]]:
    """What of a schema looks at which slots. A pattern is taken to fit every name."""
    own = _slots(schema)
    for_values = [each for _, each in _items(schema.get("patternProperties"))]
    for_entries = [schema.get(name) for name in _OF_ALL_ENTRIES]
    beside = {
        "value": (for_values, [schema.get(name) for name in _OF_OTHER_NAMES]),
        "entry": (for_entries, [schema.get("items")]),
        "name": ([schema.get("propertyNames")], []),
    }
    asked = {kind: (_schemas(always), _schemas(others)) for kind, (always, others) in beside.items()}
    for slot in slots if any(any(each) for each in asked.values()) else own:
        always, others = asked[slot[0]]
        looking = [*always, *(_schemas([own[slot]]) if slot in own else others)]
        yield from ((slot, each) for each in looking)


def _schemas(found: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Without what is true or false, which looks at nothing."""
    return [each for each in found if isinstance(each, Mapping)]


def _items(found: Any) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, Mapping) else []
