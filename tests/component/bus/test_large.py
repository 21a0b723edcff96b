"""Very large messages from a broker that lets them through, as most do: RabbitMQ's own limit is 16 or 128 MiB."""

import asyncio
import hashlib
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from shared.bus.dead_letters import DeadLetters
from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.component.bus.test_bus import count
from tests.eventually import eventually
from tests.kit.broker import start_broker

SIZE = 24_000_000
MANY = 4
MEMORY = 8_000_000
"""Bytes for everything: a third of one message."""
PUBLISHER = """
import asyncio, sys
import aio_pika
from shared.contracts.cloudevents import Envelope

async def publish(url, type_name, size, many):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        commands = await channel.get_exchange("commands", ensure=False)
        for number in range(many):
            envelope = Envelope(id=f"large-{number}", source="/partner", type=type_name)
            body = b"%d" % number + b"x" * size
            await commands.publish(aio_pika.Message(body, headers=dict(envelope.headers())), type_name)

asyncio.run(publish(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""
LIMIT = "max_message_size = 134217728\n"


@pytest.fixture
def unlimited_url(tmp_path: Path) -> Iterator[str]:
    """A node with RabbitMQ's own limit instead of ours."""
    home = tmp_path / "unlimited"
    (home / "broker" / "conf.d").mkdir(parents=True)
    (home / "broker" / "conf.d" / "90-limit.conf").write_text(LIMIT)
    node = start_broker(home)
    yield node.url
    node.kill()


async def test_they_never_stand_in_memory_and_leave_head_and_digest(unlimited_url: str, open_bus: OpenBus) -> None:
    done: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        done.append(job.name)

    bus = await open_bus(unlimited_url, {Job: handle})
    tracemalloc.start()
    try:
        publishing = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PUBLISHER, unlimited_url, Job.type, str(SIZE), str(MANY)
        )
        assert await publishing.wait() == 0

        async def all_are_dead() -> bool:
            async with await aio_pika.connect(unlimited_url) as connection:
                return await count(await connection.channel(), "work.dead") == MANY

        await eventually(all_are_dead, within=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY
    await outbox_of(bus).say(Job(name="small"))
    await eventually(lambda: done == ["small"])
    async with DeadLetters(unlimited_url, ("work",)) as dead:
        letters = await dead.letters("work")
    for number, letter in enumerate(sorted(letters, key=lambda each: each.id)):
        body = b"%d" % number + b"x" * SIZE
        assert letter.body == body[:4_096]
        assert f"{SIZE + 1} bytes" in letter.reason
        assert hashlib.sha256(body).hexdigest() in letter.reason
