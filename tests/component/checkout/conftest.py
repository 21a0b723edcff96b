"""A checkout service over a SQLite file; the test plays the cart service, the workers, and the time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from services.checkout.app import CHECKOUTS, compose
from shared.bus.arrival import Arrival
from shared.bus.dispatch import Dispatcher
from shared.contracts.checkout import StartCheckout
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Answer, Command
from shared.runtime.service import Service
from shared.store.documents import Collection, Document
from shared.web import problems
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime
from tests.saga.script import Reply

M = TypeVar("M", bound=Message)

CART: dict[str, Any] = {
    "id": "c-1",
    "member_id": "ana",
    "channel": "portal",
    "status": "open",
    "currency": "BRL",
    "items": 2,
    "expired_offers": [],
    "total": {"money": {"amount": 250_00, "currency": "BRL"}, "miles": 10_000},
    "revision": 3,
}


class CartService:
    """Answers the internal route."""

    def __init__(self) -> None:
        self.carts: dict[str, dict[str, Any]] = {"c-1": CART}
        self.silent = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.asked = asyncio.Event()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.hold.wait()
        if self.silent:
            raise httpx.ConnectError("nobody there")
        found = self.carts.get(request.url.path.rsplit("/", 1)[1])
        return httpx.Response(200, json=found) if found else httpx.Response(404)


class CheckoutRuntime(TestRuntime):
    """A process whose cart service is played by the test."""

    def __init__(self, home: Path, clock: HandClock, carts: CartService) -> None:
        super().__init__(home, clock)
        self.carts = carts
        self.transport = httpx.MockTransport(carts.answer)


class Desk:
    """One process's checkout service: its routes, its handlers, and what it said."""

    def __init__(self, runtime: CheckoutRuntime, service: Service, client: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.service = service
        self.client = client
        self._read = 0

    async def tell(self, message: Message, sender: str = "") -> None:
        """Deliver a message; `sender` is the user whom the broker checked."""
        envelope = Envelope(id="m-1", source="tests", type=message.type, sender=sender)
        await self.service.table[type(message)](message, envelope)

    async def deliver(self, body: bytes, *, sender: str = "", **headers: str) -> None:
        """Deliver an order as the broker hands it over, whatever it holds."""
        envelope = Envelope(id="m-1", source="tests", type=StartCheckout.type)
        told = {**envelope.headers(), **headers}
        dispatcher = Dispatcher(self.service.table, self.service.misread)
        await dispatcher.dispatch(Arrival("public", StartCheckout.type, told, sender), body)

    async def expect(self, kind: type[M]) -> M:
        """The next message said, which is of this kind."""
        await self.flushed()
        said = self.runtime.recorder.said
        assert len(said) > self._read, f"expected {kind.__name__}, nothing was said"
        message = said[self._read]
        assert isinstance(message, kind), f"expected {kind.__name__}, got {message!r}"
        self._read += 1
        return message

    async def nothing_more(self) -> None:
        await self.flushed()
        assert self.runtime.recorder.said[self._read :] == []

    async def flushed(self) -> None:
        assert self.service.outbox is not None
        await self.service.outbox.drain()

    async def answer(self, kind: type[Command], reply: Reply) -> Answer:
        """Expect a command and give its answer."""
        answer = reply(await self.expect(kind))
        await self.tell(answer)
        return answer

    def member(self, name: str = "ana") -> dict[str, str]:
        return self.runtime.issuer.bearer(name, "checkouts")

    def operator(self) -> dict[str, str]:
        return self.runtime.issuer.bearer("ops", "ops:read ops:write")

    async def buy(self, key: str = "k-1", member: str = "ana", **body: Any) -> httpx.Response:
        return await self.client.post(
            "/v1/checkouts", json={**a_body(), **body}, headers={**self.member(member), "Idempotency-Key": key}
        )

    def said(self) -> list[Message]:
        return self.runtime.recorder.said

    async def stored(self, checkout_id: str) -> Document:
        """The document as it lies in the file."""
        async with self._file() as collection:
            found = await collection.get(checkout_id)
        assert found is not None
        return found

    async def overwrite(self, document: Document) -> None:
        async with self._file() as collection:
            await collection.save(document)

    @asynccontextmanager
    async def _file(self) -> AsyncIterator[Collection]:
        store = self.runtime.store("checkout")
        collection = store.collection(CHECKOUTS)
        await store.open()
        try:
            yield collection
        finally:
            await store.close()


def a_body() -> dict[str, Any]:
    return {
        "cart_id": "c-1",
        "payment": {"method": "card", "token": "tok_visa", "installments": 1},
        "contact": {"email": "ana@example.com", "phone": None, "locale": "pt-BR"},
    }


@asynccontextmanager
async def checkout_desk(home: Path, clock: HandClock, carts: CartService) -> AsyncIterator[Desk]:
    runtime = CheckoutRuntime(home, clock, carts)
    service = compose(runtime)
    assert service.store is not None
    assert service.outbox is not None
    assert service.router is not None
    app = FastAPI()
    problems.install(app)
    app.include_router(service.router)
    await service.store.open()
    tasks = [asyncio.create_task(_run(task)) for task in service.tasks]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield Desk(runtime, service, client)
    runtime.draining.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await service.outbox.drain()
    await service.store.close()


async def _run(task: Any) -> None:
    await task()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def carts() -> CartService:
    return CartService()


@pytest.fixture
async def desk(tmp_path: Path, clock: HandClock, carts: CartService) -> AsyncIterator[Desk]:
    async with checkout_desk(tmp_path, clock, carts) as desk:
        yield desk
