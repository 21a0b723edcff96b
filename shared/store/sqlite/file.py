"""The file: how it is connected to, and who reads and writes it in this process."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from shared.store.documents import CollectionSpec, Unavailable
from shared.store.sqlite.reader import Reader
from shared.store.sqlite.schema import prepare
from shared.store.sqlite.transactions import Transactions
from shared.store.sqlite.writer import Writer

READ_PATIENCE = 0.25
"""Seconds a read waits for a lock, on the loop: only while a file is being recovered after a crash."""
CHECKPOINT_PAGES = 4000
"""16 MB of log before it is written back; the default of 1000 makes a busy writer do so many times a second."""


class File:
    """One database file, open or not."""

    def __init__(self, path: Path, write_patience: float) -> None:
        self._path = path
        self._write_patience = write_patience
        self._reader: Reader | None = None
        self._writer: Writer | None = None

    @property
    def reader(self) -> Reader:
        if self._reader is None:
            raise Unavailable("the store is not open")
        return self._reader

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            raise Unavailable("the store is not open")
        return self._writer

    @property
    def is_open(self) -> bool:
        return self._writer is not None

    async def open(self, specs: Sequence[CollectionSpec]) -> None:
        try:
            await asyncio.to_thread(self._prepare, list(specs))
            self._reader = Reader(lambda: self._connect(READ_PATIENCE))
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"SQLite: {self._path}: {error}") from error
        transactions = Transactions(lambda: self._connect(0), self._write_patience)
        self._writer = Writer(transactions, asyncio.get_running_loop())

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        reader, self._reader = self._reader, None
        if writer is not None:
            await writer.close()
        if reader is not None:
            await reader.close()

    def _connect(self, patience: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=patience, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_spill = OFF")  # the disk is written to by a commit, and by nothing before it
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return connection

    def _prepare(self, specs: list[CollectionSpec]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connect(self._write_patience)
        try:
            self._use_wal(connection)
            prepare(connection, specs)
        finally:
            connection.close()

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """SQLite does not wait for the lock that this change needs, so that processes starting together must."""
        deadline = time.monotonic() + self._write_patience
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
                continue
            if mode != "wal":
                raise Unavailable(f"SQLite: {self._path}: this file system has no shared memory, which WAL needs")
            return
