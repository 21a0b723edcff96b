"""One process of the five-step job: the real host, with the orchestrator, the workers, or both.

`python -m tests.bench.five_steps_process ROLE DRIVER` with the host's settings in the environment. It prints `ready`;
the orchestrator then reads `TAG COUNT IN_FLIGHT` lines from standard input, carries out so many purchases, and prints
`RESULT {json}` for each line. SIGTERM drains and ends it.
"""

import asyncio
import json
import os
import resource
import signal
import sys
import time
from typing import Any, Final

import uvloop

from services.house import HOUSE
from shared.runtime import garbage
from shared.runtime import logging as logs
from shared.runtime.addresses import broker_url
from shared.runtime.home import Home
from shared.runtime.host import Compose, Host
from shared.runtime.server import bind
from shared.runtime.settings import RuntimeSettings, read
from tests.bench.five_steps import WORKERS, Sagas, new_purchase, worker
from tests.bench.statistics import percentile
from tests.bench.uncounted import UNCOUNTED, UncountedHost

ORCHESTRATOR: Final = "orchestrator"
ALONE: Final = "all"


def main(role: str, driver: str) -> int:
    settings = read(RuntimeSettings)
    logs.set_up(settings.log_level)
    sagas = Sagas()
    orchestrator: dict[str, Compose] = {"checkout": sagas.compose}
    workers: dict[str, Compose] = {name: worker(name) for name in WORKERS}
    compositions = {ORCHESTRATOR: orchestrator, ALONE: orchestrator | workers}.get(role, workers)
    listener = bind("127.0.0.1", 0)
    broker = broker_url(settings, Home(settings.milesaga_home))
    kind = UncountedHost if UNCOUNTED in os.environ else Host
    host = kind(settings, listener, broker, house=HOUSE, here=frozenset(compositions))
    if driver == "faststream":
        from tests.bench.faststream_driver import FastStreamBus  # noqa: PLC0415 - the other driver needs none of it

        host.bus = FastStreamBus(broker, host)
        host.publisher = host.bus.publisher
    garbage.settle()
    jobs: set[asyncio.Task[None]] = set()

    async def ready() -> None:
        print("ready", flush=True)
        if "checkout" in compositions:
            jobs.add(asyncio.create_task(_take_orders(sagas, host)))

    return 0 if uvloop.run(host.run(compositions, ready)) else 1


async def _take_orders(sagas: Sagas, host: Host) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tag, count, in_flight = line.split()
        print("RESULT", json.dumps(await _carry_out(sagas, host, tag, int(count), int(in_flight))), flush=True)


async def _carry_out(sagas: Sagas, host: Host, tag: str, count: int, in_flight: int) -> dict[str, Any]:
    numbers = iter(range(count))
    seconds: list[float] = []

    async def lane() -> None:
        for number in numbers:
            began = time.perf_counter()
            await sagas.carry_out(new_purchase(f"{tag}-{number:06d}", host))
            seconds.append(time.perf_counter() - began)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    elapsed = time.perf_counter() - began
    return {
        "rate": count / elapsed,
        "p50_ms": percentile(seconds, 0.5) * 1000,
        "p99_ms": percentile(seconds, 0.99) * 1000,
        "cpu_ms": (time.process_time() - cpu) / count * 1000,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the benchmark's business
    sys.exit(main(*sys.argv[1:]))
