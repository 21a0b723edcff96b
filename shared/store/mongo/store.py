"""A service's documents in a database of MongoDB, through Motor or PyMongo's own asynchronous client."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

from shared.store.documents import CollectionSpec, Unavailable
from shared.store.mongo.collection import MongoCollection, translated
from shared.store.mongo.shapes import Json
from shared.store.paging import check_names

PROBE = "_probe"
"""A collection that nobody reads: what can be written there can be written anywhere."""
DURABLE = WriteConcern(w="majority", j=True, wtimeout=5_000)
MAJORITY = ReadConcern("majority")
TIMEOUTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 3_000,
    "connectTimeoutMS": 3_000,
    "socketTimeoutMS": 10_000,
    "waitQueueTimeoutMS": 5_000,
}


def database_name(service: str) -> str:
    """The database of a service's documents."""
    return f"milesaga_{service}"


def motor_client(url: str, **more: Any) -> Any:
    """Motor's client: the default."""
    from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - the other driver's users do without it

    return AsyncIOMotorClient(url, tz_aware=True, **TIMEOUTS, **more)


def pymongo_client(url: str, **more: Any) -> Any:
    """PyMongo's own asynchronous client, which its vendor names as Motor's successor."""
    from pymongo import AsyncMongoClient  # noqa: PLC0415

    return AsyncMongoClient[Json](url, tz_aware=True, **TIMEOUTS, **more)


class MongoStore:
    """A service's documents in the database `milesaga_<name>`. `client` makes the driver's client from the URL."""

    def __init__(self, name: str, url: str, client: Callable[[str], Any] = motor_client) -> None:
        self._name = database_name(name)
        self._url = url
        self._new_client = client
        self._client: Any = None
        self._collections: dict[CollectionSpec, MongoCollection] = {}

    def collection(self, spec: CollectionSpec) -> "MongoCollection":
        """Declare a collection; before `open`."""
        if spec in self._collections:
            return self._collections[spec]
        check_names(spec)
        if self._client is not None or any(spec.name == other.name for other in self._collections):
            raise RuntimeError(f"{spec.name} must be declared once, and before the store is opened")
        self._collections[spec] = MongoCollection(spec)
        return self._collections[spec]

    async def open(self) -> None:
        """Connect, and build the indexes that are missing."""
        with translated():
            client = self._new_client(self._url)
        try:
            with translated():
                database = client.get_database(
                    self._name, write_concern=DURABLE, read_concern=MAJORITY, read_preference=ReadPreference.PRIMARY
                )
                for spec, collection in self._collections.items():
                    await collection.open(database[spec.name])
        except BaseException:
            await _close(client)
            raise
        self._client = client

    async def ping(self) -> None:
        """Have a majority write."""
        if self._client is None:
            raise Unavailable("the store is not open")
        with translated():
            probes = self._client.get_database(self._name, write_concern=DURABLE)[PROBE]
            await probes.update_one({"_id": 1}, {"$inc": {"times": 1}}, upsert=True)

    async def now(self) -> datetime:
        """The primary's clock (`localTime` of its `hello`)."""
        if self._client is None:
            raise Unavailable("the store is not open")
        with translated():
            told: datetime = (await self._client.admin.command("hello"))["localTime"]
        return told if told.tzinfo else told.replace(tzinfo=UTC)

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        for collection in self._collections.values():
            collection.close()
        if client is not None:
            await _close(client)


async def _close(client: Any) -> None:
    closing = client.close()  # nothing to wait for with Motor
    if inspect.isawaitable(closing):
        await closing
