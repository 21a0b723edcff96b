"""HUB-6: how fast a replay is, and what it does to live events beside it. A stack as `milesaga run` starts it; two
targets that are queues, which this process reads.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import aio_pika

from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.bench.hub_matching import a_receipt, type_name
from tests.bench.posting import Lines
from tests.bench.statistics import percentile
from tests.e2e.shop import Shop
from tests.kit.stack import Stack

PAST: Final = 20_000
"""Events that are replayed."""
BATCH: Final = 100
SENDERS: Final = 4
LIVE: Final = 100.0
"""Events a second, each alone."""
SECONDS: Final = 8
WITHIN: Final = 120.0
LOOKS: Final = 0.1
PREFETCH: Final = 500
PARTNER: Final = "bench"
BUS: Final = "bench"
KIND: Final = type_name(0)
BATCHED: Final = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE: Final = {"Content-Type": "application/cloudevents+json"}

Told = Callable[[str], Any]
Json = dict[str, Any]


def steps(rounds: int) -> int:
    return 1 + 2 * rounds


def measure(home: Path, told: Told, rounds: int) -> list[Figure]:
    """`told` after each step. Raises Failed where a copy is missing."""
    stack = Stack(home / "stack")
    try:
        stack.start()
        broker_url = (stack.home / "broker.url").read_text().strip()
        figures = asyncio.run(_measured(stack.url, broker_url, told, rounds))
        stack.terminate()
    finally:
        stack.clean_up()
    return figures


async def _measured(url: str, broker_url: str, told: Told, rounds: int) -> list[Figure]:
    async with Shop(url) as shop:
        bench = _Bench(shop)
        await bench.prepare()
        async with _read(broker_url, "past") as past, _read(broker_url, "live") as live:
            bench.past, bench.live = past, live
            await bench.fill()
            told("HUB-6, the past")
            rates, ratios, alone, beside = [], [], [], []
            for number in range(rounds):
                alone.append(await bench.arrivals(number, "alone"))
                told("HUB-6, live alone")
                replaying = asyncio.create_task(bench.replay(number))
                beside.append(await bench.arrivals(number, "beside"))
                rates.append(await replaying)
                told("HUB-6, beside a replay")
                ratios.append(beside[-1] / alone[-1])
    return [
        Figure("hub_6_copies_a_second", median(rates), "copies/s", tuple(rates), "at least 2,000"),
        Figure(f"hub_6_live_p95_ms_at_{LIVE:g}", median(alone), "ms", tuple(alone), "until it lies in its queue"),
        Figure(f"hub_6_live_p95_ms_at_{LIVE:g}_beside", median(beside), "ms", tuple(beside), "beside a replay"),
        Figure("hub_6_live_ratio", median(ratios), "", tuple(ratios), "at most 2"),
    ]


class _Arrived:
    """Copies of one target as they come: when, by the event's id."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.count = 0

    async def take(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.count += 1
        self.at[str(message.headers["cloudEvents:id"])] = time.perf_counter()

    async def all_of(self, ids: list[str]) -> None:
        deadline = time.monotonic() + WITHIN
        while not all(each in self.at for each in ids):
            if time.monotonic() > deadline:
                raise Failed(f"of {len(ids)} copies {sum(each in self.at for each in ids)} came")
            await asyncio.sleep(LOOKS)


class _Bench:
    past: _Arrived
    live: _Arrived

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._chance = random.Random(7)
        self._ids: list[str] = []

    async def prepare(self) -> None:
        self._operator = await self._shop.operator()
        partner = {"clients": [PARTNER], "publishes": ["*"], "rate": {"events_per_second": 100_000, "burst": 1_000_000}}
        await self._put(f"partners/{PARTNER}", partner)
        await self._put(f"types/{KIND}", {"schema": {"type": "object"}})
        rules = [{"name": name, "when": {"subject": [name]}, "to": [name]} for name in ("past", "live")]
        targets = {name: {"queue": True} for name in ("past", "live")}
        await self._put(f"buses/{BUS}", {"partner": PARTNER, "rules": rules, "targets": targets})
        self._token = await self._shop.token("events:publish", PARTNER)

    async def fill(self) -> None:
        """Events that are routed once, and so are archived."""
        self._start = datetime.now(UTC)
        events = self._events("past", PAST, "p")
        self._ids = [each["id"] for each in events]
        async with self._lines(SENDERS, BATCHED) as lines:
            bodies = [json.dumps(events[at : at + BATCH]).encode() for at in range(0, PAST, BATCH)]
            await lines.send([lines.request(body) for body in bodies])
        await self.past.all_of(self._ids)
        self._end = datetime.now(UTC)

    async def replay(self, number: int) -> float:
        """Copies a second, as fast as they are taken: from the first until the last is there."""
        self.past.at.clear()
        body = {"name": f"round-{number}", "from": self._start.isoformat(), "to": self._end.isoformat()}
        body |= {"targets": [f"{BUS}/past"], "rate": 5_000}  # type: ignore[dict-item]
        answer = await self._operator.post("/v1/hub/replays", json=body)
        if not answer.is_success:
            raise Failed(f"the replay: {answer.text}")
        await self.past.all_of(self._ids)
        times = self.past.at.values()
        return PAST / (max(times) - min(times))

    async def arrivals(self, number: int, what: str) -> float:
        """The 95th of 100 times, in milliseconds, from when an event was due to be sent until its copy is there."""
        events = self._events("live", int(LIVE * SECONDS), f"{what}{number}-")
        async with self._lines(SENDERS * 4, SINGLE) as lines:
            requests = [lines.request(json.dumps(each).encode()) for each in events]
            began = time.perf_counter()
            await lines.pace(requests, LIVE)
        await self.live.all_of([each["id"] for each in events])
        took = [self.live.at[each["id"]] - began - place / LIVE for place, each in enumerate(events)]
        return percentile(took, 0.95) * 1000

    def _events(self, subject: str, count: int, prefix: str) -> list[Json]:
        return [a_receipt(self._chance, 0) | {"id": f"{prefix}{place}", "subject": subject} for place in range(count)]

    def _lines(self, count: int, headers: dict[str, str]) -> Lines:
        return Lines(self._shop.url, "/v1/events", count, {"Authorization": f"Bearer {self._token}", **headers})

    async def _put(self, what: str, body: Json) -> None:
        answer = await self._operator.put(f"/v1/hub/{what}", json=body)
        if not answer.is_success:
            raise Failed(f"{what}: {answer.text}")


@asynccontextmanager
async def _read(broker_url: str, target: str) -> AsyncIterator[_Arrived]:
    """As a receiver that is always faster."""
    arrived = _Arrived()
    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(f"target.{BUS}.{target}")
        await queue.consume(arrived.take, no_ack=True)
        yield arrived
