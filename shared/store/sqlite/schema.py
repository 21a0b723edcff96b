"""The file's layout: per collection a table of documents, one of unsent messages, and the declared indexes.

Indexes stand on expressions over the body, so that a new one needs no change to what is stored, and a release that does
not know it goes on filling it.
"""
# ruff: noqa: S608 - names come from checked declarations

import json
import re
import sqlite3
from hashlib import sha256

from shared.store.documents import CollectionSpec, Duplicate, Index, StoredTwice
from shared.store.sqlite import lookups

LAYOUT = 1
_UNIQUE_FAILED = re.compile(r"UNIQUE constraint failed: index '[a-z0-9_]+\.([a-z0-9_]+)\.unique(?:~[0-9a-f]+)?'")


def field_sql(path: str) -> str:
    """A field of the body. The text must be the same in indexes and queries, or the index is not used."""
    return "json_extract(body, '$" + "".join(f'."{part}"' for part in path.split(".")) + "')"


def prepare(connection: sqlite3.Connection, specs: list[CollectionSpec]) -> None:
    """Create what is missing, in one transaction, so that processes may start together."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check_layout(connection)
        for spec in specs:
            for statement in _tables(spec.name):
                connection.execute(statement)
            for index in spec.indexes:
                _build(connection, spec.name, index)
            for lookup in spec.lookups:
                lookups.build(connection, spec.name, lookup)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_layout(connection: sqlite3.Connection) -> None:
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout > LAYOUT:
        raise RuntimeError(f"the store's file has layout {layout}, made by a newer release than this one")


def duplicate(error: sqlite3.IntegrityError) -> Duplicate | None:
    """The refusal of a declared unique index, if that is what the error is."""
    found = _UNIQUE_FAILED.search(str(error))
    return Duplicate(found[1]) if found else None


def _tables(name: str) -> tuple[str, ...]:
    documents = (
        f'CREATE TABLE IF NOT EXISTS "{name}" (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL,'
        " schema INTEGER NOT NULL, wake_at INTEGER, body TEXT NOT NULL)"
    )
    wakes = f'CREATE INDEX IF NOT EXISTS "{name}.wake_at" ON "{name}" (wake_at) WHERE wake_at IS NOT NULL'
    # seq keeps the order of saving, so that the oldest are found without an index on time
    outbox = (
        f'CREATE TABLE IF NOT EXISTS "{name}.outbox" (seq INTEGER PRIMARY KEY, document_id TEXT NOT NULL,'
        " id TEXT NOT NULL, exchange TEXT NOT NULL, routing_key TEXT NOT NULL, headers TEXT NOT NULL,"
        " body TEXT NOT NULL, mandatory INTEGER NOT NULL, saved_at INTEGER NOT NULL, UNIQUE (document_id, id))"
    )
    return documents, wakes, outbox


def _build(connection: sqlite3.Connection, collection: str, index: Index) -> None:
    for name, definition in _definitions(collection, index).items():
        there = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'").fetchall())
        # Another release's index of this name is used by it: ours stands beside it, and none is built in turns.
        beside = f"{name}~{sha256(definition.encode()).hexdigest()[:8]}"
        statements = {free: definition.replace("INDEX", f'INDEX "{free}"', 1) for free in (name, beside)}
        if any(there.get(built) == statement for built, statement in statements.items()):
            continue
        try:
            connection.execute(statements[beside if name in there else name])
        except sqlite3.IntegrityError as error:
            raise (_twice(connection, collection, index) if index.unique else error) from error


def _twice(connection: sqlite3.Connection, collection: str, index: Index) -> StoredTwice:
    """Which documents have the same values."""
    fields = ", ".join(f"ifnull({field}, x'')" for field in map(field_sql, index.fields))
    told = " || ' / ' || ".join(f"ifnull({field}, '')" for field in map(field_sql, index.fields))
    found = connection.execute(
        f'SELECT {told}, json_group_array(id) FROM (SELECT * FROM "{collection}" ORDER BY id)'
        f" WHERE {field_sql(index.fields[0])} IS NOT NULL GROUP BY {fields} HAVING count(*) > 1 LIMIT ?",
        (StoredTwice.MOST,),
    )
    return StoredTwice(collection, index, {str(values): json.loads(ids) for values, ids in found})


def _definitions(collection: str, index: Index) -> dict[str, str]:
    """What to build, still without the names it gets, by the names it is meant to have."""
    first, *others = map(field_sql, index.fields)
    condition = f"WHERE {first} IS NOT NULL"
    name = f"{collection}.{index.name}"
    built = {}
    if index.unique:
        # SQL holds NULLs to be different; the port holds absent fields to be equal
        columns = ", ".join((first, *(f"ifnull({field}, x'')" for field in others)))
        built[f"{name}.unique"] = f'CREATE UNIQUE INDEX ON "{collection}" ({columns}) {condition}'
    if others or not index.unique:
        columns = ", ".join((first, *others, "id"))
        built[name] = f'CREATE INDEX ON "{collection}" ({columns}) {condition}'
    return built
