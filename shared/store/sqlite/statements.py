"""The SQL of one collection. Names come from checked declarations, values are always bound."""
# ruff: noqa: S608

from collections.abc import Sequence

from shared.store.documents import Scalar
from shared.store.paging import ID, Condition, Page
from shared.store.sqlite.schema import field_sql

COLUMNS = "id, version, schema, wake_at, body"


class Statements:
    """Every statement that a collection needs, made once."""

    def __init__(self, name: str) -> None:
        table, outbox = f'"{name}"', f'"{name}.outbox"'
        self._table = table
        self.get = f"SELECT {COLUMNS} FROM {table} WHERE id = ?"
        self.get_many = f"SELECT {COLUMNS} FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
        self.versions = f"SELECT id, version FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
        self.count = f"SELECT count(*) FROM {table}"
        self.exists = f"SELECT 1 FROM {table} WHERE id = ?"
        self.insert = (
            f"INSERT INTO {table} (schema, wake_at, body, id, version) VALUES (?, ?, ?, ?, ? + 1)"
            " ON CONFLICT (id) DO NOTHING"
        )
        self.update = (
            f"UPDATE {table} SET schema = ?, wake_at = ?, body = ?, version = version + 1 WHERE id = ? AND version = ?"
        )
        self.forget = (
            f"DELETE FROM {table} WHERE rowid IN"
            f" (SELECT rowid FROM {table} WHERE wake_at <= ? ORDER BY wake_at LIMIT ?)"
        )
        self.delete = f"DELETE FROM {table} WHERE id = ? AND version = ?"
        self.due = (
            f"SELECT {COLUMNS} FROM {table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid FROM {table}"
            " WHERE wake_at <= ? ORDER BY wake_at LIMIT ?) ORDER BY random() LIMIT ?) ORDER BY random()"
        )
        self.next_wake = f"SELECT min(wake_at) FROM {table} WHERE wake_at IS NOT NULL"
        self.count_due = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE wake_at <= ? LIMIT ?)"
        self.count_unsent = f"SELECT count(*), min(saved_at) FROM (SELECT saved_at FROM {outbox} ORDER BY seq LIMIT ?)"
        self.append = (
            f"INSERT OR REPLACE INTO {outbox}"
            " (document_id, id, exchange, routing_key, headers, body, mandatory, saved_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self.unsent = (
            "SELECT document_id, id, exchange, routing_key, headers, body, mandatory, saved_at"
            f" FROM {outbox} WHERE saved_at < ? ORDER BY seq LIMIT ?"
        )
        self.unsent_of = (
            f"SELECT DISTINCT document_id FROM {outbox} WHERE document_id IN (SELECT value FROM json_each(?))"
        )
        self.clear = f"DELETE FROM {outbox} WHERE document_id = ? AND id = ?"

    def segment(self, page: Page, conditions: Sequence[Condition], columns: str = COLUMNS) -> tuple[str, list[Scalar]]:
        """One segment of a page, without its limit, which is the last value to bind."""
        where = " AND ".join(_condition_sql(condition) for condition in conditions)
        direction = "DESC" if page.descending else "ASC"
        # SQLite does not see that an expression held equal needs no sorting
        fixed = {condition.field for condition in conditions if condition.operator in {"=", "is null"}}
        order = ", ".join(f"{_column(field)} {direction}" for field in page.order if field not in fixed)
        values = [condition.value for condition in conditions if condition.operator in "=<>"]
        return f"SELECT {columns} FROM {self._table} WHERE {where} ORDER BY {order} LIMIT ?", values


def _column(field: str) -> str:
    return "id" if field == ID else field_sql(field)


def _condition_sql(condition: Condition) -> str:
    column = _column(condition.field)
    if condition.operator in "=<>":
        return f"{column} {condition.operator} ?"
    return f"{column} {condition.operator.upper()}"
