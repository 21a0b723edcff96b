"""What one purchase costs: messages and bytes on the broker, bytes on disk, CPU. All but the last are counted, and are
the same on a busy machine; of CPU what idle processes take in the same time is taken off.

Every service is a process of its own; the purchases are those of `purchases.py`: one flight, paid by miles and a card.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import aiormq
from aiormq.abc import DeliveredMessage

from services.cli.broker_node import PrivateBroker
from shared.runtime.host import STORES
from shared.store.opening import sqlite_file
from shared.store.sqlite.copies import take
from tests.bench.figures import Figure
from tests.bench.processes import cpu_seconds, tree
from tests.e2e.houses import SERVICES, House
from tests.kit.counts import Counts

METRICS: Final = "/metrics"
"""The route by which the counts themselves were asked for."""
EXCHANGES: Final = ("commands", "answers", "events", "public")
PROPERTIES: Final = 30
"""Bytes of a message's properties and frames beside headers and body, about."""


class Tally:
    """Counts what goes through the exchanges, by a queue of its own."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.bytes = 0

    async def hear(self, delivered: DeliveredMessage) -> None:
        headers = delivered.header.properties.headers or {}
        self.messages[delivered.exchange or ""] += 1
        self.bytes += PROPERTIES + len(delivered.body)
        self.bytes += sum(len(name) + len(str(value)) + 6 for name, value in headers.items())


@asynccontextmanager
async def tallied(broker_url: str) -> AsyncIterator[Tally]:
    tally = Tally()
    connection = await aiormq.connect(broker_url)
    try:
        channel = await connection.channel()
        queue = (await channel.queue_declare(exclusive=True)).queue or ""
        for exchange in EXCHANGES:
            await channel.queue_bind(queue, exchange, "#")
        await channel.basic_consume(queue, tally.hear, no_ack=True)
        yield tally
    finally:
        await connection.close()


def counted(counts: Counts, purchases: int) -> list[Figure]:
    """Saves by service, requests that services answered by route, and that they made by provider: of one purchase."""
    saves = counts.by("service", "store_seconds_count", operation="save")
    answered = counts.by("route", "http_requests_total")
    asked = counts.by("provider", "provider_requests_total")
    answered.pop(METRICS, None)
    kinds = {"saves": saves, "http_requests": answered, "provider_requests": asked}
    return [
        figure
        for kind, found in kinds.items()
        for figure in (
            *(Figure(f"{kind}_per_purchase_{name}", count / purchases, "") for name, count in found.items()),
            Figure(f"{kind}_per_purchase", sum(found.values()) / purchases, ""),
        )
    ]


class Spent:
    """CPU and disk of a house at one moment."""

    def __init__(self, house: House, broker: PrivateBroker) -> None:
        self.at = time.monotonic()
        self.cpu = {name: cpu_seconds(tree(process.process.pid)) for name, process in house.processes.items()}
        self.cpu["broker"] = cpu_seconds(broker.processes)
        self.disk = {name: _disk_bytes(house.home, name) for name in SERVICES}

    def since(self, before: "Spent", idle: "Spent", tally: Tally, purchases: int) -> list[Figure]:
        """Per purchase; disk per million of them. Nothing was done between `idle` and `before`."""
        cpu = {name: self._busy(name, before, idle) * 1000 / purchases for name in self.cpu}
        disk = {name: (size - before.disk[name]) / purchases for name, size in self.disk.items()}
        ours = sum(cost for name, cost in cpu.items() if name not in {"broker", "sandbox"})
        return [
            *(Figure(f"messages_per_purchase_{name}", tally.messages[name] / purchases, "") for name in EXCHANGES),
            Figure("messages_per_purchase", tally.messages.total() / purchases, ""),
            Figure("message_bytes_per_purchase", tally.bytes / purchases, "bytes"),
            *(Figure(f"disk_bytes_per_purchase_{name}", cost, "bytes") for name, cost in disk.items()),
            Figure("disk_gb_per_million_purchases", sum(disk.values()) / 1000, "GB"),
            *(Figure(f"cpu_ms_per_purchase_{name}", cost, "ms") for name, cost in cpu.items()),
            Figure("purchases_per_second_per_core_services", 1000 / max(ours, 1.0), "1/s"),
        ]

    def _busy(self, name: str, before: "Spent", idle: "Spent") -> float:
        """CPU seconds beside those of idleness."""
        idling = (before.cpu[name] - idle.cpu[name]) / (before.at - idle.at)
        return max(0.0, self.cpu[name] - before.cpu[name] - idling * (self.at - before.at))


def _disk_bytes(home: Path, service: str) -> int:
    """Of a service's store, without what was deleted or waits in its log."""
    store = sqlite_file(home / STORES, service)
    if not store.exists():
        return 0
    with TemporaryDirectory(dir=home) as folder:
        copy = Path(folder) / store.name
        take(store, copy)
        return copy.stat().st_size
