"""Consuming one queue more, on a channel of its own: whatever becomes of it, the connection's other work goes on."""

import asyncio
import contextlib
from typing import Self

from shared.bus import wire
from shared.bus.consumer import Consumer
from shared.bus.standing import Reading
from shared.bus.wire import AbstractConnection, AMQPError, Channel


class ChannelReader:
    """The `Reader` of one queue."""

    def __init__(self, channel: Channel, consumer: Consumer, gone: asyncio.Event) -> None:
        self._channel = channel
        self._consumer = consumer
        self._gone = gone

    @classmethod
    async def opened(cls, connection: AbstractConnection, consumer: Consumer, reading: Reading) -> Self:
        """Raises whatever the broker says where the queue cannot be consumed."""
        gone = asyncio.Event()
        channel = await wire.open_channel(connection, gone.set, confirms=False)
        await channel.basic_qos(prefetch_count=reading.prefetch)
        await consumer.attach(channel, reading.queue)
        return cls(channel, consumer, gone)

    @property
    def ended(self) -> bool:
        return self._gone.is_set()

    async def leave(self, seconds: float) -> None:
        """What the broker has not heard of when the channel closes it delivers again."""
        with contextlib.suppress(AMQPError, ConnectionError, RuntimeError):
            await self._consumer.drain(seconds)
        with contextlib.suppress(AMQPError, ConnectionError, RuntimeError):
            if not self._channel.is_closed:
                await self._channel.close()
        self._gone.set()
