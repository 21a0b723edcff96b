"""Releases over both engines, and a second process over the same store."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import engines
from tests.component.releases.desk import Desk, releases
from tests.kit.clock import HandClock


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engines.mongodb(tmp_path_factory.mktemp("mongodb") / "data") as url:
        yield url


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["sqlite", "mongodb"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("mongodb_url"))


@pytest.fixture
async def desk(tmp_path: Path, clock: HandClock, store_url: str | None) -> AsyncIterator[Desk]:
    async with releases(tmp_path, clock, store_url) as desk:
        yield desk


@pytest.fixture
async def other(tmp_path: Path, clock: HandClock, store_url: str | None, desk: Desk) -> AsyncIterator[Desk]:
    async with releases(tmp_path, clock, store_url) as other:
        yield other


@pytest.fixture
async def gated(tmp_path: Path, clock: HandClock, store_url: str | None) -> AsyncIterator[Desk]:
    async with releases(tmp_path, clock, store_url, gated=True) as desk:
        yield desk
