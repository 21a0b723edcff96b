"""Ticketing as composed in production, the sandbox's GDS behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.ticketing.app import compose
from tests.kit.counter import Counter, Surroundings
from tests.kit.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path / "world") as world:
        yield world


@pytest.fixture
async def ticketing(
    tmp_path: Path, world: World, patience: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counter]:
    monkeypatch.setenv("TICKETING_SABRE_TIMEOUT_SECONDS", str(patience))
    monkeypatch.setenv("TICKETING_SABRE_REREAD_SECONDS", "0.01")
    around = Surroundings(tmp_path, world.url)
    async with Counter(compose(around), around) as counter:
        yield counter


@pytest.fixture
async def other_ticketing(tmp_path: Path, world: World, ticketing: Counter) -> AsyncIterator[Counter]:
    """Another process at the same store, with a clock of its own."""
    assert ticketing.service.name == "ticketing"
    around = Surroundings(tmp_path, world.url)
    async with Counter(compose(around), around) as counter:
        yield counter
