"""HUB-1 and HUB-2: how many events of partners a stack takes, beside the obvious way on the same broker.

A stack as `milesaga run` starts it, 200 rules over 61 types, receipts of 1.1 KB; the load's own work is part of it.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.cli.ports import free_ports
from tests.bench.children import Child, Failed
from tests.bench.figures import Figure
from tests.bench.hub_matching import a_receipt, a_rule, type_name
from tests.bench.hub_queues import LOOKS, PATIENCE, Queues, opened
from tests.bench.hub_schema import RULES, SCHEMA, TYPES
from tests.bench.obvious_hub import QUEUES
from tests.bench.posting import Lines
from tests.bench.statistics import percentile
from tests.bench.whole import running
from tests.e2e.shop import Shop
from tests.kit.stack import REPOSITORY

BATCH: Final = 50
BATCHES: Final = 200
OBVIOUS_BATCHES: Final = 10
SENDERS: Final = 8
SINGLES: Final = 3_000
OBVIOUS_SINGLES: Final = 600
SINGLE_SENDERS: Final = 64
PACE: Final = 300.0
PACED: Final = 1_500
STARTED: Final = 30.0
PARTNER, BUS, TARGET = "bench", "bench", "all"
QUEUE: Final = f"target.{BUS}.{TARGET}"
BATCHED: Final = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE: Final = {"Content-Type": "application/cloudevents+json"}

Told = Callable[[str], Any]
Json = dict[str, Any]


def steps(rounds: int) -> int:
    return 4 * rounds + 1


def measure(home: Path, told: Told, rounds: int) -> list[Figure]:
    """`told` after each step. Raises Failed where an event is lost, or there twice."""
    home.mkdir(parents=True, exist_ok=True)
    with running(home / "stack") as (url, broker_url):
        (port,) = free_ports(1)
        command = [sys.executable, "-m", "tests.bench.obvious_hub", str(port), str(home / "obvious.sqlite"), broker_url]
        with Child(command, cwd=REPOSITORY, log=home / "obvious.log", environment={}) as obvious:
            obvious.wait_until_ready(STARTED)
            return asyncio.run(_measured(url, f"http://127.0.0.1:{port}", broker_url, told, rounds))


def measure_on_mongodb(home: Path, mongodb_url: str, told: Told, rounds: int) -> list[Figure]:
    """HUB-1 of a stack that keeps all in MongoDB, with as many rounds as steps. Raises Failed as `measure` does."""
    with running(home, {"MONGODB_URL": mongodb_url}) as (url, broker_url):
        batched = asyncio.run(_batched(url, broker_url, told, rounds))
    return [_figure("hub_1_events_a_second_on_mongodb", batched, "at least 2,000: one server, journal and all")]


async def _batched(url: str, broker_url: str, told: Told, rounds: int) -> list[float]:
    async with Shop(url) as shop, opened(broker_url) as queues:
        hub = Publishers(shop, queues)
        await hub.log_in()
        await hub.register()
        batched: list[float] = []
        for _ in range(rounds):
            batched.append(await hub.batches())
            told("HUB-1 on MongoDB")
        await hub.verify()
    return batched


async def _measured(url: str, obvious_url: str, broker_url: str, told: Told, rounds: int) -> list[Figure]:
    async with Shop(url) as shop, opened(broker_url) as queues:
        hub = Publishers(shop, queues)
        await hub.log_in()
        await hub.register()
        theirs = _Obvious(obvious_url, queues)
        batched: list[float] = []
        singles: list[float] = []
        obvious_batched: list[float] = []
        obvious_singles: list[float] = []
        for number in range(rounds):
            batched.append(await hub.batches())
            told("HUB-1")
            obvious_batched.append(await theirs.batches(number))
            told("HUB-1, the obvious way")
            singles.append(await hub.singles())
            told("HUB-2")
            obvious_singles.append(await theirs.singles(number))
            told("HUB-2, the obvious way")
        took = await hub.paced()
        told(f"HUB-2 at {PACE:g}/s")
        await hub.verify()
    return [
        _figure("hub_1_events_a_second", batched, "at least 3,000: batches of 50, accepted, routed and archived"),
        _figure("hub_1_obvious", obvious_batched, "the obvious way, accepted alone"),
        _figure("hub_2_events_a_second", singles, "at least 1,200: one at a time, accepted"),
        _figure("hub_2_obvious", obvious_singles, "the obvious way"),
        Figure(f"hub_2_p50_ms_at_{PACE:g}", percentile(took, 0.5) * 1000, "ms"),
        Figure(f"hub_2_p99_ms_at_{PACE:g}", percentile(took, 0.99) * 1000, "ms", (), "at most 50"),
    ]


class Publishers:
    """The stack: events go in by HTTP, are counted in the target's queue and looked for in the archive."""

    def __init__(self, shop: Shop, queues: Queues, tag: str = "e") -> None:
        """Events' ids begin with the tag."""
        self._shop, self._queues, self._tag = shop, queues, tag
        self._sent: list[str] = []
        self._chance = random.Random(7)

    async def log_in(self) -> None:
        self._operator = await self._shop.operator()
        self._token = await self._shop.token("events:publish", PARTNER)

    async def register(self) -> None:
        """The partner, its types and its bus, once in a stack."""
        partner = {"clients": [PARTNER], "publishes": ["*"], "rate": {"events_per_second": 100_000, "burst": 1_000_000}}
        await self._put(f"partners/{PARTNER}", partner)
        for number in range(TYPES):
            await self._put(f"types/{type_name(number)}", {"schema": SCHEMA})
        rules = [{"name": "all", "when": {"type": [{"prefix": "retail."}]}, "to": [TARGET]}]
        for number in range(1, RULES):
            when = a_rule(self._chance, number % TYPES)
            rules.append({"name": f"r{number}", "when": when, "to": [TARGET]})
        bus = {"partner": PARTNER, "rules": rules, "targets": {TARGET: {"queue": True}}}
        await self._put(f"buses/{BUS}", bus)

    async def batches(self, count: int = BATCH * BATCHES) -> float:
        """Events a second, until the last is routed and archived."""
        events = self._events(count)
        async with self._lines(SENDERS, BATCHED) as lines:
            bodies = [json.dumps(events[at : at + BATCH]).encode() for at in range(0, len(events), BATCH)]
            requests = [lines.request(body) for body in bodies]
            began = time.perf_counter()
            await lines.send(requests)
            await self._queues.holds(QUEUE, len(events))
            for each in events[-1 : -SENDERS * BATCH - 1 : -BATCH]:
                await self._is_archived(each["id"])
            took = time.perf_counter() - began
        await self._queues.empty(QUEUE, len(events))
        return len(events) / took

    async def singles(self, count: int = SINGLES) -> float:
        """Events a second, until the last is answered."""
        events = self._events(count)
        async with self._lines(SINGLE_SENDERS, SINGLE) as lines:
            requests = [lines.request(json.dumps(each).encode()) for each in events]
            began = time.perf_counter()
            await lines.send(requests)
            took = time.perf_counter() - began
        await self._queues.holds(QUEUE, len(events))
        await self._queues.empty(QUEUE, len(events))
        return len(events) / took

    async def paced(self) -> list[float]:
        events = self._events(PACED)
        async with self._lines(SINGLE_SENDERS, SINGLE) as lines:
            return await lines.pace([lines.request(json.dumps(each).encode()) for each in events], PACE)

    async def verify(self) -> None:
        """Every event is in the archive, once."""
        await self._is_archived(self._sent[-1])
        deadline = time.monotonic() + PATIENCE
        while True:
            found = await self._archived()
            if len(found) >= len(self._sent):
                break
            if time.monotonic() > deadline:
                raise Failed(f"of {len(self._sent)} events {len(found)} are archived")
            await asyncio.sleep(1)
        if sorted(found) != sorted(self._sent):
            raise Failed(f"{len(self._sent)} events were accepted, {len(found)} are archived, not each once")

    def _events(self, count: int) -> list[Json]:
        events = [a_receipt(self._chance, self._chance.randrange(TYPES)) for _ in range(count)]
        events = [event | {"id": f"{self._tag}{len(self._sent) + n}"} for n, event in enumerate(events)]
        self._sent += [event["id"] for event in events]
        return events

    def _lines(self, count: int, headers: dict[str, str]) -> Lines:
        return Lines(self._shop.url, "/v1/events", count, {"Authorization": f"Bearer {self._token}", **headers})

    async def _put(self, what: str, body: Json) -> None:
        answer = await self._operator.put(f"/v1/hub/{what}", json=body)
        if not answer.is_success:
            raise Failed(f"{what}: {answer.text}")

    async def _is_archived(self, event_id: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = await self._operator.get("/v1/hub/archive", params={"partner": PARTNER, "id": event_id})
            if answer.is_success and answer.json()["events"]:
                return
            await asyncio.sleep(LOOKS)
        raise Failed(f"the event {event_id} is not archived after {PATIENCE:g} s")

    async def _archived(self) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            params = {"partner": PARTNER} | ({"cursor": cursor} if cursor else {})
            page = (await self._operator.get("/v1/hub/archive", params=params)).json()
            found += [each["event"]["id"] for each in page["events"]]
            if (cursor := page["next_cursor"]) is None:
                return found


class _Obvious:
    def __init__(self, url: str, queues: Queues) -> None:
        self._url, self._queues = url, queues
        self._chance = random.Random(7)

    async def batches(self, number: int) -> float:
        events = [self._event(f"b{number}-{n}") for n in range(BATCH * OBVIOUS_BATCHES)]
        bodies = [events[at : at + BATCH] for at in range(0, len(events), BATCH)]
        return len(events) / await self._send(bodies, SENDERS)

    async def singles(self, number: int) -> float:
        events = [self._event(f"s{number}-{n}") for n in range(OBVIOUS_SINGLES)]
        return len(events) / await self._send([[each] for each in events], SINGLE_SENDERS)

    def _event(self, id_: str) -> Json:
        return a_receipt(self._chance, self._chance.randrange(TYPES)) | {"id": id_}

    async def _send(self, bodies: list[list[Json]], senders: int) -> float:
        async with Lines(self._url, "/v1/events", senders, {"Content-Type": "application/json"}) as lines:
            requests = [lines.request(json.dumps(body).encode()) for body in bodies]
            began = time.perf_counter()
            await lines.send(requests)
            took = time.perf_counter() - began
        for queue in QUEUES:
            await self._queues.empty(queue, sum(map(len, bodies)))
        return took


def _figure(name: str, runs: list[float], target: str) -> Figure:
    return Figure(name, median(runs), "events/s", tuple(runs), target)
