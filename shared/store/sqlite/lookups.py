"""Lookups in SQLite: a table of texts and documents beside the documents, kept by triggers.

Triggers belong to the file, so that a release which does not know the lookup goes on filling it, and they act within
the statement that saves: a lookup is never behind its documents.
"""
# ruff: noqa: S608 - names come from checked declarations

import json
import sqlite3
from typing import Final

from shared.store.documents import Lookup, StoredTwice

EVENTS: Final = ("insert", "update", "delete")


def having(collection: str, lookup: Lookup, columns: str) -> str:
    """The statement that finds documents by a text; it binds the text and the limit."""
    names = ", ".join(f"d.{column.strip()}" for column in columns.split(","))
    return (
        f'SELECT {names} FROM "{collection}.{lookup.name}" l JOIN "{collection}" d ON d.id = l.document_id'
        " WHERE l.text = ? ORDER BY l.document_id LIMIT ?"
    )


def build(connection: sqlite3.Connection, collection: str, lookup: Lookup) -> None:
    """Make the table, fill it from what is stored, and have it kept. What is there already stays. Raises
    StoredTwice."""
    table = f"{collection}.{lookup.name}"
    if not _is_there(connection, "table", table):
        _make(connection, collection, table, lookup)
    if lookup.unique and not _is_there(connection, "trigger", f"{table}.unique.insert"):
        _make_unique(connection, collection, table, lookup)


def _is_there(connection: sqlite3.Connection, kind: str, name: str) -> bool:
    wanted = "SELECT 1 FROM sqlite_master WHERE type = ? AND name = ?"
    return connection.execute(wanted, (kind, name)).fetchone() is not None


def _make(connection: sqlite3.Connection, collection: str, table: str, lookup: Lookup) -> None:
    connection.execute(
        f'CREATE TABLE "{table}" (text TEXT NOT NULL, document_id TEXT NOT NULL, PRIMARY KEY (text, document_id))'
        " WITHOUT ROWID"
    )
    stored = _texts(lookup, "d", f'"{collection}" AS d, ')
    connection.execute(f'INSERT OR IGNORE INTO "{table}" {stored}')
    for event in EVENTS:
        connection.execute(_trigger(collection, table, lookup, event))


def _make_unique(connection: sqlite3.Connection, collection: str, table: str, lookup: Lookup) -> None:
    """What another document has is refused before one is written, in the words of a unique index. The table's own
    triggers stay as they are, of whatever release: they pass over what they cannot put there. Raises StoredTwice."""
    twice = (
        f'SELECT text, json_group_array(document_id) FROM (SELECT * FROM "{table}" ORDER BY text, document_id)'
        " GROUP BY text HAVING count(*) > 1 LIMIT ?"
    )
    if found := connection.execute(twice, (StoredTwice.MOST,)).fetchall():
        raise StoredTwice(collection, lookup, {text: json.loads(ids) for text, ids in found})
    words = f"UNIQUE constraint failed: index ''{table}.unique''"
    texts = _texts(lookup, "NEW")
    refused = (
        f"SELECT RAISE(ABORT, '{words}') FROM ({texts}) AS n"
        f' JOIN "{table}" AS l ON l.text = n.text WHERE l.document_id <> NEW.id;'
    )
    for event, when in (("insert", "BEFORE INSERT"), ("update", "BEFORE UPDATE OF body")):
        connection.execute(f'CREATE TRIGGER "{table}.unique.{event}" {when} ON "{collection}" BEGIN {refused} END')


def _trigger(collection: str, table: str, lookup: Lookup, event: str) -> str:
    taken = f'DELETE FROM "{table}" WHERE (text, document_id) IN ({_texts(lookup, "OLD")});'
    put = f'INSERT OR IGNORE INTO "{table}" {_texts(lookup, "NEW")};'
    when, acts = {
        "insert": ("AFTER INSERT", put),
        "update": ("AFTER UPDATE OF body", taken + put),
        "delete": ("AFTER DELETE", taken),
    }[event]
    path = _path(lookup.list)
    changed = f"WHEN json_extract(OLD.body, {path}) IS NOT json_extract(NEW.body, {path})" if event == "update" else ""
    return f'CREATE TRIGGER "{table}.{event}" {when} ON "{collection}" {changed} BEGIN {acts} END'


def _texts(lookup: Lookup, row: str, source: str = "") -> str:
    """The texts of a document and its id."""
    path = _path(lookup.list)
    # CASE, because json_extract refuses what is no JSON, and the order in which conditions are looked at is open
    nested = f"CASE m.type WHEN 'object' THEN json_extract(m.value, {_path(lookup.member)}) END"
    text = nested if lookup.member else "CASE m.type WHEN 'text' THEN m.value END"
    return (
        f"SELECT {text} AS text, {row}.id FROM {source}json_each({row}.body, {path}) AS m"
        f" WHERE json_type({row}.body, {path}) = 'array' AND typeof({text}) = 'text'"
    )


def _path(path: str) -> str:
    return "'$" + "".join(f'."{part}"' for part in path.split(".")) + "'"
