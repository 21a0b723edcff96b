"""Purchases made over a cluster as the contract tells clients to make them: what is away is asked again."""

import asyncio
import time
from typing import Final

import httpx

from tests.e2e.shop import ENDED, Json, Member, Shop

ASKED_AGAIN_FOR: Final = 90.0
"""Seconds."""
AWAY: Final = 503
PURCHASE_WITHIN: Final = 300.0
LOOK: Final = 1.0


class Patient(httpx.AsyncBaseTransport):
    """Asks again where the answer is 503 with Retry-After; everything else that is no answer is a failure."""

    def __init__(self, failures: list[str]) -> None:
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=50))
        self._failures = failures

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + ASKED_AGAIN_FOR
        while True:
            response = await self._inner.handle_async_request(request)
            if response.status_code < 500:
                return response
            pause = response.headers.get("Retry-After")
            if response.status_code != AWAY or pause is None or time.monotonic() > deadline:
                self._failures.append(f"{request.method} {request.url.path}: {response.status_code}")
                return response
            await response.aclose()
            await asyncio.sleep(float(pause))

    async def aclose(self) -> None:
        await self._inner.aclose()


class ClusterShop(Shop):
    """A shop whose customers are patient."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failures: list[str] = []
        self._http = httpx.AsyncClient(base_url=url, timeout=60.0, transport=Patient(self.failures))
        self._clients.append(self._http)

    async def client(self, token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60.0, transport=Patient(self.failures))
        self._clients.append(client)
        return client


async def ended(member: Member, checkout_id: str) -> Json:
    """The purchase at its end, looked at as seldom as a customer would."""
    deadline = time.monotonic() + PURCHASE_WITHIN
    while True:
        found = await member.checkout(checkout_id)
        if found["status"] in ENDED:
            return found
        assert time.monotonic() < deadline, f"{checkout_id}: {found['status']}"
        await asyncio.sleep(LOOK)


async def carts(shop: Shop, count: int, at_once: int = 8) -> list[tuple[Member, Json]]:
    """Customers with something to buy."""
    turn = asyncio.Semaphore(at_once)

    async def one() -> tuple[Member, Json]:
        async with turn:
            member = await shop.member()
            return member, await member.cart(use_miles=10_000)

    return list(await asyncio.gather(*(one() for _ in range(count))))
