"""What lies in queues, as the hub's benchmarks wait for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aio_pika

from tests.bench.children import Failed

PATIENCE: Final = 120.0
LOOKS: Final = 0.02


class Queues:
    """By a connection that is there all the time."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel) -> None:
        self._channel = channel

    async def holds(self, name: str, count: int) -> None:
        """Return when so many are there. Raises Failed."""
        deadline = time.monotonic() + PATIENCE
        while (there := await self._count(name)) < count:
            if time.monotonic() > deadline:
                raise Failed(f"{name}: of {count} copies {there} are there")
            await asyncio.sleep(LOOKS)

    async def unread(self, name: str) -> None:
        """Return when nobody consumes it. Raises Failed."""
        deadline = time.monotonic() + PATIENCE
        while (await self._channel.declare_queue(name, passive=True)).declaration_result.consumer_count:
            if time.monotonic() > deadline:
                raise Failed(f"{name} is consumed")
            await asyncio.sleep(LOOKS)

    async def empty(self, name: str, expected: int) -> None:
        """Raises Failed where there are more or fewer."""
        if (there := await self._count(name)) != expected:
            raise Failed(f"{name}: {expected} messages were expected, {there} are there")
        await (await self._channel.get_queue(name, ensure=False)).purge()

    async def fill(self, name: str, bodies: list[bytes]) -> None:
        """Into a quorum queue, which is made where there is none."""
        await self._channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        sent = (
            self._channel.default_exchange.publish(aio_pika.Message(each, delivery_mode=2), name) for each in bodies
        )
        await asyncio.gather(*sent)

    async def _count(self, name: str) -> int:
        declared = await self._channel.declare_queue(name, passive=True)
        return int(declared.declaration_result.message_count or 0)


@asynccontextmanager
async def opened(broker_url: str) -> AsyncIterator[Queues]:
    async with await aio_pika.connect(broker_url) as connection:
        yield Queues(await connection.channel())
