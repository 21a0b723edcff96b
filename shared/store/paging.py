"""Keyset paging: "everything after this key" said in conditions that an index can serve.

A key of several fields is not compared as one tuple, because NULL compares with nothing. What follows it is cut into
segments instead, in their order: same fields and a later id; same fields but a later last one; and so on. Each segment
is one range of the index.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.contracts.messages import OutboxMessage
from shared.store.documents import CollectionSpec, Document, Index, Lookup, Scalar

ID = "#id"
"""The document's own id, which is no field of its body: a body may well have a field called `id`."""
Operator = Literal["=", ">", "<", "is null", "is not null"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class Condition:
    """On a field of the body, or on `ID`. Ranges across types: numbers come before text."""

    field: str
    operator: Operator
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class Page:
    """What to read: the segments one after the other, each in the order of `order`."""

    segments: tuple[tuple[Condition, ...], ...]
    order: tuple[str, ...]
    descending: bool


def page(index: Index, prefix: tuple[Scalar, ...], after: tuple[Scalar, ...] | None, descending: bool) -> Page:
    """The page that follows `after` among the documents whose leading fields are `prefix`."""
    rest = index.fields[len(prefix) :]
    if len(prefix) > len(index.fields) or (after is not None and len(after) != len(rest) + 1):
        raise ValueError(f"{index.name} has the fields {index.fields}: {prefix=} and {after=} do not fit")
    order = (*rest, ID)
    if prefix and prefix[0] is None:
        return Page((), order, descending)
    start = [_equal(field, value) for field, value in zip(index.fields, prefix, strict=False)]
    if not prefix:
        start = [Condition(index.fields[0], "is not null")]
    if after is None:
        return Page((tuple(start),), order, descending)
    return Page(tuple(_after(index, start, rest, after, descending)), order, descending)


def next_field(wanted: Page) -> str:
    """The field that orders a page first. Raises ValueError where the prefix has them all."""
    if wanted.order[0] == ID:
        raise ValueError("the prefix has every field of the index")
    return wanted.order[0]


def check_names(spec: CollectionSpec) -> None:
    """Refuse what could not be a table's, an index's or a field's name in every engine."""
    for name in (spec.name, *(each.name for each in spec.indexes), *(each.name for each in spec.lookups)):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name: [a-z][a-z0-9_]*")
    for index in spec.indexes:
        if not index.fields or not all(_PATH.fullmatch(field) for field in index.fields):
            raise ValueError(f"index {index.name} needs dotted paths, not {index.fields}")
    for lookup in spec.lookups:
        if not _PATH.fullmatch(lookup.list) or (lookup.member and not _PATH.fullmatch(lookup.member)):
            raise ValueError(f"lookup {lookup.name} needs dotted paths, not {lookup.list}, {lookup.member}")


def check_storable(spec: CollectionSpec, document: Document) -> None:
    """Refuse a body that is no object, and NUL where SQLite would end the text and take it for another."""
    if not isinstance(document.body, dict):
        raise ValueError(f"{document.id}: a document's body is a JSON object")  # noqa: TRY004 - the port says so
    if "\0" in document.id:
        raise ValueError("a document's id holds no NUL")
    for index in spec.indexes:
        for field in index.fields:
            value = _value_at(document.body, field)
            if isinstance(value, str) and "\0" in value:
                raise ValueError(f"{document.id}: {field} is indexed and holds no NUL")


def check_new(spec: CollectionSpec, documents: Sequence[Document]) -> None:
    """Refuse what `insert_many` does not take."""
    if any(index.unique for index in spec.indexes) or any(lookup.unique for lookup in spec.lookups):
        raise ValueError(f"{spec.name} has a unique index or lookup: its documents are saved one by one")
    if len({document.id for document in documents}) < len(documents):
        raise ValueError("an id stands twice among new documents")
    for document in documents:
        if document.version:
            raise ValueError(f"{document.id} is not new: it has version {document.version}")
        check_storable(spec, document)


def check_messages(spec: CollectionSpec, messages: Sequence[OutboxMessage]) -> None:
    """Refuse messages that would be forgotten with their document, sent or not."""
    if spec.expiring and messages:
        raise ValueError(f"{spec.name} expire: they cause no messages")


def index_named(spec: CollectionSpec, name: str) -> Index:
    for index in spec.indexes:
        if index.name == name:
            return index
    raise ValueError(f"{spec.name} declares no index {name!r}")


def lookup_named(spec: CollectionSpec, name: str) -> Lookup:
    for lookup in spec.lookups:
        if lookup.name == name:
            return lookup
    raise ValueError(f"{spec.name} declares no lookup {name!r}")


def _value_at(body: dict[str, Any], path: str) -> object:
    found: Any = body
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _after(
    index: Index, start: list[Condition], rest: tuple[str, ...], after: tuple[Scalar, ...], descending: bool
) -> list[tuple[Condition, ...]]:
    equal = [_equal(field, value) for field, value in zip(rest, after, strict=False)]
    found = [(*start, *equal, Condition(ID, "<" if descending else ">", after[-1]))]
    for depth in range(len(rest) - 1, -1, -1):
        never_null = rest[depth] == index.fields[0]
        beyond = _beyond(rest[depth], after[depth], descending, never_null)
        found += [(*start, *equal[:depth], condition) for condition in beyond]
    return found


def _equal(field: str, value: Scalar) -> Condition:
    return Condition(field, "is null") if value is None else Condition(field, "=", value)


def _beyond(field: str, value: Scalar, descending: bool, never_null: bool) -> list[Condition]:
    if not descending:
        return [Condition(field, "is not null") if value is None else Condition(field, ">", value)]
    if value is None:
        return []
    smaller = Condition(field, "<", value)
    return [smaller] if never_null else [smaller, Condition(field, "is null")]
