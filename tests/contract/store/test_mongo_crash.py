"""The server is killed under writers and comes back: what it acknowledged is there, and the writers go on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.messages import OutboxMessage
from shared.store.documents import Collection, Conflict, Document, Unavailable
from shared.store.mongo import MongoStore, motor_client, pymongo_client
from tests.contract.store.conftest import THINGS
from tests.engines import running_mongod
from tests.eventually import eventually

pytestmark = pytest.mark.long

WRITERS = 8
BEFORE, AFTER = 300, 200
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def body_of(name: str, version: int) -> dict[str, Any]:
    return {"name": name, "n": version, "filling": [f"{name}/{version}"] * 20}


def message_of(name: str, version: int) -> OutboxMessage:
    return OutboxMessage(f"{name}/{version}", "events", "written", {}, b"{}", False, datetime(2027, 1, 1, tzinfo=UTC))


@dataclass
class Writers:
    """Save as services do: on `Conflict` and `Unavailable` they reload, and go on from what they find."""

    collection: Collection
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    done: bool = False

    async def write(self, name: str) -> None:
        document = Document(name, {})
        while not self.done:
            version = document.version + 1
            try:
                document = await self.collection.save(
                    replace(document, body=body_of(name, version)), [message_of(name, version)]
                )
                self.acknowledged[name] = document.version
            except Unavailable:
                self.refused += 1
                document = await self.reload(name)
            except Conflict:  # the save of which nobody heard had taken place
                document = await self.reload(name)

    async def reload(self, name: str) -> Document:
        while True:
            try:
                return await self.collection.get(name) or Document(name, {})
            except Unavailable:
                await asyncio.sleep(0.05)

    def total(self) -> int:
        return sum(self.acknowledged.values())


@pytest.mark.parametrize("client", [motor_client, pymongo_client])
async def test_acknowledged_saves_survive_a_killed_server_and_writers_go_on(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    with running_mongod(tmp_path / "data") as server:
        store = MongoStore("crash", server.url, client)
        collection = store.collection(THINGS)
        await store.open()
        writers = Writers(collection)
        names = [f"writer-{n}" for n in range(WRITERS)]
        running = asyncio.gather(*(writers.write(name) for name in names))

        await eventually(lambda: writers.total() >= BEFORE, 40)
        await asyncio.to_thread(server.kill)
        await eventually(lambda: writers.refused >= WRITERS, 40)
        with pytest.raises(Unavailable):
            await store.ping()
        before = dict(writers.acknowledged)
        await asyncio.to_thread(server.start)
        await eventually(lambda: writers.total() >= sum(before.values()) + AFTER, 40)
        writers.done = True
        await running

        await store.ping()
        messages = {unsent.message.id for unsent in await collection.unsent(FAR, 1_000_000)}
        for name in names:
            stored = await collection.get(name)
            assert stored is not None
            assert stored.version == writers.acknowledged[name] > before[name]
            assert stored.body == body_of(name, stored.version)
            assert {f"{name}/{n}" for n in range(1, stored.version + 1)} <= messages
        await store.close()


@pytest.mark.parametrize("client", [motor_client, pymongo_client])
async def test_what_was_acknowledged_before_the_kill_is_there_with_its_content(
    client: Callable[[str], Any], tmp_path: Path
) -> None:
    with running_mongod(tmp_path / "data") as server:
        store = MongoStore("crash", server.url, client)
        collection = store.collection(THINGS)
        await store.open()
        acknowledged: list[str] = []

        async def write(writer: int) -> None:
            number = 0
            while True:
                name = f"{writer}-{number}"
                await collection.save(Document(name, body_of(name, 1)), [message_of(name, 1)])
                acknowledged.append(name)
                number += 1

        running = asyncio.gather(*(write(writer) for writer in range(WRITERS)), return_exceptions=True)
        await eventually(lambda: len(acknowledged) >= BEFORE, 40)
        await asyncio.to_thread(server.kill)
        ends = await running
        assert [type(end) for end in ends] == [Unavailable] * WRITERS
        await asyncio.to_thread(server.start)
        found = {document.id: document for document in await collection.get_many(acknowledged)}
        assert len(acknowledged) >= BEFORE
        assert {name: found[name].body for name in acknowledged} == {name: body_of(name, 1) for name in acknowledged}
        assert {found[name].version for name in acknowledged} == {1}
        await store.close()
