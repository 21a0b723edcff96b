"""A desk per test, and a second one where two processes race."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.store.sqlite import SqliteStore
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import Desk, Provider, open_store


@pytest.fixture
async def held_store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def bus() -> Recorder:
    return Recorder()


@pytest.fixture
async def desk(held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder) -> AsyncIterator[Desk]:
    desk = Desk(held_store, clock, provider, bus)
    yield desk
    await desk.close()


@pytest.fixture
async def other_desk(
    held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder
) -> AsyncIterator[Desk]:
    """Another process at the same store, provider and bus."""
    desk = Desk(held_store, clock, provider, bus)
    yield desk
    await desk.close()
