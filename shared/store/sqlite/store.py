"""A service's documents in one file."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from shared.store.documents import CollectionSpec, Unavailable
from shared.store.paging import check_names
from shared.store.sqlite.collection import SqliteCollection
from shared.store.sqlite.file import File

FORGET_PAUSE = 60.0
"""Seconds between two looks for documents that have expired: as often as MongoDB looks."""
FORGOTTEN_AT_ONCE = 2_000
"""In one commit, so that others' saves wait no longer than milliseconds."""


class SqliteStore:
    """The document store on SQLite: WAL, every acknowledged save on disk.

    Several processes of one host may share the file; over a network file system none may. `write_patience` is how many
    seconds a save waits for another process's commit before it is `Unavailable`.
    """

    def __init__(self, path: Path, write_patience: float = 5.0, forget_pause: float = FORGET_PAUSE) -> None:
        self.path = path
        self._forget_pause = forget_pause
        self._forgetting: asyncio.Task[None] | None = None
        self._file = File(path, write_patience)
        self._collections: dict[CollectionSpec, SqliteCollection] = {}

    def collection(self, spec: CollectionSpec) -> SqliteCollection:
        """Declare a collection; before `open`."""
        if spec in self._collections:
            return self._collections[spec]
        check_names(spec)
        if self._file.is_open or any(spec.name == other.name for other in self._collections):
            raise RuntimeError(f"{spec.name} must be declared once, and before the store is opened")
        self._collections[spec] = SqliteCollection(spec, self._file)
        return self._collections[spec]

    async def open(self) -> None:
        """Create the file, its tables and its indexes, where they are missing."""
        await self._file.open(tuple(self._collections))
        expiring = [collection for spec, collection in self._collections.items() if spec.expiring]
        if expiring:
            self._forgetting = asyncio.create_task(self._forget(expiring), name=f"forgetting in {self.path.name}")

    async def ping(self) -> None:
        """Take the writer's turn, write, and change nothing."""
        await self._file.writer.prove()

    async def now(self) -> datetime:
        """This machine's clock: the file's processes all run on it."""
        return datetime.now(UTC)

    async def close(self) -> None:
        """Commit what is queued, and let go of the file."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.gather(self._forgetting, return_exceptions=True)
        await self._file.close()

    async def _forget(self, collections: Sequence[SqliteCollection]) -> None:
        """What MongoDB does by itself. A file that cannot be written now can be at another time."""
        while True:
            await asyncio.sleep(self._forget_pause)
            for collection in collections:
                with suppress(Unavailable):
                    while await collection.forget(datetime.now(UTC), FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
                        pass
