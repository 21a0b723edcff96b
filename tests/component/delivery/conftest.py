"""What delivery keeps, on both stores."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.delivery.cases.turns import PROGRESS
from services.delivery.domain.order import Progress, wakes
from shared.store import open_store
from shared.store.repository import Repository
from tests import engines
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engines.mongodb(tmp_path_factory.mktemp("mongodb") / "data") as url:
        yield url


@pytest.fixture(params=["sqlite", "mongodb"])
async def progress_anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Repository[Progress]]:
    url = request.getfixturevalue("mongodb_url") if request.param == "mongodb" else None
    store = open_store(f"delivery_{tmp_path.name}", tmp_path, url) if url else open_store("delivery", tmp_path)
    repository = Repository(store.collection(PROGRESS), Progress, key=lambda each: each.id, wake=wakes)
    await store.open()
    yield repository
    await store.close()


@pytest.fixture(params=["sqlite", "mongodb"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> TestRuntime:
    url = None if request.param == "sqlite" else str(request.getfixturevalue("mongodb_url"))
    return TestRuntime(tmp_path, clock, mongodb_url=url)
