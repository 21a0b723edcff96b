"""An archive on a SQLite file and a folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.component.archive.vault import HubInMind, Vault
from tests.kit.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def hub() -> HubInMind:
    return HubInMind()


@pytest.fixture
async def vault(tmp_path: Path, clock: HandClock, hub: HubInMind) -> AsyncIterator[Vault]:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        yield vault


@pytest.fixture
async def replica(tmp_path: Path, clock: HandClock, hub: HubInMind, vault: Vault) -> AsyncIterator[Vault]:
    async with Vault.opened(tmp_path, clock, hub) as other:
        yield other
