"""What the ways to find a purchase cost each of its saves: `python -m tests.bench.indexes [purchases a round]`.

The same lives of purchases are saved into collections that differ in their indexes alone, in turns, on SQLite and,
where `MONGODB_URL` or a `mongod` is there, on MongoDB. Compared is within one run; the median of the rounds counts.
"""

import asyncio
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from os import environ
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from services.checkout.app import CHECKOUTS
from shared.store.documents import Collection, Document, Store
from shared.store.opening import open_store
from tests.bench.store_bench import PURCHASE, a_message
from tests.engines import mongodb

LATER = ("by_step", "by_code", "by_change")
"""The indexes by which operators search, beside those that a purchase needs itself."""
KINDS = {
    "what a purchase needs": replace(
        CHECKOUTS,
        name="few",
        indexes=tuple(each for each in CHECKOUTS.indexes if each.name not in LATER),
        lookups=(),
    ),
    "and three indexes to search by": replace(CHECKOUTS, name="searched", lookups=()),
    "and three lookups": replace(CHECKOUTS, name="found"),
}
ROUNDS = 5
IN_FLIGHT = 50
STEPS = 9


def life(number: int) -> Iterator[dict[str, Any]]:
    """The states of one purchase that goes well, with two tickets and a bag at its end."""
    for step in range(STEPS + 1):
        done = step == STEPS
        numbers = [{"number": f"957{number:09d}{each}"} for each in range(2)] if step > STEPS - 3 else []
        yield {
            **PURCHASE,
            "created_at": f"2026-01-02T03:04:05.{number:06d}Z",
            "updated_at": f"2026-01-02T03:05:{step:02d}.{number:06d}Z",
            "wake_key": None if done else f"2026-01-02T04:05:{step:02d}.{number:06d}Z",
            "state": {
                "member_id": f"M{number % 97}",
                "locators": [f"L{number:05d}"] if step > 1 else [],
                "tickets": numbers,
                "documents": numbers[:1],
            },
            "record": {"status": "completed" if done else "running", "current": None if done else f"step {step}"},
        }


async def seconds_a_save(collection: Collection, numbers: range) -> tuple[float, float]:
    """Of the wall clock, and of this process's CPU: many purchases side by side, each save with its message."""
    waiting = iter(numbers)

    async def buyer() -> None:
        for number in waiting:
            document = Document(f"purchase-{number}", {})
            for body in life(number):
                message = a_message(number)
                document = await collection.save(replace(document, body=body), [message])
                await collection.sent({document.id: [message.id]})

    saves = len(numbers) * (STEPS + 1)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(buyer() for _ in range(IN_FLIGHT)))
    return (time.perf_counter() - began) / saves, (time.process_time() - cpu) / saves


@asynccontextmanager
async def collections(store: Store) -> AsyncIterator[dict[str, Collection]]:
    declared = {kind: store.collection(spec) for kind, spec in KINDS.items()}
    await store.open()
    try:
        yield declared
    finally:
        await store.close()


async def compare(engine: str, store: Store, purchases: int) -> None:
    spent: dict[str, list[tuple[float, float]]] = defaultdict(list)
    async with collections(store) as kinds:
        for turn in range(ROUNDS):
            for kind, collection in kinds.items():
                spent[kind].append(await seconds_a_save(collection, range(turn * purchases, (turn + 1) * purchases)))
    base = median(wall for wall, _ in next(iter(spent.values())))
    for kind, rounds in spent.items():
        wall, cpu = (median(each) * 1e6 for each in zip(*rounds, strict=True))
        print(
            f"{engine:<9}{kind:<34}{wall:>8.0f} us a save {cpu:>6.0f} us CPU here {wall / base / 1e6:>7.2f}", flush=True
        )


async def main(purchases: int = 400) -> None:
    with TemporaryDirectory() as folder, ExitStack() as servers:
        await compare("SQLite", open_store("indexes", Path(folder)), purchases)
        if "MONGODB_URL" in environ or shutil.which("mongod"):
            (Path(folder) / "mongod").mkdir()
            url = servers.enter_context(mongodb(Path(folder) / "mongod"))
            await compare("MongoDB", open_store(f"indexes_{time.time_ns()}", Path(folder), url), purchases)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
