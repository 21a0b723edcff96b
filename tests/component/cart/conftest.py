"""The cart service over HTTP and its handlers, on SQLite, beside the offers service and the sandbox's GDS."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.cart.app import compose
from services.offers.app import compose as compose_offers
from shared.contracts.cloudevents import Envelope
from shared.runtime.service import Service
from tests.component.cart.member import Member
from tests.kit.laptop import Laptop


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
async def cart(laptop: Laptop, patience: float, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """The cart service, with everything around it running."""
    for asked in ("OFFERS_SABRE_TIMEOUT_SECONDS", "CART_OFFERS_TIMEOUT_SECONDS"):
        monkeypatch.setenv(asked, str(patience))
    sandbox = laptop.a_sandbox(monkeypatch)
    await sandbox.start()
    services = [compose(laptop), compose_offers(laptop)]
    async with AsyncExitStack() as running:
        running.push_async_callback(sandbox.stop)
        for service in services:
            assert service.store is not None
            await service.store.open()
            running.push_async_callback(service.store.close)
            if service.outbox is not None:
                running.push_async_callback(service.outbox.drain)
            laptop.plug_in(service)
        yield services[0]


@pytest.fixture
def ana(laptop: Laptop, cart: Service) -> Member:
    return Member(laptop, "ana")


@pytest.fixture
def bob(laptop: Laptop, cart: Service) -> Member:
    return Member(laptop, "bob")


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(id="e-1", source="milesaga/checkout", type="cart.lock.v1")
