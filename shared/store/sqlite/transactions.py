"""The connection that writes: groups of writes, each group in one transaction.

What a write takes is memory and a little processor time; what takes long is the commit, and a lock that another process
has. So the two are apart: `prepare` does the first and waits for nothing, `commit` and `carry_out` may wait.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from shared.store.documents import Unavailable

Outcome = Exception | None


class Write(Protocol):
    """Something to be done within a transaction it shares with others."""

    @property
    def rows(self) -> int:
        """About how many rows it changes."""
        ...

    def apply(self, cursor: sqlite3.Cursor, /) -> Outcome:
        """Do it, or return why it is refused, having changed nothing. What it raises undoes the whole group, and it
        may be asked to do it again."""
        ...


class Transactions:
    """Used by one thread at a time, whichever that is."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], patience: float) -> None:
        """`connect` gives a connection that waits for no lock; `patience` is for how many seconds `carry_out` does."""
        self._connect = connect
        self._patience = patience
        self._connection: sqlite3.Connection | None = None

    def prepare(self, writes: Sequence[Write]) -> list[Outcome] | None:
        """Do them all in a transaction that `commit` ends, without a wait for locks or disks. None, with nothing done,
        where that is not to be had: another process is writing, or one of them cannot be stored."""
        try:
            return self._begin(writes)
        except Exception:  # noqa: BLE001 - `carry_out` tells what is wrong, and to whom
            self._undo()
            return None

    def commit(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Have on disk what is prepared; what became of each write."""
        try:
            self._cursor().execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            return [Unavailable(f"SQLite: {error}")] * len(outcomes)
        return outcomes

    def carry_out(self, writes: Sequence[Write]) -> list[Outcome]:
        """Have them all on disk, each by itself where they cannot be together; what became of each."""
        try:
            self._wait_for_locks(self._patience)
            return self.commit(self._begin(writes))
        except sqlite3.Error as error:
            self._undo()
            if _is_the_engines(error):
                return [Unavailable(f"SQLite: {error}")] * len(writes)
            failure: Exception = ValueError(str(error))
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for this write
            self._undo()
            failure = error
        finally:
            self._wait_for_locks(0)
        if len(writes) == 1:
            return [failure]
        # One of them cannot be stored at all. Its neighbours must not suffer, so each goes by itself.
        return [outcome for write in writes for outcome in self.carry_out([write])]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _begin(self, writes: Sequence[Write]) -> list[Outcome]:
        cursor = self._cursor()
        cursor.execute("BEGIN IMMEDIATE")
        return [write.apply(cursor) for write in writes]

    def _cursor(self) -> sqlite3.Cursor:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.cursor()

    def _wait_for_locks(self, seconds: float) -> None:
        with suppress(sqlite3.Error):
            self._cursor().execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _undo(self) -> None:
        """Roll back; a connection that cannot even do that is given up for a new one."""
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _is_the_engines(error: sqlite3.Error) -> bool:
    """Whether the file or the disk is at fault, rather than what was to be written."""
    if isinstance(
        error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError | sqlite3.ProgrammingError
    ):
        return False
    return "malformed JSON" not in str(error)
