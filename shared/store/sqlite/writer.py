"""Group commit: one thread writes, and commits all that waits in one transaction.

A commit costs an fsync, whether it holds one save or three hundred. While one commit is on its way to the disk, the
next ones gather; so durability costs a busy service no more than an idle one, and `synchronous=FULL` comes for free.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from shared.store.documents import Unavailable

LARGEST_GROUP = 500
"""Writes in one transaction; other processes wait for the lock no longer than these take."""
CLEARING_PAUSE = 1.0
"""Seconds for which clearings wait for a save to take them along: a commit of their own costs as much as a save's, and
a crash meanwhile costs copies of messages. Well below the age at which a relay takes a message for left behind."""

Outcome = Exception | None


class Write(Protocol):
    """Something to be done within a transaction it shares with others."""

    def apply(self, cursor: sqlite3.Cursor, /) -> Outcome:
        """Do it, or return why it is refused, having changed nothing. What it raises undoes the whole group."""
        ...


class _Nothing:
    def apply(self, _cursor: sqlite3.Cursor) -> Outcome:
        return None


class _Mark:
    """Dirties the file's first page and changes nothing: a disk that is full, or read-only, refuses it."""

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        (version,) = cursor.execute("PRAGMA user_version").fetchone()
        cursor.execute(f"PRAGMA user_version = {int(version)}")
        return None


_Waiting = tuple[Write, asyncio.Future[None] | None]
_Resolved = list[tuple[asyncio.Future[None], Outcome]]


class Writer:
    """The only connection of this process that writes to the file."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], loop: asyncio.AbstractEventLoop) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._loop = loop
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._clearings: list[Write] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write) -> asyncio.Future[None]:
        """Queue a write. The future ends when it is durable, with its refusal, or with `Unavailable`."""
        if self._closed:
            raise Unavailable("the store is closed")
        self._queue_clearings()
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((write, future))
        return future

    def clear(self, write: Write) -> None:
        """Queue a write that nobody waits for: it goes along with the next save, or alone when there is none."""
        self._clearings.append(write)
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(CLEARING_PAUSE, self._queue_clearings)

    def flush(self) -> asyncio.Future[None]:
        """Ends when all that was queued before has been carried out."""
        return self.submit(_Nothing())

    def prove(self) -> asyncio.Future[None]:
        """Ends when something could be written, and nothing was changed."""
        return self.submit(_Mark())

    async def close(self) -> None:
        """Carry out what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._queue_clearings()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _queue_clearings(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for write in self._clearings:
            self._queue.put((write, None))
        self._clearings.clear()

    def _run(self) -> None:
        group = self._next_group()
        while group:
            outcomes = self._carry_out([write for write, _ in group])
            resolved = [(future, end) for (_, future), end in zip(group, outcomes, strict=True) if future is not None]
            if resolved:
                with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                    self._loop.call_soon_threadsafe(_resolve, resolved)
            group = self._next_group()
        if self._connection is not None:
            self._connection.close()

    def _next_group(self) -> list[_Waiting]:
        """What waits now, at least one; empty at the end."""
        group: list[_Waiting] = []
        waiting = self._queue.get()
        while waiting is not None:
            group.append(waiting)
            if len(group) == LARGEST_GROUP:
                break
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                break
        else:
            if group:
                self._queue.put(None)
        return group

    def _carry_out(self, writes: list[Write]) -> list[Outcome]:
        try:
            return self._in_one_transaction(writes)
        except sqlite3.Error as error:
            self._undo()
            if _is_the_engines(error):
                return [Unavailable(f"SQLite: {error}")] * len(writes)
            failure: Exception = ValueError(str(error))
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for this write
            self._undo()
            failure = error
        if len(writes) == 1:
            return [failure]
        # One of them cannot be stored at all. Its neighbours must not suffer, so each goes by itself.
        return [outcome for write in writes for outcome in self._carry_out([write])]

    def _in_one_transaction(self, writes: list[Write]) -> list[Outcome]:
        if self._connection is None:
            self._connection = self._connect()
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        outcomes = [write.apply(cursor) for write in writes]
        cursor.execute("COMMIT")
        return outcomes

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


def _resolve(resolved: _Resolved) -> None:
    for future, outcome in resolved:
        if future.done():  # whoever waited was cancelled
            continue
        if outcome is None:
            future.set_result(None)
        else:
            future.set_exception(outcome)
