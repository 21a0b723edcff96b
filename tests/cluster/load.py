"""Purchases made over a cluster as the contract tells clients to make them: what is away is asked again."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import httpx

from tests.e2e.shop import ENDED, Json, Member, Shop

ASKED_AGAIN_FOR: Final = 90.0
"""Seconds."""
AWAY: Final = 503
PURCHASE_WITHIN: Final = 300.0
LOOK: Final = 1.0
MILES: Final = 1_000_000
USED: Final = 10_000
SETTLED: Final = {"completed", "refused"}
"""How a purchase may end when nobody cancels it: a provider that was silent for too long is a refusal."""


class Patient(httpx.AsyncBaseTransport):
    """Asks again where the answer is 503 with Retry-After; everything else that is no answer is a failure."""

    def __init__(self, failures: list[str], put_off: list[str]) -> None:
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=50))
        self._failures, self._put_off = failures, put_off

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + ASKED_AGAIN_FOR
        while True:
            response = await self._inner.handle_async_request(request)
            if response.status_code < 500:
                return response
            pause = response.headers.get("Retry-After")
            what = f"{request.method} {request.url.path}: {response.status_code}"
            if response.status_code != AWAY or pause is None or time.monotonic() > deadline:
                self._failures.append(what)
                return response
            self._put_off.append(what)
            await response.aclose()
            await asyncio.sleep(float(pause))

    async def aclose(self) -> None:
        await self._inner.aclose()


class ClusterShop(Shop):
    """A shop whose customers are patient."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failures: list[str] = []
        """Answers that the contract does not allow."""
        self.put_off: list[str] = []
        """Answers that asked for patience."""
        self._http = self._patient()
        self._clients.append(self._http)

    async def client(self, token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = self._patient(headers)
        self._clients.append(client)
        return client

    def _patient(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        patient = Patient(self.failures, self.put_off)
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60.0, transport=patient)


class Sale(NamedTuple):
    """A purchase that is over; its times are those of `time.monotonic`."""

    id: str
    begun: float
    ended: float
    status: str


async def sold(member: Member, cart: Json) -> Sale:
    """The purchase of a cart, from its beginning to its end."""
    begun = time.monotonic()
    checkout_id = await member.buy(cart)
    found = await _ended(member, checkout_id)
    return Sale(checkout_id, begun, time.monotonic(), found["status"])


async def _ended(member: Member, checkout_id: str) -> Json:
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
            return member, await member.cart(use_miles=USED)

    return list(await asyncio.gather(*(one() for _ in range(count))))


@asynccontextmanager
async def trade(shop: Shop, customers: int) -> AsyncIterator[list[Sale]]:
    """So many customers buy, each again and again, until the block ends; its purchases are over when it is left."""
    sales: list[Sale] = []
    closed = asyncio.Event()

    async def customer() -> None:
        member = await shop.member(MILES)
        while not closed.is_set():
            sales.append(await sold(member, await member.cart(use_miles=USED)))

    async with asyncio.TaskGroup() as group:
        for _ in range(customers):
            group.create_task(customer())
        try:
            yield sales
        finally:
            closed.set()


def a_second(sales: Sequence[Sale], begun: float, width: float = 5.0) -> list[tuple[float, float]]:
    """Purchases completed a second over the seconds since `begun`: in windows of `width` seconds."""
    if not sales:
        return []
    windows = int((max(sale.ended for sale in sales) - begun) / width) + 1
    counts = [0] * windows
    for sale in sales:
        if sale.ended >= begun and sale.status == "completed":
            counts[int((sale.ended - begun) / width)] += 1
    return [(number * width, count / width) for number, count in enumerate(counts)]
