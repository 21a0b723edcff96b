"""What the embedded store gives on this machine: `python -m tests.bench.store_bench [saves] [in flight]`."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.contracts.messages import OutboxMessage
from shared.store.documents import Collection, CollectionSpec, Document, Index
from shared.store.sqlite import SqliteStore

PLAIN = CollectionSpec("plain")
INDEXED = CollectionSpec("indexed", (Index("by_member", ("member_id", "created_at")), Index("by_status", ("status",))))
SMALL = {"member_id": "M1", "created_at": "2026-01-02T03:04:05Z", "status": "running", "amount": 125000}
PURCHASE = SMALL | {
    "timeline": [{"at": "2026-01-02T03:04:05.678Z", "what": f"step {n} answered done"} for n in range(20)],
    "steps": [{"name": f"step {n}", "status": "done", "attempts": 1} for n in range(8)],
}


def a_message(number: int) -> OutboxMessage:
    return OutboxMessage(
        id=f"message-{number}",
        exchange="commands",
        routing_key="payment.authorize_card.v1",
        headers={"cloudEvents:id": f"message-{number}", "correlationid": "purchase"},
        body=b'{"amount": 125000, "currency": "BRL"}' * 8,
        mandatory=True,
        saved_at=datetime.now(UTC),
    )


async def rate(work: Callable[[int], Awaitable[object]], count: int, in_flight: int) -> float:
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await work(number)

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return count / (time.perf_counter() - begun)


async def measure(label: str, work: Callable[[int], Awaitable[object]], count: int, in_flight: int) -> None:
    cpu = time.process_time()
    per_second = await rate(work, count, in_flight)
    cpu = (time.process_time() - cpu) / count * 1e6
    print(f"{label:<58}{per_second:>9,.0f}/s {cpu:>7.1f} us CPU")


async def updates(label: str, collection: Collection, body: dict[str, object], count: int, in_flight: int) -> None:
    """Each save with one message, which is cleared as the bus clears: in groups, a little later."""
    documents = {n: await collection.save(Document(f"{label}-{n}", body)) for n in range(in_flight)}
    free = list(documents)
    cleared: dict[str, list[str]] = {}

    async def one(number: int) -> None:
        slot = free.pop()
        message = a_message(number)
        documents[slot] = await collection.save(replace(documents[slot], body=body), [message])
        free.append(slot)
        cleared.setdefault(documents[slot].id, []).append(message.id)
        if len(cleared) == 100:
            await collection.sent(dict(cleared))
            cleared.clear()

    await measure(label, one, count, in_flight)


async def main(count: int = 30_000, in_flight: int = 200) -> None:
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "bench.sqlite3")
        plain, indexed = store.collection(PLAIN), store.collection(INDEXED)
        await store.open()
        await measure("new documents", lambda n: plain.save(Document(f"new-{n}", SMALL)), count, in_flight)
        await measure("get by id", lambda n: plain.get(f"new-{n}"), count, in_flight)
        await updates("saves with a message, cleared", plain, SMALL, count, in_flight)
        await updates("the same, 2 kB document, two indexes", indexed, PURCHASE, count, in_flight)
        await measure("one at a time", lambda n: plain.save(Document(f"lone-{n}", SMALL)), 2_000, 1)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
