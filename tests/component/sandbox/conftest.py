"""A sandbox of each test's own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from tests.kit.world import World


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first start leaves behind. Its signing key takes long to find, too long to look for in every test."""
    home = tmp_path_factory.mktemp("sandbox")

    async def start_once() -> None:
        sandbox = Sandbox(SandboxSettings(enabled=True, home=home, environment="test", smtp_port=0))
        await sandbox.start()
        await sandbox.stop()

    asyncio.run(start_once())
    return home


@pytest.fixture
async def world(tmp_path: Path, fresh_home: Path) -> AsyncIterator[World]:
    async with World(await asyncio.to_thread(shutil.copytree, fresh_home, tmp_path / "home")) as world:
        yield world
