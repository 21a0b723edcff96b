"""HUB-4, HUB-5 and HUB-9: how many copies one process of delivery brings to endpoints, what one that hangs costs
others, and what it takes to keep the copies of each key in order.

Every service in a process of its own; copies lie in their queues before they are asked for, so that delivery, the
broker and the endpoints work and nobody else. Endpoints take 5 ms. The obvious way stands beside it, over one broker.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.cli.ports import free_ports
from tests.bench.children import Child, Failed
from tests.bench.figures import Figure
from tests.bench.hub_endpoints import HANGS
from tests.bench.hub_matching import a_receipt, type_name
from tests.bench.hub_queues import LOOKS, PATIENCE, Queues, opened
from tests.bench.hub_schema import SCHEMA
from tests.bench.posting import Lines
from tests.bench.processes import cpu_seconds, wait_until_quiet
from tests.bench.statistics import percentile
from tests.e2e.houses import House, house
from tests.e2e.shop import Shop
from tests.kit.stack import REPOSITORY

COPIES: Final = 6_000
OBVIOUS_COPIES: Final = 1_500
AT_ONCE: Final = 32
"""Requests to the one endpoint."""
PACE: Final = 100.0
PACED: Final = 1_000
TARGETS: Final = 50
EACH: Final = 100
"""Copies of each of them."""
BATCH: Final = 50
SENDERS: Final = 8
QUIET_WITHIN: Final = 60.0
STARTED: Final = 30.0
PARTNER: Final = "bench"
ONE, ALL_WELL, ONE_HANGS, IN_ORDER = "one", "all-well", "one-hangs", "in-order"
"""Buses; each admits a type of its own."""
HANGING: Final = "t7"
KEYS: Final = 1_000
BUSES: Final = (ONE, ALL_WELL, ONE_HANGS, IN_ORDER)
OBVIOUS: Final = "obvious.deliver"
BATCHED: Final = {"Content-Type": "application/cloudevents-batch+json"}
SINGLE: Final = {"Content-Type": "application/cloudevents+json"}

Told = Callable[[str], Any]
Json = dict[str, Any]
Arrivals = Mapping[str, list[tuple[str, float]]]


def steps(rounds: int) -> int:
    return 5 * rounds + 1


def measure(home: Path, told: Told, rounds: int) -> list[Figure]:
    """`told` after each step. Raises Failed where a copy is lost."""
    (port,) = free_ports(1)
    with house(home, {}) as running, _child("hub_endpoints", str(port), home=home) as endpoints:
        endpoints.wait_until_ready(STARTED)
        url = f"http://127.0.0.1:{port}"
        return asyncio.run(_measured(running, endpoints, url, told, rounds))


def _child(module: str, *arguments: str, home: Path) -> Child:
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    return Child(command, cwd=REPOSITORY, log=home / f"{module}.log", environment={})


async def _measured(running: House, endpoints: Child, url: str, told: Told, rounds: int) -> list[Figure]:
    async with Shop(running.url) as shop, opened(running.broker_url) as queues:
        bench = _Bench(running, shop, queues, endpoints, url)
        await bench.prepare()
        found: dict[str, list[float]] = {
            name: [] for name in ("rate", "cpu", "obvious", "well", "others", "ordered", "whole")
        }
        for number in range(rounds):
            rate, cpu = await bench.one()
            found["rate"].append(rate)
            found["cpu"].append(cpu)
            told("HUB-4")
            found["obvious"].append(await bench.obvious(number))
            told("HUB-4, the obvious way")
            found["well"].append(await bench.many(ALL_WELL))
            told("HUB-5, all well")
            found["others"].append(await bench.many(ONE_HANGS))
            told("HUB-5, one hangs")
            ordered, whole = await bench.in_order()
            found["ordered"].append(ordered)
            found["whole"].append(whole)
            told("HUB-9")
        took = await bench.paced()
        told(f"HUB-4 at {PACE:g}/s")
    kept = [others / well for others, well in zip(found["others"], found["well"], strict=True)]
    times = [rate / obvious for rate, obvious in zip(found["rate"], found["obvious"], strict=True)]
    return [
        _figure("hub_4_posts_a_second", found["rate"], "posts/s", "at least 800, of one process"),
        _figure("hub_4_cpu_us_a_post", found["cpu"], "us", "of the process of delivery"),
        _figure("hub_4_obvious", found["obvious"], "posts/s", "the obvious way"),
        _figure("hub_4_times_the_obvious", times, "times", "round by round"),
        Figure(f"hub_4_p50_ms_at_{PACE:g}", percentile(took, 0.5) * 1000, "ms"),
        Figure(
            f"hub_4_p95_ms_at_{PACE:g}", percentile(took, 0.95) * 1000, "ms", (), "at most 150, from 202 to received"
        ),
        _figure("hub_5_posts_a_second_all_well", found["well"], "posts/s", f"{TARGETS} targets"),
        _figure("hub_5_posts_a_second_one_hangs", found["others"], "posts/s", f"the other {TARGETS - 1}"),
        _figure("hub_5_kept", kept, "times", "at least 0.9, round by round"),
        _figure("hub_9_posts_a_second", found["ordered"], "posts/s", f"at least 800, {KEYS} keys in order"),
        _figure("hub_9_events_a_second", found["whole"], "events/s", "the same from acceptance on"),
    ]


class _Bench:
    def __init__(self, running: House, shop: Shop, queues: Queues, endpoints: Child, url: str) -> None:
        self._running, self._shop, self._queues = running, shop, queues
        self._endpoints, self._url = endpoints, url
        self._chance = random.Random(7)
        self._sent = 0

    async def prepare(self) -> None:
        self._operator = await self._shop.operator()
        partner = {"clients": [PARTNER], "publishes": ["*"], "rate": {"events_per_second": 100_000, "burst": 1_000_000}}
        await self._put(f"partners/{PARTNER}", partner)
        for number, bus in enumerate(BUSES):
            order = {"ordered_by": "subject"} if bus == IN_ORDER else {}
            await self._put(f"types/{type_name(number)}", {"schema": SCHEMA, **order})
            targets = self._targets(bus)
            rule = {"name": "all", "when": {"type": [type_name(number)]}, "to": sorted(targets)}
            await self._put(f"buses/{bus}", {"partner": PARTNER, "rules": [rule], "targets": targets})
        self._token = await self._shop.token("events:publish", PARTNER)

    def _targets(self, bus: str) -> Json:
        if bus == ONE:
            return {"t0": {"webhook": f"{self._url}/{bus}/t0", "concurrency": AT_ONCE}}
        if bus == IN_ORDER:
            return {"t0": {"webhook": f"{self._url}/{bus}/t0", "concurrency": AT_ONCE, "order": "by-key"}}
        targets: Json = {f"t{number}": {"webhook": f"{self._url}/{bus}/t{number}"} for number in range(TARGETS)}
        if bus == ONE_HANGS:
            targets[HANGING] = {"webhook": f"{self._url}{HANGS.decode()}{HANGING}", "timeout": 30}
        return targets

    async def one(self) -> tuple[float, float]:
        """Copies a second, and microseconds of CPU that delivery used for each."""
        await self._fill(ONE, ["t0"], COPIES)
        pid = self._running.processes["delivery"].process.pid
        began = cpu_seconds([pid])
        rate = await self._emptied(ONE, ["t0"], COPIES)
        return rate, (cpu_seconds([pid]) - began) / COPIES * 1e6

    async def many(self, bus: str) -> float:
        """Copies a second to those that answer; one that does not hangs from the first copy on."""
        targets = [target for target in self._targets(bus) if (bus, target) != (ONE_HANGS, HANGING)]
        await self._fill(bus, targets, EACH)
        return await self._emptied(bus, targets, EACH)

    async def in_order(self) -> tuple[float, float]:
        """Copies a second out of a full queue; and events a second from the first one's sending to the last one's
        arrival. Raises Failed where a key's events changed places."""
        await self._fill(IN_ORDER, ["t0"], COPIES)
        await self._decide(IN_ORDER, ["t0"], "resume")
        came = self._ordered(await self._arrived({f"/{IN_ORDER}/t0"}, COPIES))
        rate = (COPIES - 1) / (came[-1] - came[0])
        events = [self._event(IN_ORDER) for _ in range(COPIES)]
        began = time.perf_counter()
        async with self._lines(self._running.processes["hub"].url, BATCHED, senders=1) as lines:
            bodies = (json.dumps(events[at : at + BATCH]).encode() for at in range(0, COPIES, BATCH))
            await lines.send([lines.request(body) for body in bodies])
        came = self._ordered(await self._arrived({f"/{IN_ORDER}/t0"}, COPIES))
        return rate, COPIES / (came[-1] - began)

    @staticmethod
    def _ordered(came: list[tuple[str, float]]) -> list[float]:
        """When each arrived."""
        numbers: dict[int, list[int]] = {}
        for id_, _ in sorted(came, key=lambda each: each[1]):
            numbers.setdefault(int(id_[1:]) % KEYS, []).append(int(id_[1:]))
        if any(each != sorted(each) for each in numbers.values()):
            raise Failed("a key's events changed places")
        return sorted(at for _, at in came)

    async def obvious(self, number: int) -> float:
        bodies = [json.dumps(self._event(ONE) | {"id": f"o{number}-{n}"}).encode() for n in range(OBVIOUS_COPIES)]
        await self._queues.fill(OBVIOUS, bodies)
        path = f"/{OBVIOUS}"
        arguments = (OBVIOUS, f"{self._url}{path}", str(AT_ONCE), self._running.broker_url)
        with _child("obvious_delivery", *arguments, home=self._running.home):
            return await self._rate({path}, OBVIOUS_COPIES)

    async def paced(self) -> list[float]:
        """Seconds from each event's acceptance to its arrival, as its sender and its endpoint saw them."""
        await self._decide(ONE, ["t0"], "resume")
        events = [self._event(ONE) for _ in range(PACED)]
        hub = self._running.processes["hub"].url
        async with self._lines(hub, SINGLE) as lines:
            requests = [lines.request(json.dumps(each).encode()) for each in events]
            began = time.perf_counter()
            took = await lines.pace(requests, PACE)
        accepted = {each["id"]: began + n / PACE + took[n] for n, each in enumerate(events)}
        came = await self._arrived({f"/{ONE}/t0"}, PACED)
        return [max(at - accepted[id_], 0.0) for id_, at in came]

    async def _fill(self, bus: str, targets: list[str], each: int) -> None:
        """So many copies lie in the queues of targets that are well and stand still; all others rest."""
        await asyncio.gather(*(self._is_well(bus, target) for target in targets))
        await self._decide(bus, targets, "pause")
        for target in targets:
            await self._queues.unread(f"target.{bus}.{target}")
        events = [self._event(bus) for _ in range(each)]
        senders = 1 if bus == IN_ORDER else SENDERS
        async with self._lines(self._running.processes["hub"].url, BATCHED, senders) as lines:
            bodies = (json.dumps(events[at : at + BATCH]).encode() for at in range(0, each, BATCH))
            await lines.send([lines.request(body) for body in bodies])
        for target in targets:
            await self._queues.holds(f"target.{bus}.{target}", each)
        pids = {process.process.pid for process in self._running.processes.values()}
        await asyncio.to_thread(wait_until_quiet, lambda: pids, QUIET_WITHIN)

    async def _emptied(self, bus: str, targets: list[str], each: int) -> float:
        await self._decide(bus, targets, "resume")
        return await self._rate({f"/{bus}/{target}" for target in targets}, each * len(targets))

    async def _rate(self, paths: set[str], count: int) -> float:
        times = sorted(at for _, at in await self._arrived(paths, count))
        return (count - 1) / (times[-1] - times[0])

    async def _arrived(self, paths: set[str], count: int) -> list[tuple[str, float]]:
        """The first time of each copy. Raises Failed where some do not come."""
        deadline = time.monotonic() + PATIENCE
        first: dict[tuple[str, str], float] = {}
        while len(first) < count:
            if time.monotonic() > deadline:
                raise Failed(f"of {count} copies {len(first)} arrived")
            await asyncio.sleep(10 * LOOKS)
            came: Arrivals = await asyncio.to_thread(self._endpoints.ask, "came", STARTED)
            for path in paths & came.keys():
                for id_, at in came[path]:
                    first.setdefault((path, id_), at)
        return [(id_, at) for (_, id_), at in first.items()]

    def _event(self, bus: str) -> Json:
        self._sent += 1
        key = {"subject": f"k{self._sent % KEYS}"} if bus == IN_ORDER else {}
        return a_receipt(self._chance, BUSES.index(bus)) | {"id": f"e{self._sent}"} | key

    def _lines(self, url: str, headers: dict[str, str], senders: int = SENDERS) -> Lines:
        return Lines(url, "/v1/events", senders, {"Authorization": f"Bearer {self._token}", **headers})

    async def _put(self, what: str, body: Json) -> None:
        answer = await self._operator.put(f"/v1/hub/{what}", json=body, timeout=PATIENCE)
        if not answer.is_success:
            raise Failed(f"{what}: {answer.text}")

    async def _is_well(self, bus: str, target: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = await self._operator.get(f"/v1/hub/targets/{bus}/{target}", timeout=PATIENCE)
            if answer.is_success and answer.json()["state"] in {"healthy", "paused"}:
                return
            await asyncio.sleep(10 * LOOKS)
        raise Failed(f"{bus}/{target} is not well")

    async def _decide(self, bus: str, targets: list[str], what: str) -> None:
        """All at once, so that delivery sees it at one look."""

        async def one(target: str) -> None:
            answer = await self._operator.post(f"/v1/hub/targets/{bus}/{target}/{what}", timeout=PATIENCE)
            if not answer.is_success:
                raise Failed(f"{what} {bus}/{target}: {answer.text}")

        await asyncio.gather(*map(one, targets))


def _figure(name: str, runs: list[float], unit: str, target: str) -> Figure:
    return Figure(name, median(runs), unit, tuple(runs), target)
