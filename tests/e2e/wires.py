"""The broker from outside: publish, listen, and copy what others say."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from tests.eventually import eventually

Json = dict[str, Any]

COPY = "test-copy"
COPIED = ("commands", "answers", "public")
MESSAGES_IN_FLIGHT = 100


def envelope(kind: str, **changes: str | None) -> dict[str, Any]:
    attributes = {"id": uuid.uuid4().hex, "source": "/tests", "type": kind, "specversion": "1.0"} | changes
    return {f"cloudEvents:{name}": value for name, value in attributes.items() if value is not None}


def message(body: bytes | Json, headers: dict[str, Any] | None = None) -> aio_pika.Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return aio_pika.Message(
        raw, headers=headers or {}, content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
    )


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(on_return_raises=True)


class Listener:
    """Everything that came through an exchange since it began to listen."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Json]] = []

    async def take(self, incoming: AbstractIncomingMessage) -> None:
        async with incoming.process():
            self.heard.append((incoming.routing_key or "", json.loads(incoming.body)))

    async def told(self, kind: str, within: float = 20.0, **fields: str) -> Json:
        """The first message of the kind that has these fields."""
        found = await eventually(lambda: self.all(kind, **fields), within)
        return found[0]

    def all(self, kind: str, **fields: str) -> list[Json]:
        return [
            body
            for key, body in self.heard
            if key == kind and all(body.get(name) == value for name, value in fields.items())
        ]


@asynccontextmanager
async def listening(url: str, exchange: str, pattern: str = "#") -> AsyncIterator[Listener]:
    async with channel_to(url) as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, pattern)
        listener = Listener()
        await queue.consume(listener.take)
        yield listener


class Copier:
    """Publishes a second copy of everything that passes."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.copied = 0
        self._channel = channel

    async def take(self, incoming: AbstractIncomingMessage) -> None:
        async with incoming.process():
            if COPY in incoming.headers:
                return
            exchange = await self._channel.get_exchange(incoming.exchange or "", ensure=False)
            again = message(incoming.body, dict(incoming.headers) | {COPY: "1"})
            await exchange.publish(again, incoming.routing_key or "")
            self.copied += 1


@asynccontextmanager
async def everything_twice(url: str) -> AsyncIterator[Copier]:
    async with channel_to(url) as channel:
        await channel.set_qos(prefetch_count=MESSAGES_IN_FLIGHT)
        copier = Copier(channel)
        queue = await channel.declare_queue(exclusive=True)
        for exchange in COPIED:
            await queue.bind(exchange, "#")
        await queue.consume(copier.take)
        yield copier


async def depth(channel: AbstractChannel, queue: str) -> int:
    """Messages ready in a queue."""
    await asyncio.sleep(0)
    declared = await channel.declare_queue(queue, passive=True)
    return int(declared.declaration_result.message_count or 0)
