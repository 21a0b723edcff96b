"""Group commit: all that waits is written in one transaction, which a thread commits.

A commit costs an fsync, whether it holds one save or three hundred. While one commit is on its way to the disk, the
next saves gather; so durability costs a busy service no more than an idle one, and `synchronous=FULL` comes for free.

The statements are carried out on the event loop, where they take microseconds. A thread would have to be given the
interpreter for each of them, in the middle of what the loop does, and waits up to five milliseconds for it. What is
large, and what must wait for another process, is the thread's from the beginning.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue

from shared.store.documents import Unavailable
from shared.store.sqlite.transactions import Outcome, Transactions, Write

LARGEST_GROUP = 500
"""Rows in one transaction; other processes wait for the lock no longer than these take."""
SMALL_GROUP = 200
"""Rows that are written on the loop: a few milliseconds."""
CLEARING_PAUSE = 1.0
"""Seconds for which clearings wait for a save to take them along: a commit of their own costs as much as a save's, and
a crash meanwhile costs copies of messages. Well below the age at which a relay takes a message for left behind."""


class _Nothing:
    rows = 0

    def apply(self, _cursor: object) -> Outcome:
        return None


class _Mark:
    """Dirties the file's first page and changes nothing: a disk that is full, or read-only, refuses it."""

    rows = 1

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        (version,) = cursor.execute("PRAGMA user_version").fetchone()
        cursor.execute(f"PRAGMA user_version = {int(version)}")
        return None


_Waiting = tuple[Write, asyncio.Future[None] | None]
_Job = tuple[list[_Waiting], list[Outcome] | None]


class Writer:
    """The only one in this process that writes to the file."""

    def __init__(self, transactions: Transactions, loop: asyncio.AbstractEventLoop) -> None:
        self._transactions = transactions
        self._loop = loop
        self._waiting: deque[_Waiting] = deque()
        self._under_way = False
        """Is a group written and not yet committed, or about to be written?"""
        self._clearings: list[Write] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write) -> asyncio.Future[None]:
        """Queue a write. The future ends when it is durable, with its refusal, or with `Unavailable`."""
        if self._closed:
            raise Unavailable("the store is closed")
        self._queue_clearings()
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((write, future))
        self._go_on_soon()
        return future

    def clear(self, write: Write) -> None:
        """Queue a write that nobody waits for: it goes along with the next save, or alone when there is none."""
        self._clearings.append(write)
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(CLEARING_PAUSE, self._clear_now)

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
            self._clear_now()
        await asyncio.to_thread(self._thread.join)

    def _clear_now(self) -> None:
        self._queue_clearings()
        self._go_on_soon()

    def _queue_clearings(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.extend((write, None) for write in self._clearings)
        self._clearings.clear()

    def _go_on_soon(self) -> None:
        """Not at once: what else this turn of the loop brings goes along."""
        if not self._under_way:
            self._under_way = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        group, rows = self._next_group()
        if group:
            small = rows <= SMALL_GROUP
            self._jobs.put((group, self._transactions.prepare([write for write, _ in group]) if small else None))
        elif self._closed:
            self._jobs.put(None)
        else:
            self._under_way = False

    def _next_group(self) -> tuple[list[_Waiting], int]:
        """What waits now, and how many rows that is."""
        group: list[_Waiting] = []
        rows = 0
        while self._waiting and (not group or rows + self._waiting[0][0].rows <= LARGEST_GROUP):
            waiting = self._waiting.popleft()
            group.append(waiting)
            rows += waiting[0].rows
        return group, rows

    def _run(self) -> None:
        """The thread."""
        while (job := self._jobs.get()) is not None:
            group, prepared = job
            if prepared is not None:
                outcomes = self._transactions.commit(prepared)
            else:
                outcomes = self._transactions.carry_out([write for write, _ in group])
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                self._loop.call_soon_threadsafe(self._committed, group, outcomes)
        self._transactions.close()

    def _committed(self, group: list[_Waiting], outcomes: list[Outcome]) -> None:
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future is None or future.done():  # nobody waits, or whoever did was cancelled
                continue
            if outcome is None:
                future.set_result(None)
            else:
                future.set_exception(outcome)
        self._under_way = False
        self._go_on_soon()
