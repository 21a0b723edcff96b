"""The documents of one kind in a collection of MongoDB.

A document's outbox is a list within it, so that state and messages are one write of one document: no transaction, no
replica set and no change stream is asked for, and the shard key is the id.

Every write waits for a majority and for the journal; reads see what a majority has. A driver may repeat a write whose
acknowledgement was lost, and then find its own version stored: a `Conflict` that is none. It is harmless, because
whoever gets a conflict reloads, and finds its own change made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from random import sample
from typing import Any

from bson.errors import BSONError
from pymongo import UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from shared.contracts.messages import OutboxMessage
from shared.store import millis
from shared.store.documents import (
    After,
    CollectionSpec,
    Conflict,
    Document,
    Scalar,
    Standing,
    Unavailable,
    Unsent,
)
from shared.store.mongo.indexes import build, duplicate, refused_ids
from shared.store.mongo.shapes import (
    NOTHING_UNSENT,
    WITHOUT_OUTBOX,
    Json,
    field_of,
    index_definitions,
    lookup_definitions,
    lookup_path,
    page_filter,
    page_order,
    state_of,
    to_document,
    to_entry,
    to_message,
)
from shared.store.paging import (
    check_messages,
    check_new,
    check_storable,
    index_named,
    lookup_named,
    next_field,
    page,
)

CLEARING = WriteConcern(w=1)
"""A clearing that is lost costs a duplicate message, so nothing is waited for."""
_WIDER = 4
"""Due documents are chosen from this many times as many as are wanted."""


class MongoCollection:
    """The documents of one kind: `{_id, version, schema, wake_at, body, outbox: [...]}`.

    A deleted document that has unsent messages is left as `{_id, deleted: true, outbox}` until they are sent.
    """

    def __init__(self, spec: CollectionSpec) -> None:
        self._spec = spec
        self._opened: Any = None

    @property
    def driver(self) -> Any:
        """The driver's collection."""
        if self._opened is None:
            raise Unavailable("the store is not open")
        return self._opened

    async def open(self, collection: Any) -> None:
        """Build missing indexes."""
        for path in ("wake_at", "outbox.saved_at", "deleted"):
            expiry = {"expireAfterSeconds": 0} if path == "wake_at" and self._spec.expiring else {}
            await collection.create_index([(path, 1)], name=path, sparse=True, **expiry)
        for index in self._spec.indexes:
            for definition in index_definitions(index):
                await build(collection, index, *definition)
        for lookup in self._spec.lookups:
            for definition in lookup_definitions(lookup):
                await build(collection, lookup, *definition)
        self._opened = collection

    def close(self) -> None:
        self._opened = None

    async def get(self, id: str) -> Document | None:  # noqa: A002
        with translated():
            found = await self.driver.find_one({"_id": id}, WITHOUT_OUTBOX)
        return to_document(found) if found and "deleted" not in found else None

    async def get_many(self, ids: Iterable[str]) -> list[Document]:
        wanted = list(set(ids))
        if not wanted:
            return []
        return await self._find({"_id": {"$in": wanted}, "deleted": None}, [], len(wanted))

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        wanted = list(set(ids))
        if not wanted:
            return {}
        with translated():
            cursor = self.driver.find({"_id": {"$in": wanted}, "deleted": None}, {"version": 1})
            return {found["_id"]: found["version"] for found in await cursor.to_list(len(wanted))}

    async def count(self) -> int:
        with translated():
            return int(await self.driver.estimated_document_count())

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        check_storable(self._spec, document)
        check_messages(self._spec, messages)
        saved = _saved(document)
        entries = [to_entry(message) for message in messages]
        with translated():
            if document.version == 0:
                await self._insert(saved, entries)
            else:
                await self._update({"_id": document.id, "version": document.version}, saved, entries)
        return saved

    async def insert_many(self, documents: Sequence[Document]) -> set[str]:
        check_new(self._spec, documents)
        if not documents:
            return set()
        new = {document.id: _saved(document) for document in documents}
        with translated():
            try:
                entries = [{"_id": id_, **state_of(saved), "outbox": []} for id_, saved in new.items()]
                await self.driver.insert_many(entries, ordered=False)
            except BulkWriteError as error:
                return await self._exist(new, refused_ids(error))
        return set()

    async def _exist(self, new: Mapping[str, Document], refused: set[str]) -> set[str]:
        """Those of the refused that exist; others are left of deleted documents, and give way."""
        cursor = self.driver.find({"_id": {"$in": list(refused)}, "deleted": True}, {"_id": 1})
        for found in await cursor.to_list(len(refused)):
            try:
                await self._update({"_id": found["_id"], "deleted": True}, new[found["_id"]], [])
            except Conflict:
                continue  # somebody else was faster
            refused = refused - {found["_id"]}
        return refused

    async def delete(self, document: Document) -> None:
        expected = {"_id": document.id, "version": document.version}
        with translated():
            if (await self.driver.delete_one(expected | NOTHING_UNSENT)).deleted_count:
                return
            buried = {"$set": {"deleted": True}, "$unset": dict.fromkeys(("version", "schema", "wake_at", "body"), "")}
            if not (await self.driver.update_one(expected, buried)).matched_count:
                raise Conflict(document.id)

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
        if not wanted.segments:
            return []
        return await self._find(page_filter(wanted), page_order(wanted), limit)

    async def having(self, lookup: str, text: str, *, limit: int) -> list[Document]:
        path = lookup_path(lookup_named(self._spec, lookup))
        return await self._find({path: {"$eq": text}}, [("_id", 1)], limit)

    async def due(self, now: datetime, limit: int) -> list[Document]:
        is_due = {"wake_at": {"$lte": millis.to_datetime(millis.rounded_down(now))}}
        with translated():
            cursor = self.driver.find(is_due, {"_id": 1}).sort("wake_at", 1).limit(limit * _WIDER)
            ids = [found["_id"] for found in await cursor.to_list(limit * _WIDER)]
        chosen = sample(ids, min(limit, len(ids)))
        found = {document.id: document for document in await self._find({"_id": {"$in": chosen}} | is_due, [], limit)}
        return [found[id_] for id_ in chosen if id_ in found]

    async def next_wake(self) -> datetime | None:
        with translated():
            found = await self.driver.find_one({"wake_at": {"$exists": True}}, {"wake_at": 1}, sort=[("wake_at", 1)])
        return found["wake_at"] if found else None

    async def keys(self, index: str, prefix: tuple[Scalar, ...], *, limit: int) -> list[Scalar]:
        wanted = page(index_named(self._spec, index), prefix, None, descending=False)
        if not wanted.segments:
            return []
        field = next_field(wanted)
        with translated():
            cursor = self.driver.find(page_filter(wanted), {f"body.{field}": 1, "_id": 0})
            return [field_of(found, field) for found in await cursor.sort(page_order(wanted)).to_list(limit)]

    async def standing(self, due: datetime, most: int) -> Standing:
        is_due = {"wake_at": {"$lte": millis.to_datetime(millis.rounded_down(due))}}
        has_unsent = {"outbox.saved_at": {"$exists": True}}
        oldest_first = [("outbox.saved_at", 1)]
        with translated():
            oldest = await self.driver.find_one(has_unsent, {"outbox.saved_at": 1}, sort=oldest_first)
            return Standing(
                unsent=await self.driver.count_documents(has_unsent, limit=most, hint="outbox.saved_at"),
                oldest_unsent=min(entry["saved_at"] for entry in oldest["outbox"]) if oldest else None,
                due=await self.driver.count_documents(is_due, limit=most),
                next_wake=await self.next_wake(),
            )

    async def unsent(self, older_than: datetime, limit: int) -> list[Unsent]:
        moment = millis.to_datetime(millis.rounded_down(older_than))
        with translated():
            await self.driver.delete_many({"deleted": True} | NOTHING_UNSENT)
            cursor = self.driver.find({"outbox.saved_at": {"$lt": moment}}, {"outbox": 1})
            documents = await cursor.sort("outbox.saved_at", 1).limit(limit).to_list(limit)
        found = {
            (document["_id"], entry["id"]): Unsent(document["_id"], to_message(entry))
            for document in documents
            for entry in document["outbox"]
            if entry["saved_at"] < moment
        }
        return sorted(found.values(), key=lambda unsent: unsent.message.saved_at)[:limit]

    async def unsent_of(self, ids: Iterable[str]) -> set[str]:
        wanted = list(set(ids))
        if not wanted:
            return set()
        with translated():
            cursor = self.driver.find({"_id": {"$in": wanted}, "outbox.0": {"$exists": True}}, {"_id": 1})
            return {found["_id"] for found in await cursor.to_list(len(wanted))}

    async def sent(self, ids: Mapping[str, Sequence[str]]) -> None:
        pulls = [  # in one order: an engine that locks until the batch is over would find two of us in a deadlock
            UpdateOne({"_id": id_}, {"$pull": {"outbox": {"id": {"$in": list(messages)}}}})
            for id_, messages in sorted(ids.items())
        ]
        if pulls:
            with translated():
                await self.driver.with_options(write_concern=CLEARING).bulk_write(pulls, ordered=False)

    async def _find(self, wanted: Json, order: list[tuple[str, int]], limit: int) -> list[Document]:
        if limit <= 0:
            return []
        with translated():
            cursor = self.driver.find(wanted, WITHOUT_OUTBOX).limit(limit)
            if order:
                cursor = cursor.sort(order)
            return [to_document(found) for found in await cursor.to_list(limit)]

    async def _insert(self, document: Document, entries: list[Json]) -> None:
        try:
            await self.driver.insert_one({"_id": document.id, **state_of(document), "outbox": entries})
        except DuplicateKeyError as error:
            stored = await self.driver.find_one({"_id": document.id}, {"deleted": 1})
            if stored is None:
                raise duplicate(error) from error
            if "deleted" not in stored:
                raise Conflict(document.id) from error
            await self._update({"_id": document.id, "deleted": True}, document, entries)

    async def _update(self, expected: Json, document: Document, entries: list[Json]) -> None:
        change: Json = {"$set": state_of(document)}
        gone = {"deleted": ""} if "deleted" in expected else {}
        if document.wake_at is None:
            gone["wake_at"] = ""
        if gone:
            change["$unset"] = gone
        if entries:
            change["$push"] = {"outbox": {"$each": entries}}
        try:
            result = await self.driver.update_one(expected, change)
        except DuplicateKeyError as error:
            raise duplicate(error) from error
        if not result.matched_count:
            raise Conflict(document.id)


def _saved(document: Document) -> Document:
    """As it will be stored."""
    wake_at = None if document.wake_at is None else millis.to_datetime(millis.rounded_up(document.wake_at))
    return replace(document, version=document.version + 1, wake_at=wake_at)


@contextmanager
def translated() -> Iterator[None]:
    """Keep the driver's exceptions in: what cannot be stored is a `ValueError`, all else means that nobody knows."""
    try:
        yield
    except (BSONError, OverflowError) as error:
        raise ValueError(str(error)) from error
    except PyMongoError as error:
        raise Unavailable(f"MongoDB: {type(error).__name__}: {error}") from error
