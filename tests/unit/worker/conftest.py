"""A desk per test, and a second one where two processes race."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.store.sqlite import SqliteStore
from tests.unit.worker.desk import Bus, Clock, Desk, Provider, open_store


@pytest.fixture
async def held_store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def desk(held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus) -> AsyncIterator[Desk]:
    desk = Desk(held_store, clock, provider, bus)
    yield desk
    await desk.close()


@pytest.fixture
async def other_desk(held_store: SqliteStore, clock: Clock, provider: Provider, bus: Bus) -> AsyncIterator[Desk]:
    """Another process at the same store, provider and bus."""
    desk = Desk(held_store, clock, provider, bus)
    yield desk
    await desk.close()
