"""Payment as composed in production, the sandbox's gateway behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.payment.app import compose
from tests.kit.counter import Counter, Surroundings
from tests.kit.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path / "world") as world:
        yield world


@pytest.fixture
async def payment(
    tmp_path: Path, world: World, patience: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Counter]:
    monkeypatch.setenv("PAYMENT_STRIPE_TIMEOUT_SECONDS", str(patience))
    around = Surroundings(tmp_path, world.url)
    async with Counter(compose(around), around) as counter:
        yield counter


@pytest.fixture
async def other_payment(tmp_path: Path, world: World, payment: Counter) -> AsyncIterator[Counter]:
    """Another process at the same store, with a clock of its own."""
    assert payment.service.name == "payment"
    around = Surroundings(tmp_path, world.url)
    async with Counter(compose(around), around) as counter:
        yield counter
