from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import OperationFailure

from shared.store.documents import Collection, CollectionSpec, Document
from shared.store.mongo.collection import MongoCollection
from shared.store.sqlite import SqliteStore
from tests.contract.store.conftest import Engine
from tests.contract.store.test_outbox import message
from tests.eventually import eventually

ROWS = CollectionSpec("rows", expiring=True)
KEPT = CollectionSpec("kept")
NOON = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)
AGO, AHEAD = timedelta(minutes=-1), timedelta(days=1)
BY_ITSELF = 150.0
"""Seconds, on any machine: MongoDB looks once a minute unless told otherwise."""
OLD = [f"old{n}" for n in range(100)]


@pytest.fixture
def forgetful(tmp_path: Path) -> Engine:
    """SQLite that looks many times a second."""
    return Engine("sqlite", lambda: SqliteStore(tmp_path / "forgetful.sqlite3", forget_pause=0.05))


async def _what_has_expired_is_forgotten(rows: Collection, kept: Collection) -> None:
    now = datetime.now(UTC)
    await rows.insert_many([Document(id_, {}, wake_at=now + AGO) for id_ in OLD])
    await rows.save(Document("saved", {}, wake_at=now + AGO))
    await rows.insert_many([Document("young", {}, wake_at=now + AHEAD), Document("for ever", {})])
    await kept.save(Document("due", {}, wake_at=now + AGO))

    async def forgotten() -> bool:
        return await rows.get_many([*OLD, "saved"]) == []

    await eventually(forgotten, within=BY_ITSELF)
    assert {found.id for found in await rows.get_many(["young", "for ever"])} == {"young", "for ever"}
    assert await kept.get("due") is not None
    assert await rows.insert_many([Document("old7", {}, wake_at=now + AHEAD)]) == set(), "its id is free"


async def test_what_has_expired_is_forgotten_and_nothing_else(forgetful: Engine) -> None:
    store, (rows, kept) = await forgetful.open(ROWS, KEPT)
    try:
        await _what_has_expired_is_forgotten(rows, kept)
    finally:
        await store.close()


@pytest.mark.long
async def test_what_has_expired_is_forgotten_by_every_engine(
    engine: Engine, request: pytest.FixtureRequest, forgetful: Engine
) -> None:
    if engine.name == "sqlite":
        engine.make = forgetful.make
    else:
        url = request.getfixturevalue("mongodb_url")
        with suppress(OperationFailure), pymongo.MongoClient[dict[str, object]](url) as client:
            client.admin.command("setParameter", 1, ttlMonitorSleepSecs=1)  # who cannot be told looks once a minute
    _, (rows, kept) = await engine.open(ROWS, KEPT)
    await _what_has_expired_is_forgotten(rows, kept)


async def test_mongodb_is_told_what_expires_and_of_nothing_else(engine: Engine) -> None:
    _, (rows, kept) = await engine.open(ROWS, KEPT)
    if not isinstance(rows, MongoCollection) or not isinstance(kept, MongoCollection):
        pytest.skip("an engine that forgets by itself")
    assert (await rows.driver.index_information())["wake_at"]["expireAfterSeconds"] == 0
    assert not any("expireAfterSeconds" in index for index in (await kept.driver.index_information()).values())


async def test_what_expires_causes_no_messages(engine: Engine) -> None:
    _, (rows,) = await engine.open(ROWS)
    with pytest.raises(ValueError, match="expire"):
        await rows.save(Document("a", {}, wake_at=NOON), [message("m", NOON)])
    assert await rows.get("a") is None
