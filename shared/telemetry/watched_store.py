"""A store whose answers are timed, whatever engine it is."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import datetime
from time import perf_counter
from typing import TypeVar

from shared.contracts.messages import OutboxMessage
from shared.kernel.meter import StoreMeter
from shared.store.documents import (
    After,
    Collection,
    CollectionSpec,
    Conflict,
    Document,
    Scalar,
    Standing,
    Store,
    Unavailable,
    Unsent,
)
from shared.telemetry import spans
from shared.telemetry.spans import Kind

T = TypeVar("T")


class WatchedStore:
    """One service's store. Fulfils `Store`."""

    def __init__(self, store: Store, service: str, meter: StoreMeter) -> None:
        self._store = store
        self._service = service
        self._meter = meter
        self._collections: dict[CollectionSpec, WatchedCollection] = {}

    @property
    def service(self) -> str:
        return self._service

    @property
    def collections(self) -> Mapping[CollectionSpec, Collection]:
        """All that were declared."""
        return self._collections

    def collection(self, spec: CollectionSpec) -> Collection:
        found = self._collections.get(spec)
        if found is None:
            inner = self._store.collection(spec)
            found = self._collections[spec] = WatchedCollection(inner, self._service, spec.name, self._meter)
        return found

    async def open(self) -> None:
        await self._store.open()

    async def ping(self) -> None:
        await self._store.ping()

    async def now(self) -> datetime:
        return await self._store.now()

    async def close(self) -> None:
        await self._store.close()


class WatchedCollection:
    """One collection. Fulfils `Collection`."""

    def __init__(self, collection: Collection, service: str, name: str, meter: StoreMeter) -> None:
        self._collection = collection
        self._service = service
        self._name = name
        self._meter = meter

    async def get(self, id: str) -> Document | None:  # noqa: A002 - the port's word
        return await self._timed("get", self._collection.get(id))

    async def get_many(self, ids: Iterable[str]) -> list[Document]:
        return await self._timed("get_many", self._collection.get_many(ids))

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        return await self._timed("versions", self._collection.versions(ids))

    async def count(self) -> int:
        return await self._timed("count", self._collection.count())

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        return await self._timed("save", self._collection.save(document, messages))

    async def insert_many(self, documents: Sequence[Document]) -> set[str]:
        return await self._timed("insert_many", self._collection.insert_many(documents))

    async def delete(self, document: Document) -> None:
        await self._timed("delete", self._collection.delete(document))

    async def find(
        self,
        index: str,
        prefix: tuple[Scalar, ...],
        *,
        limit: int,
        after: After = None,
        descending: bool = False,
    ) -> list[Document]:
        found = self._collection.find(index, prefix, limit=limit, after=after, descending=descending)
        return await self._timed("find", found)

    async def due(self, now: datetime, limit: int) -> list[Document]:
        return await self._timed("due", self._collection.due(now, limit))

    async def next_wake(self) -> datetime | None:
        return await self._timed("next_wake", self._collection.next_wake())

    async def having(self, lookup: str, text: str, *, limit: int) -> list[Document]:
        return await self._timed("having", self._collection.having(lookup, text, limit=limit))

    async def keys(self, index: str, prefix: tuple[Scalar, ...], *, limit: int) -> list[Scalar]:
        return await self._timed("keys", self._collection.keys(index, prefix, limit=limit))

    async def standing(self, due: datetime, most: int) -> Standing:
        return await self._timed("standing", self._collection.standing(due, most))

    async def unsent(self, older_than: datetime, limit: int) -> list[Unsent]:
        return await self._timed("unsent", self._collection.unsent(older_than, limit))

    async def unsent_of(self, ids: Iterable[str]) -> set[str]:
        return await self._timed("unsent_of", self._collection.unsent_of(ids))

    async def sent(self, ids: Mapping[str, Sequence[str]]) -> None:
        await self._timed("sent", self._collection.sent(ids))

    async def _timed(self, operation: str, work: Awaitable[T]) -> T:
        began = perf_counter()
        try:
            if not spans.is_recorded():
                return await work
            with spans.child(f"{operation} {self._name}", Kind.CLIENT) as span:
                span.tell(
                    db__operation__name=operation, db__collection__name=self._name, milesaga__service=self._service
                )
                return await work
        except Conflict:
            self._meter.conflicted(self._service, self._name)
            raise
        except Unavailable:
            self._meter.unavailable(self._service, operation)
            raise
        finally:
            self._meter.stored(self._service, operation, perf_counter() - began)
