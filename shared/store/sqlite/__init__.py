"""The document store in one SQLite file per service: for processes of one host."""

from shared.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
