"""Reading: small reads on the event loop, long ones in a thread of their own.

A read by key takes a few microseconds, a thread's round trip ten times that; so small reads stay on the loop. WAL lets
them go on whatever the writer does.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.store.documents import Unavailable

SHORT = 64
"""Rows that are read and parsed on the loop: less than a millisecond."""

Row = tuple[Any, ...]


class Reader:
    """Two connections: one for the loop's thread, one for the scanning thread."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._here = connect()
        self._there: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "store-reader")

    def now(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Read on the calling thread."""
        return _fetch(self._here, sql, values)

    async def rows(self, sql: str, values: Sequence[object], expected: int) -> list[Row]:
        """Read, on the loop or off it, whichever `expected` rows call for."""
        if expected <= SHORT:
            return self.now(sql, values)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._scan, sql, values)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        self._here.close()
        if self._there is not None:
            self._there.close()

    def _scan(self, sql: str, values: Sequence[object]) -> list[Row]:
        if self._there is None:
            self._there = self._connect()
        return _fetch(self._there, sql, values)


def _fetch(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[Row]:
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise Unavailable(f"SQLite: {error}") from error
