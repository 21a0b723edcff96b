"""HUB-6: how fast a replay is by itself, and what one does to live events beside it. A stack as `milesaga run` starts
it; two targets that are queues. Another process reads that of the replay, so that only the stack is in the way of live
events.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from tests.bench.whole import running
from tests.e2e.shop import Shop
from tests.kit.stack import REPOSITORY

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
FASTEST: Final = 5_000
"""What a replay may be allowed."""
PARTNER: Final = "bench"
BUS: Final = "bench"
KIND: Final = type_name(0)
REPLAYS: Final = "/v1/hub/replays"
BATCHED: Final = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE: Final = {"Content-Type": "application/cloudevents+json"}

Told = Callable[[str], Any]
Json = dict[str, Any]


def steps(rounds: int) -> int:
    return 1 + 4 * rounds


def measure(home: Path, told: Told, rounds: int) -> list[Figure]:
    """`told` after each step. Raises Failed where a copy is missing."""
    with running(home / "stack") as (url, broker_url):
        return asyncio.run(_measured(url, broker_url, told, rounds))


async def _measured(url: str, broker_url: str, told: Told, rounds: int) -> list[Figure]:
    async with Shop(url) as shop:
        bench = _Bench(shop)
        await bench.prepare()
        async with _reader(broker_url) as past, _read(broker_url) as live:
            bench.past, bench.live = past, live
            await bench.fill()
            told("HUB-6, the past")
            turns = [await _turn(bench, told, number) for number in range(rounds)]
    return _figures(turns)


@dataclass(frozen=True)
class _Turn:
    """One round: copies a second of a replay alone, and beside live events; of these the 95th of 100 times, in
    milliseconds, alone, beside one that is being counted, and beside one that is sent."""

    rate: float
    slower: float
    alone: float
    counting: float
    sending: float


async def _turn(bench: "_Bench", told: Told, number: int) -> _Turn:
    """Counting comes first, and is other work than sending: each is measured by itself."""
    await bench.begin(f"alone-{number}")
    rate = await bench.replayed()
    told("HUB-6, a replay")
    alone = await bench.arrivals(f"alone-{number}")
    told("HUB-6, live events")
    counted = await bench.begin(f"counting-{number}", dry_run=True)
    counting = await bench.arrivals(f"counting-{number}")
    await bench.until(counted, "ready")
    told("HUB-6, beside one that is counted")
    beside = await bench.begin(f"beside-{number}")
    await bench.until(beside, "running")
    before = await bench.copies(beside)
    sending = await bench.arrivals(f"beside-{number}")
    slower = (await bench.copies(beside) - before) / SECONDS
    await bench.replayed()
    told("HUB-6, beside one that is sent")
    return _Turn(rate, slower, alone, counting, sending)


def _figures(turns: Sequence[_Turn]) -> list[Figure]:
    def figure(name: str, unit: str, of: Callable[[_Turn], float], target: str) -> Figure:
        runs = tuple(map(of, turns))
        return Figure(f"hub_6_{name}", median(runs), unit, runs, target)

    p95 = f"live_p95_ms_at_{LIVE:g}"
    return [
        figure("copies_a_second", "copies/s", lambda each: each.rate, "at least 2,000"),
        figure("copies_a_second_beside_live", "copies/s", lambda each: each.slower, "it gives way"),
        figure(p95, "ms", lambda each: each.alone, "until it lies in its queue"),
        figure(f"{p95}_beside_counting", "ms", lambda each: each.counting, "a replay that is being counted"),
        figure(f"{p95}_beside_sending", "ms", lambda each: each.sending, "a replay that is sent"),
        figure("live_ratio_counting", "", lambda each: each.counting / each.alone, "at most 2"),
        figure("live_ratio_sending", "", lambda each: each.sending / each.alone, "at most 2"),
    ]


class _Past:
    """The reader of what is replayed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN):
            line = (await self._process.stdout.readline()).decode().strip()
        if not line:
            raise Failed("the reader of the replay ended")
        return line


class _Arrived:
    """Copies of live events as they come: when, by the event's id."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def take(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.at[str(message.headers["cloudEvents:id"])] = time.perf_counter()

    async def all_of(self, ids: list[str]) -> None:
        deadline = time.monotonic() + WITHIN
        while not all(each in self.at for each in ids):
            if time.monotonic() > deadline:
                raise Failed(f"of {len(ids)} copies {sum(each in self.at for each in ids)} came")
            await asyncio.sleep(LOOKS)


class _Bench:
    past: _Past
    live: _Arrived

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._chance = random.Random(7)

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
        async with self._lines(SENDERS, BATCHED) as lines:
            bodies = [json.dumps(events[at : at + BATCH]).encode() for at in range(0, PAST, BATCH)]
            await lines.send([lines.request(body) for body in bodies])
        await self.past.said()
        self._end = datetime.now(UTC)

    async def begin(self, name: str, *, dry_run: bool = False) -> str:
        """A replay; where it can be asked after."""
        told = {"name": name, "from": self._start.isoformat(), "to": self._end.isoformat(), "dry_run": dry_run}
        answer = await self._operator.post(REPLAYS, json={**told, "targets": [f"{BUS}/past"], "rate": FASTEST})
        if not answer.is_success:
            raise Failed(f"the replay: {answer.text}")
        return f"{REPLAYS}/{answer.json()['id']}"

    async def replayed(self) -> float:
        """Copies a second of the replay that was begun, from the first until the last is there."""
        return PAST / float(await self.past.said())

    async def until(self, replay: str, state: str) -> None:
        deadline = time.monotonic() + WITHIN
        while (shown := (await self._operator.get(replay)).json())["state"] != state:
            if time.monotonic() > deadline:
                raise Failed(f"the replay is {shown['state']}, not {state}")
            await asyncio.sleep(LOOKS)

    async def copies(self, replay: str) -> int:
        """That were sent, as far as is noted."""
        return int((await self._operator.get(replay)).json()["copies"])

    async def arrivals(self, name: str) -> float:
        """The 95th of 100 times, in milliseconds, from when an event was due to be sent until its copy is there."""
        events = self._events("live", int(LIVE * SECONDS), f"{name}-")
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
async def _read(broker_url: str) -> AsyncIterator[_Arrived]:
    """Live events, in this process."""
    arrived = _Arrived()
    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(f"target.{BUS}.live")
        await queue.consume(arrived.take, no_ack=True)
        yield arrived


@asynccontextmanager
async def _reader(broker_url: str) -> AsyncIterator[_Past]:
    """What is replayed, in another one."""
    command = [sys.executable, "-m", "tests.bench.hub_reader", broker_url, f"target.{BUS}.past", str(PAST)]
    process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    try:
        past = _Past(process)
        await past.said()
        yield past
    finally:
        process.kill()
        await process.wait()
