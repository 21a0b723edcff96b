"""What the operators, the compiler and the index would do, had each its likeliest mistake in it."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from shared.rules import anchors, index, matching, scalars
from shared.rules.looking import MISSING
from shared.rules.moments import Moment, moment_of
from shared.rules.operators import parsing, texts, values
from shared.rules.operators import test as tests
from shared.rules.operators.test import Test
from shared.rules.pattern import Pattern
from shared.rules.pointers import value_at
from shared.rules.scalars import is_number, key_of, keys_of

Mutation = tuple[object, str, Any]
"""What `monkeypatch.setattr` takes."""

below, of_fields = matching._below, values.EqualsField.holds
in_network = texts.Cidr.accepts


def _of_any_kind(test: Any, value: Any, _look: Any) -> bool:
    return bool(test.accepts(str(value)))


def _all_elements(test: Test, value: Any, look: Any) -> bool:
    if type(value) is list:
        return bool(value) and all(test.leaf(each, look) for each in value)
    return value is not MISSING and test.leaf(value, look)


def _pieces_anywhere(test: Any, value: str) -> bool:
    return all(piece in value for piece in (test.first, *test.rest))


def _pieces_overlap(test: Any, value: str) -> bool:
    last = (test.rest or [test.first])[-1]
    return value.startswith(test.first) and value.endswith(last) and _pieces_anywhere(test, value)


def _last_place_of_a_piece(test: Any, value: str) -> bool:
    if not test.rest:
        return bool(value == test.first)
    at, end = len(test.first), len(value) - len(test.rest[-1])
    if at > end or not value.startswith(test.first) or not value.endswith(test.rest[-1]):
        return False
    for piece in test.rest[:-1]:
        if (found := value.rfind(piece, at, end)) < 0:
            return False
        at = found + len(piece)
    return True


def _open_at_its_end(test: Any, value: str) -> bool:
    return value.startswith(test.first) and _pieces_anywhere(test, value)


def _earlier_as_text(test: Any, value: str) -> bool:
    return moment_of(value) is not None and bool(value < test.text)


def _until(test: Any, value: str) -> bool:
    found = moment_of(value)
    return found is not None and bool(found <= test.moment)


def _since(test: Any, value: str) -> bool:
    found = moment_of(value)
    return found is not None and bool(found >= test.moment)


def _fraction_as_number(text: str) -> Moment | None:
    found = moment_of(text)
    return found and Moment(found.seconds, found.fraction.zfill(20))


def _without_offset(text: str) -> Moment | None:
    return moment_of(f"{text[:-6]}Z" if text[-6:-5] in {"+", "-"} else text)


def _when_missing(test: Any, value: Any, look: Any) -> bool:
    return value is MISSING or Test.holds(test, value, look)


def _of_strings(test: Any, value: Any, _look: Any) -> bool:
    return type(value) is str and key_of(value) not in test.keys


def _not_null(test: Any, value: Any, _look: Any) -> bool:
    return value is not None and key_of(value) not in test.keys


def _but_for_all(test: Any, value: Any, look: Any) -> bool:
    return not all(each.leaf(value, look) for each in test.tests)


def _first_limit(test: Any, value: Any, _look: Any) -> bool:
    compare, limit = test.comparisons[0]
    return is_number(value) and bool(compare(value, limit))


def _rounded(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, limit: compare(float(found), float(limit))


def _comparing(sign: str, compare: Callable[[Any, Any], bool]) -> Mutation:
    return values, "COMPARISONS", values.COMPARISONS | {sign: compare}


def _null_is_nothing(test: Any, value: Any, _look: Any) -> bool:
    return (value is not MISSING and value is not None) is test.wanted


def _leaves_exist(test: Any, value: Any, _look: Any) -> bool:
    return (key_of(value) is not None) is test.wanted


def _size_in_bytes(test: Any, value: Any, _look: Any) -> bool:
    size = len(value.encode()) if type(value) is str else len(value) if type(value) is list else -1
    return size >= 0 and test.compare(size, test.limit)


def _size_of_objects(test: Any, value: Any, _look: Any) -> bool:
    return isinstance(value, str | list | dict) and test.compare(len(value), test.limit)


def _one_of_all(test: Any, value: Any, _look: Any) -> bool:
    return type(value) is list and not test.keys.isdisjoint(keys_of(value))


def _all_of_a_scalar(test: Any, value: Any, _look: Any) -> bool:
    return bool(test.keys <= keys_of(value if type(value) is list else [value]))


def _equal_when_missing(test: Any, value: Any, look: Any) -> bool:
    other = value_at(look.document, test.steps)
    return (value is MISSING and other is MISSING) or of_fields(test, value, look)


def _true_is_one(value: Any) -> Any:
    return None if isinstance(value, dict | list) or value is MISSING else (None,) if value is None else value


def _by_spelling(value: Any) -> Any:
    return None if key_of(value) is None else repr(value)


def _as_binary64(value: Any) -> Any:
    return float(value) if type(value) is int else key_of(value)


def _keys(judge: Callable[[Any], Any]) -> list[Mutation]:
    return [(module, "key_of", judge) for module in (values, scalars, anchors)]


def _fields_of_several(name: str, clause: matching.Clause, _cost: int) -> matching.Clause:
    def holds(found: dict[str, Any], look: Any) -> bool:
        value = found.get(name)
        if type(value) is not list:
            return clause(value if type(value) is dict else {}, look)
        together: dict[str, list[Any]] = {}
        for each in value:
            for key, inner in each.items() if type(each) is dict else ():
                together.setdefault(key, []).append(inner)
        return clause(together, look)

    return holds


def _of_objects_alone(name: str, clause: matching.Clause, cost: int) -> matching.Clause:
    right = below(name, clause, cost)
    return lambda found, look: type(found.get(name)) in {dict, list} and right(found, look)


def _straight_on(names: list[str], last: matching.Clause, _stepwise: Any) -> matching.Clause:
    def holds(found: dict[str, Any], look: Any) -> bool:
        inner: Any = found
        for name in names:
            inner = inner.get(name) if type(inner) is dict else None
        return last(inner if type(inner) is dict else {}, look)

    return holds


def _nothing_beside_objects(name: str, clause: matching.Clause, cost: int) -> matching.Clause:
    """Elements that are no objects are taken for empty ones."""
    right = below(name, clause, cost)

    def holds(found: dict[str, Any], look: Any) -> bool:
        value = found.get(name)
        others = type(value) is list and any(type(each) is not dict for each in value)
        return right(found, look) or (others and clause({}, look))

    return holds


def _first_branch(branches: list[Any]) -> Iterable[Any]:
    yield from branches[0].items()


def _first_test(field: Any) -> Iterable[Any]:
    if isinstance(field.wanted, tuple) and (keys := anchors._keys_of(field.wanted[0])):
        yield (field.name,), keys


def _without_the_anchor(pattern: Pattern, path: anchors.Path, _keys: Any) -> Pattern:
    """Also where the field asks for other values than those that were found."""
    return replace(pattern, fields=tuple(field for field in pattern.fields if field.name != path[0]))


def _below_not(pattern: Any) -> Iterable[Any]:
    for field in pattern.fields:
        yield from anchors._of_field(field)
    for inner in pattern.inner():
        yield from anchors.anchors_of(inner).items()


def _first_element(document: Any, path: tuple[str, ...], _look: Any) -> list[Any]:
    for name in (*path, None):
        document = document[0] if isinstance(document, list) and document else document
        if name is not None:
            document = document.get(name, MISSING) if isinstance(document, dict) else MISSING
    return [] if key_of(document) is None else [key_of(document)]


MUTANTS: dict[str, list[Mutation]] = {
    "prefix: anywhere": [(texts.Prefix, "accepts", lambda test, value: test.wanted in value)],
    "prefix: case is never ignored": [(texts.Prefix, "accepts", lambda test, value: value.startswith(test.text))],
    "prefix: case is folded": [
        (texts.Prefix, "accepts", lambda test, v: v.casefold().startswith(test.text.casefold()))
    ],
    "suffix: anywhere": [(texts.Suffix, "accepts", lambda test, value: test.wanted in value)],
    "suffix: a prefix": [(texts.Suffix, "accepts", texts.Prefix.accepts)],
    "equals-ignore-case: small letters": [
        (texts.EqualsIgnoreCase, "accepts", lambda t, v: v.lower() == t.text.lower())
    ],
    "equals-ignore-case: equals": [(texts.EqualsIgnoreCase, "accepts", lambda test, value: value == test.text)],
    "texts: of other kinds": [(texts._Text, "leaf", _of_any_kind)],
    "wildcard: in any order": [(texts.Wildcard, "accepts", _pieces_anywhere)],
    "wildcard: pieces overlap": [(texts.Wildcard, "accepts", _pieces_overlap)],
    "wildcard: the last place of a piece": [(texts.Wildcard, "accepts", _last_place_of_a_piece)],
    "wildcard: open at its end": [(texts.Wildcard, "accepts", _open_at_its_end)],
    "wildcard: escapes stay": [(texts, "_escaped", lambda character: "\\" + character)],
    "cidr: mapped addresses": [(texts.Cidr, "accepts", lambda t, v: in_network(t, v.removeprefix("::ffff:")))],
    "cidr: zones are dropped": [(texts.Cidr, "accepts", lambda t, v: in_network(t, v.partition("%")[0]))],
    "before: as text": [(texts.Before, "accepts", _earlier_as_text)],
    "before: or then": [(texts.Before, "accepts", _until)],
    "after: or then": [(texts.After, "accepts", _since)],
    "after: before": [(texts.After, "accepts", texts.Before.accepts)],
    "moments: fractions are whole": [
        (texts, "moment_of", _fraction_as_number),
        (parsing, "moment_of", _fraction_as_number),
    ],
    "moments: offsets are dropped": [(texts, "moment_of", _without_offset), (parsing, "moment_of", _without_offset)],
    "anything-but: missing": [(kind, "holds", _when_missing) for kind in (values.AnythingBut, values.AnythingButTexts)],
    "anything-but: strings alone": [(values.AnythingBut, "leaf", _of_strings)],
    "anything-but: and not null": [(values.AnythingBut, "leaf", _not_null)],
    "anything-but: not all texts": [(values.AnythingButTexts, "leaf", _but_for_all)],
    "anything-but: all elements": [(values.AnythingBut, "holds", _all_elements)],
    "numeric: true is a number": [(values, "is_number", lambda value: isinstance(value, int | float))],
    "numeric: one limit of two": [(values.Numeric, "leaf", _first_limit)],
    "numeric: < is <=": [_comparing("<", operator.le)],
    "numeric: <= is <": [_comparing("<=", operator.lt)],
    "numeric: > is >=": [_comparing(">", operator.ge)],
    "numeric: >= is >": [_comparing(">=", operator.gt)],
    "numeric: = is <=": [_comparing("=", operator.le)],
    "numeric: integers are rounded": [_comparing(">", _rounded(operator.gt))],
    "exists: null is nothing": [(values.Exists, "holds", _null_is_nothing)],
    "exists: leaves alone": [(values.Exists, "holds", _leaves_exist)],
    "size: in bytes": [(values.Size, "holds", _size_in_bytes)],
    "size: of objects": [(values.Size, "holds", _size_of_objects)],
    "size: of elements": [(values.Size, "holds", Test.holds), (values.Size, "leaf", values.Size.holds)],
    "all-of: one of": [(values.AllOf, "holds", _one_of_all)],
    "all-of: of a scalar": [(values.AllOf, "holds", _all_of_a_scalar)],
    "equals-field: both missing": [(values.EqualsField, "holds", _equal_when_missing)],
    "equals-field: no lists": [(values.EqualsField, "_keys", lambda _, value, __: keys_of([value]))],
    "scalars: true is 1": _keys(_true_is_one),
    "scalars: 1 is not 1.0": _keys(_by_spelling),
    "scalars: integers are rounded": _keys(_as_binary64),
    "lists: all elements": [(Test, "holds", _all_elements)],
    "lists: not those inside": [
        (each, "elements", lambda found, *_: iter(found)) for each in (tests, values, matching)
    ],
    "lists of objects: fields of several": [(matching, "_below", _fields_of_several)],
    "lists of objects: others are empty ones": [(matching, "_below", _nothing_beside_objects)],
    "patterns: straight on": [(matching, "_along", _straight_on)],
    "patterns: of objects alone": [(matching, "_below", _of_objects_alone)],
    "$not: is passed over": [(matching, "_not", lambda clause: clause)],
    "$or: all": [(matching, "_any_of", matching._all_of)],
    "fields: one of them": [(matching, "_all_of", matching._any_of)],
    "tests: the first": [(matching, "_any_test", lambda name, several: matching._one_test(name, several[0]))],
    "pointers: escapes stay": [(parsing, "steps_of", lambda pointer: tuple(pointer.split("/")[1:]))],
    "anchors: $or's first": [(anchors, "_in_each", _first_branch)],
    "anchors: the first test": [(anchors, "_of_field", _first_test)],
    "anchors: found is matched": [(index, "_beside", lambda *_: Pattern())],
    "anchors: found below is held": [(index, "_beside", _without_the_anchor)],
    "anchors: below $not": [(anchors, "_all", _below_not)],
    "anchors: the first element": [(index, "keys_at", _first_element)],
}
