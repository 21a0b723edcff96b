"""An archive on a SQLite file and a folder."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import engines
from tests.component.archive.vault import HubInMind, Vault
from tests.kit.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hub() -> HubInMind:
    return HubInMind()


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engines.mongodb(tmp_path_factory.mktemp("mongodb") / "data") as url:
        yield url


@pytest.fixture
async def vault(tmp_path: Path, clock: HandClock, hub: HubInMind) -> AsyncIterator[Vault]:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        yield vault


@pytest.fixture
async def replica(tmp_path: Path, clock: HandClock, hub: HubInMind, vault: Vault) -> AsyncIterator[Vault]:
    async with Vault.opened(tmp_path, clock, hub) as other:
        yield other
