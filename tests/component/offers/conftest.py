"""The offers service over HTTP, on SQLite, beside the sandbox's GDS."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.offers.app import compose
from shared.runtime.service import Service
from tests.kit.laptop import Laptop


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
async def sandbox(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    sandbox = laptop.a_sandbox(monkeypatch)
    await sandbox.start()
    async with laptop.client("sandbox") as client:
        yield client
    await sandbox.stop()


@pytest.fixture
async def service(laptop: Laptop, patience: float, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setenv("OFFERS_SABRE_TIMEOUT_SECONDS", str(patience))
    service = compose(laptop)
    assert service.store is not None
    await service.store.open()
    yield service
    await service.store.close()


@pytest.fixture
async def offers(laptop: Laptop, service: Service, sandbox: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    async with laptop.plug_in(service) as client:
        yield client
