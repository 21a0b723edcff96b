"""Whole purchases over HTTP, against the sandbox: how many a second, and how long one takes.

A purchase begins when its POST is sent, and has ended when `checkout.completed.v1` is heard from the broker.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiormq
from aiormq.abc import DeliveredMessage

from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.bench.statistics import percentile
from tests.bench.used import Meter
from tests.e2e.shop import Member, Shop

MEMBERS: Final = 10
MILES: Final = 1_000
"""Of each purchase; the rest is paid by card."""
PREPARED_AT_ONCE: Final = 4
WITHIN: Final = 60.0
ENDINGS: Final = ("checkout.completed.v1", "checkout.refused.v1", "checkout.needs_attention.v1")

Cart = tuple[Member, str]


class Till:
    """Buys carts, and hears how each purchase ended."""

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._failed: list[str] = []

    async def buy(self, cart: Cart) -> float:
        """Seconds from the request to the message that tells of the end."""
        member, cart_id = cart
        began = time.perf_counter()
        response = await member.post_checkout(cart_id)
        if response.status_code != 202:
            raise Failed(f"a checkout was answered {response.status_code}: {response.text[:200]}")
        purchase = str(response.json()["id"])
        if purchase not in self._ended:
            ended = self._waiting[purchase] = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(WITHIN):
                    await ended
            except TimeoutError:
                raise Failed(f"{purchase}: no end was told within {WITHIN:g} s") from None
        if self._failed:
            raise Failed(f"not completed: {self._failed[0]}")
        return self._ended[purchase] - began

    async def hear(self, delivered: DeliveredMessage) -> None:
        told = json.loads(delivered.body)
        purchase = told["checkout_id"]
        self._ended[purchase] = time.perf_counter()
        if delivered.routing_key != ENDINGS[0]:
            self._failed.append(f"{purchase}: {delivered.routing_key} {told.get('refusal') or told.get('step')}")
        waiting = self._waiting.pop(purchase, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


@asynccontextmanager
async def listening(broker_url: str) -> AsyncIterator[Till]:
    """A till with a queue of its own on `events`."""
    till = Till()
    connection = await aiormq.connect(broker_url)
    try:
        channel = await connection.channel()
        queue = (await channel.queue_declare(exclusive=True)).queue or ""
        for ending in ENDINGS:
            await channel.queue_bind(queue, "events", ending)
        await channel.basic_consume(queue, till.hear, no_ack=True)
        yield till
    finally:
        await connection.close()


async def carts(shop: Shop, count: int, advance: Callable[[], Any]) -> list[Cart]:
    """So many carts with a flight each, for miles and money, prepared before anything is measured."""
    members = [await shop.member(MILES * count) for _ in range(MEMBERS)]
    offer = await members[0].offer()
    gate = asyncio.Semaphore(PREPARED_AT_ONCE)

    async def prepare(number: int) -> Cart:
        member = members[number % MEMBERS]
        async with gate:
            cart = await member.cart(offer, use_miles=MILES)
        advance()
        return member, cart["id"]

    return list(await asyncio.gather(*(prepare(number) for number in range(count))))


async def at_full_load(till: Till, some: Sequence[Cart], in_flight: int, advance: Callable[[], Any]) -> float:
    """Purchases a second with so many in flight."""
    waiting = iter(some)

    async def lane() -> None:
        for cart in waiting:
            await till.buy(cart)
            advance()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    return len(some) / (time.perf_counter() - began)


async def at_a_rate(till: Till, some: Sequence[Cart], rate: float, advance: Callable[[], Any]) -> list[float]:
    """Seconds that each took, when one begins every 1/rate seconds, whatever became of those before."""
    began = time.perf_counter()

    async def one(number: int, cart: Cart) -> float:
        await asyncio.sleep(began + number / rate - time.perf_counter())
        taken = await till.buy(cart)
        advance()
        return taken

    return list(await asyncio.gather(*(one(number, cart) for number, cart in enumerate(some))))


async def measure(
    shop: Shop,
    broker_url: str,
    meter: Meter,
    *,
    full: int,
    in_flight: int,
    paced: int,
    rate: float,
    advance: Callable[[], Any],
) -> list[Figure]:
    """`full` purchases as fast as they go, and what they use; then `paced` ones at `rate` a second."""
    async with listening(broker_url) as till:
        prepared = await carts(shop, full + paced, advance)
        before = meter.read()
        per_second = await at_full_load(till, prepared[:full], in_flight, advance)
        found = (await asyncio.to_thread(meter.read_at_rest)).since(before, full, per_second)
        seconds = await at_a_rate(till, prepared[full:], rate, advance)
    return [
        Figure("purchase_per_second", per_second, "1/s"),
        Figure("purchase_cpu_ms", found.cpu_ms, "ms"),
        Figure("purchase_services_cpu_ms", found.services_cpu_ms, "ms"),
        Figure("purchase_broker_cpu_ms", found.broker_cpu_ms, "ms"),
        Figure("client_cpu_ms", found.client_cpu_ms, "ms"),
        Figure("purchase_elsewhere_cores", found.elsewhere_cores, "cores"),
        Figure(f"purchase_p50_ms_at_{rate:g}", percentile(seconds, 0.5) * 1000, "ms"),
        Figure(f"purchase_p99_ms_at_{rate:g}", percentile(seconds, 0.99) * 1000, "ms"),
    ]
