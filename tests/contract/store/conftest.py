"""Every engine, one after the other, behind the same port."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pymongo
import pytest

from shared.store.documents import Collection, CollectionSpec, Document, Index, Lookup, Store
from shared.store.mongo import MongoStore, motor_client, pymongo_client
from shared.store.sqlite import SqliteStore
from tests import engines

THINGS = CollectionSpec(
    "things",
    (
        Index("by_owner", ("owner.id", "rank")),
        Index("by_kind", ("kind", "rank", "shelf")),
        Index("by_reference", ("reference",), unique=True),
        Index("by_seat", ("flight", "seat"), unique=True),
    ),
    (Lookup("by_tag", "tags"), Lookup("by_part", "parts", "number")),
)


@dataclass
class Engine:
    """One engine over one set of data, which any number of stores may share."""

    name: str
    make: Callable[[], Store]
    opened: list[Store] = field(default_factory=list)

    async def open(self, *specs: CollectionSpec) -> tuple[Store, list[Collection]]:
        store = self.make()
        collections = [store.collection(spec) for spec in specs]
        await store.open()
        self.opened.append(store)
        return store, collections

    async def things(self) -> Collection:
        """The collection as another process would open it."""
        _, (collection,) = await self.open(THINGS)
        return collection


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engines.mongodb(tmp_path_factory.mktemp("mongodb") / "data") as url:
        yield url


@pytest.fixture(params=["sqlite", "motor", "pymongo"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    if request.param == "sqlite":
        engine = Engine("sqlite", lambda: SqliteStore(tmp_path / "service.sqlite3"))
        yield engine
        await close_all(engine)
        return
    url = request.getfixturevalue("mongodb_url")
    name = f"contract_{uuid.uuid4().hex}"
    client = motor_client if request.param == "motor" else pymongo_client
    engine = Engine(request.param, lambda: MongoStore(name, url, client))
    yield engine
    await close_all(engine)
    with pymongo.MongoClient[dict[str, object]](url) as cleaner:
        cleaner.drop_database(f"milesaga_{name}")


@pytest.fixture
async def things(engine: Engine) -> Collection:
    return await engine.things()


async def close_all(engine: Engine) -> None:
    for store in engine.opened:
        await store.close()


async def put(collection: Collection, *documents: Document) -> list[Document]:
    return [await collection.save(document) for document in documents]
