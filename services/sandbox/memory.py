"""The outside world's memory: one SQLite file, one connection, one thread.

Whatever waits is committed together, and answered only after the commit: an effect that somebody heard of
survives a kill, and hundreds of requests a second cost few fsyncs.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")

BATCH = 200  # a page of waiting work; more would only make the first of them wait longer

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults (position INTEGER PRIMARY KEY, rule TEXT NOT NULL, hits INTEGER NOT NULL);
"""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.loop.create_future()
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        """Each job is whole or not at all, whatever its neighbours in the transaction do."""
        connection.execute("SAVEPOINT job")
        try:
            self.result = self.work(connection)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
            connection.execute("ROLLBACK TO job")
            self.error = error
        connection.execute("RELEASE job")

    def resolve(self) -> None:
        if self.answer.done():  # whoever asked has gone away; the effect stands
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)  # type: ignore[arg-type]


class Memory:
    """Runs pieces of work against the file, in the order in which they were asked for."""

    def __init__(self, path: Path, schemas: Iterable[str] = ()) -> None:
        """`schemas` are the providers' tables, beside those of the sandbox itself."""
        self._path, self._schema = path, "\n".join((SCHEMA, *schemas))
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Create what is missing and take up work. Opening twice is a mistake."""
        if self._thread is not None:
            raise RuntimeError("the memory is open already")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(self._schema)
        # A daemon: what was answered is on disk, so a process that ends in haste need not wait for it.
        self._thread = threading.Thread(target=self._serve, args=(connection,), name="sandbox-memory", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Finish what waits, then close the file."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, once what it changed is on disk. What it raises undoes it and is raised here."""
        if self._thread is None:
            raise RuntimeError("the memory is closed")
        job = _Job(work)
        self._jobs.put(job)
        return await job.answer

    def _serve(self, connection: sqlite3.Connection) -> None:
        more = True
        while more:
            batch, more = self._waiting()
            if batch:
                self._commit(connection, batch)
        connection.close()

    def _waiting(self) -> tuple[list[_Job[Any]], bool]:
        first = self._jobs.get()
        if first is None:
            return [], False
        batch = [first]
        while len(batch) < BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, False
            batch.append(job)
        return batch, True

    @staticmethod
    def _commit(connection: sqlite3.Connection, batch: list[_Job[Any]]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                job.run(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in batch:
                job.error = error
        for job in batch:
            with suppress(RuntimeError):  # the loop that asked is closed: nobody waits any more
                job.loop.call_soon_threadsafe(job.resolve)


def fact(connection: sqlite3.Connection, name: str) -> str | None:
    """A single remembered value."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def remember(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a single value, replacing the former one."""
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))


def next_serial(connection: sqlite3.Connection, name: str) -> int:
    """1, 2, 3...: never the same twice, also after the books were emptied."""
    serial = int(fact(connection, name) or 0) + 1
    remember(connection, name, str(serial))
    return serial


def empty(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Forget what these say of purchases; serial numbers stay."""
    for table in tables:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the providers' own table names
