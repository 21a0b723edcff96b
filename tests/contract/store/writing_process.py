"""A process to be killed: saves documents in one SQLite file and tells on its output which were acknowledged.

python -m tests.contract.store.writing_process FILE write NAME | count STEPS
"""

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from shared.contracts.messages import OutboxMessage
from shared.store.documents import Collection, CollectionSpec, Conflict, Document
from shared.store.sqlite import SqliteStore

WRITTEN = CollectionSpec("written")
WRITERS = 40


def body_of(name: str, n: int) -> dict[str, object]:
    """What document `name` holds as its version n, so that content can be checked from outside."""
    return {"name": name, "n": n, "filling": f"{name}/{n} " * 50}


def message_of(name: str, n: int) -> OutboxMessage:
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    return OutboxMessage(f"{name}/{n}", "events", "written", {"n": str(n)}, f'"{name}"'.encode(), False, moment)


async def write(collection: Collection, name: str) -> None:
    """Save and save again, for ever."""
    document = Document(name, {})
    while True:
        number = document.version + 1
        document = await collection.save(replace(document, body=body_of(name, number)), [message_of(name, number)])
        os.write(1, f"{name} {number}\n".encode())


async def count(collection: Collection, steps: int) -> None:
    while steps:
        found = await collection.get("counter") or Document("counter", {"n": 0})
        try:
            await collection.save(replace(found, body={"n": found.body["n"] + 1}))
        except Conflict:
            continue
        steps -= 1


async def main(path: str, mode: str, argument: str) -> None:
    store = SqliteStore(Path(path))
    collection = store.collection(WRITTEN)
    await store.open()
    if mode == "write":
        await asyncio.gather(*(write(collection, f"{argument}-{n}") for n in range(WRITERS)))
    await asyncio.gather(*(count(collection, int(argument) // 4) for _ in range(4)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
