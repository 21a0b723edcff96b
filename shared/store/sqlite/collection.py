"""The documents of one kind in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic_core import from_json, to_json

from shared.contracts.messages import OutboxMessage
from shared.store import millis
from shared.store.documents import After, CollectionSpec, Conflict, Document, Scalar, Standing, Unsent
from shared.store.paging import check_messages, check_new, check_storable, index_named, lookup_named, next_field, page
from shared.store.sqlite import lookups
from shared.store.sqlite.file import File
from shared.store.sqlite.reader import SHORT, Row
from shared.store.sqlite.schema import duplicate, field_sql
from shared.store.sqlite.statements import COLUMNS, Statements
from shared.store.sqlite.transactions import Outcome

ID_PLACE = 3
"""Of the id, in a row as it is inserted."""
_WIDER = 4
"""Due documents are chosen from this many times as many as are wanted."""


class SqliteCollection:
    """A table of documents and a table of their unsent messages."""

    def __init__(self, spec: CollectionSpec, file: File) -> None:
        self._spec = spec
        self._file = file
        self._sql = Statements(spec.name)

    async def get(self, id: str) -> Document | None:  # noqa: A002
        rows = self._file.reader.now(self._sql.get, (id,))
        return _document(rows[0]) if rows else None

    async def get_many(self, ids: Iterable[str]) -> list[Document]:
        return [_document(row) for row in await self._rows_of(self._sql.get_many, ids)]

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        return dict(await self._rows_of(self._sql.versions, ids))

    async def count(self) -> int:
        ((count,),) = await self._file.reader.rows(self._sql.count, (), SHORT + 1)  # walks an index: not on the loop
        return int(count)

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        check_storable(self._spec, document)
        check_messages(self._spec, messages)
        wake_at = None if document.wake_at is None else millis.rounded_up(document.wake_at)
        body = to_json(document.body).decode()
        new = document.version == 0
        save = _Save(
            sql=self._sql.insert if new else self._sql.update,
            values=(document.schema, wake_at, body, document.id, document.version),
            id=document.id,
            exists=self._sql.exists if new else "",
            append=self._sql.append,
            messages=[_message_row(document.id, message) for message in messages],
        )
        await self._file.writer.submit(save)
        kept = None if wake_at is None else millis.to_datetime(wake_at)
        return replace(document, version=document.version + 1, wake_at=kept)

    async def insert_many(self, documents: Sequence[Document]) -> set[str]:
        check_new(self._spec, documents)
        if not documents:
            return set()
        inserting = _InsertMany(self._sql.insert, [_new_row(document) for document in documents])
        await self._file.writer.submit(inserting)
        return inserting.refused

    async def forget(self, now: datetime, limit: int) -> int:
        """Delete expired documents, no more than `limit`; the number of those deleted."""
        forgetting = _Forget(self._sql.forget, (millis.rounded_down(now), limit))
        await self._file.writer.submit(forgetting)
        return forgetting.count

    async def delete(self, document: Document) -> None:
        await self._file.writer.submit(_Delete(self._sql.delete, document.id, document.version))

    async def find(
        self,
        index: str,
        prefix: tuple[Scalar, ...],
        *,
        limit: int,
        after: After = None,
        descending: bool = False,
    ) -> list[Document]:
        wanted = page(index_named(self._spec, index), prefix, after, descending)
        found: list[Row] = []
        for conditions in wanted.segments:
            missing = limit - len(found)
            if missing <= 0:
                break
            sql, values = self._sql.segment(wanted, conditions)
            found += await self._file.reader.rows(sql, (*values, missing), missing)
        return [_document(row) for row in found]

    async def having(self, lookup: str, text: str, *, limit: int) -> list[Document]:
        sql = lookups.having(self._spec.name, lookup_named(self._spec, lookup), COLUMNS)
        return [_document(row) for row in await self._file.reader.rows(sql, (text, limit), limit)]

    async def due(self, now: datetime, limit: int) -> list[Document]:
        values = (millis.rounded_down(now), limit * _WIDER, limit)
        return [_document(row) for row in await self._file.reader.rows(self._sql.due, values, limit)]

    async def _rows_of(self, sql: str, ids: Iterable[str]) -> list[Row]:
        wanted = [id_ for id_ in ids if "\0" not in id_]  # where json_each would end it
        if not wanted:
            return []
        return await self._file.reader.rows(sql, (to_json(wanted).decode(),), len(wanted))

    async def next_wake(self) -> datetime | None:
        ((earliest,),) = self._file.reader.now(self._sql.next_wake)
        return None if earliest is None else millis.to_datetime(earliest)

    async def keys(self, index: str, prefix: tuple[Scalar, ...], *, limit: int) -> list[Scalar]:
        wanted = page(index_named(self._spec, index), prefix, None, descending=False)
        if not wanted.segments:
            return []
        sql, values = self._sql.segment(wanted, wanted.segments[0], field_sql(next_field(wanted)))
        return [value for (value,) in await self._file.reader.rows(sql, (*values, limit), limit)]

    async def standing(self, due: datetime, most: int) -> Standing:
        reader = self._file.reader
        ((unsent, oldest),) = await reader.rows(self._sql.count_unsent, (most,), SHORT + 1)  # counts: not on the loop
        ((late,),) = await reader.rows(self._sql.count_due, (millis.rounded_down(due), most), SHORT + 1)
        return Standing(
            unsent=unsent,
            oldest_unsent=None if oldest is None else millis.to_datetime(oldest),
            due=late,
            next_wake=await self.next_wake(),
        )

    async def unsent(self, older_than: datetime, limit: int) -> list[Unsent]:
        await self._file.writer.flush()  # what was cleared a moment ago must not be sent again
        # young messages are read and passed over, however few are wanted: not on the loop
        rows = await self._file.reader.rows(self._sql.unsent, (millis.rounded_down(older_than), limit), SHORT + 1)
        return [Unsent(row[0], _message(row)) for row in rows]

    async def unsent_of(self, ids: Iterable[str]) -> set[str]:
        await self._file.writer.flush()
        return {row[0] for row in await self._rows_of(self._sql.unsent_of, ids)}

    async def sent(self, ids: Mapping[str, Sequence[str]]) -> None:
        pairs = [(document_id, message_id) for document_id, some in ids.items() for message_id in some]
        self._file.writer.clear(_Clear(self._sql.clear, pairs))


@dataclass(slots=True)
class _Save:
    """A compare-and-set of one row, and with it the messages it causes."""

    sql: str
    values: tuple[object, ...]
    id: str
    exists: str
    append: str
    messages: list[tuple[object, ...]]

    @property
    def rows(self) -> int:
        return 1 + len(self.messages)

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        try:
            cursor.execute(self.sql, self.values)
        except sqlite3.IntegrityError as error:
            refusal = duplicate(error)
            if refusal is None:
                raise
            # A new document whose id exists breaks its own unique values as well: that is a conflict.
            if self.exists and cursor.execute(self.exists, (self.id,)).fetchone():
                return Conflict(self.id)
            return refusal
        if cursor.rowcount != 1:
            return Conflict(self.id)
        if self.messages:
            cursor.executemany(self.append, self.messages)
        return None


@dataclass(slots=True)
class _InsertMany:
    """New rows, each for itself."""

    sql: str
    to_insert: list[tuple[object, ...]]
    refused: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        return len(self.to_insert)

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        self.refused = {str(row[ID_PLACE]) for row in self.to_insert if cursor.execute(self.sql, row).rowcount != 1}
        return None


@dataclass(slots=True)
class _Forget:
    sql: str
    values: tuple[int, int]
    count: int = 0

    @property
    def rows(self) -> int:
        return self.values[1]

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        self.count = cursor.execute(self.sql, self.values).rowcount
        return None


@dataclass(slots=True)
class _Delete:
    sql: str
    id: str
    version: int
    rows: int = 1

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        cursor.execute(self.sql, (self.id, self.version))
        return None if cursor.rowcount == 1 else Conflict(self.id)


@dataclass(slots=True)
class _Clear:
    sql: str
    ids: list[tuple[str, str]]

    @property
    def rows(self) -> int:
        return len(self.ids)

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        cursor.executemany(self.sql, self.ids)
        return None


def _document(row: Row) -> Document:
    id_, version, schema, wake_at, body = row
    return Document(id_, from_json(body), version, schema, None if wake_at is None else millis.to_datetime(wake_at))


def _new_row(document: Document) -> tuple[object, ...]:
    """As `Statements.insert` takes it."""
    wake_at = None if document.wake_at is None else millis.rounded_up(document.wake_at)
    return document.schema, wake_at, to_json(document.body).decode(), document.id, document.version


def _message_row(document_id: str, message: OutboxMessage) -> tuple[object, ...]:
    return (
        document_id,
        message.id,
        message.exchange,
        message.routing_key,
        to_json(message.headers).decode(),
        message.body.decode(),
        message.mandatory,
        millis.rounded_down(message.saved_at),
    )


def _message(row: Row) -> OutboxMessage:
    _, id_, exchange, routing_key, headers, body, mandatory, saved_at = row
    return OutboxMessage(
        id=id_,
        exchange=exchange,
        routing_key=routing_key,
        headers=from_json(headers),
        body=body.encode(),
        mandatory=bool(mandatory),
        saved_at=millis.to_datetime(saved_at),
    )
