"""The bus of one process: one connection, one confirming publisher, a consumer for each service's queue.

FastStream's broker holds the connection and comes back after a loss; the topology is written in its terms. Publishing
and the work queues run on channels of their own beneath it, which are opened anew on every connection.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiormq.abc import AbstractConnection
from aiormq.channel import Channel
from faststream.rabbit import RabbitBroker

from shared.bus.consumer import Consumer
from shared.bus.declaring import Difference, declare
from shared.bus.dispatch import Dispatcher, HandlerTable
from shared.bus.publisher import ConfirmingPublisher
from shared.bus.retry import RetryPolicy
from shared.bus.topology import SERVICES, suspect_queue, topology
from shared.kernel.clock import Clock
from shared.kernel.meter import Meter, NoMeter

log = logging.getLogger(__name__)

PREFETCH = 200
RECONNECT_SECONDS = 1.0
OPEN_TIMEOUT = 20.0


@dataclass(frozen=True)
class _Subscription:
    service: str
    consumer: Consumer


class Bus:
    """Connects, declares, publishes and consumes; and goes on when the broker was away."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        retry: RetryPolicy,
        meter: Meter | None = None,
        prefetch: int = PREFETCH,
        services: Mapping[str, tuple[tuple[str, str], ...]] = SERVICES,
    ) -> None:
        self._broker = RabbitBroker(url, logger=None, reconnect_interval=RECONNECT_SECONDS)
        self._clock = clock
        self._retry = retry
        self._meter = meter or NoMeter()
        self._prefetch = prefetch
        self._services = services
        self._subscriptions: list[_Subscription] = []
        self._connection: AbstractConnection | None = None
        self._lost = asyncio.Event()
        self._up = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self.publisher = ConfirmingPublisher()
        self.differences: Sequence[Difference] = ()

    @property
    def ready(self) -> bool:
        """Connected, declared, consuming."""
        return self._up.is_set()

    async def start(self) -> None:
        """Return when the bus is up; where the broker is away, keep trying until it is there."""
        self.begin()
        await self._up.wait()

    def begin(self) -> None:
        """Like `start`, without waiting."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_connected())

    async def consume(self, service: str, table: HandlerTable) -> None:
        """Handle a service's queue by its table, on this connection and every later one."""
        consumer = Consumer(
            service,
            Dispatcher(table),
            publisher=self.publisher,
            retry=self._retry,
            clock=self._clock,
            meter=self._meter,
        )
        subscription = _Subscription(service, consumer)
        self._subscriptions.append(subscription)
        if self.ready and self._connection is not None:
            await self._subscribe(self._connection, subscription)

    async def ping(self) -> None:
        """Return when the broker answers. Raises ConnectionError otherwise."""
        connection = self._connection
        if not self.ready or connection is None or connection.is_closed:
            raise ConnectionError("no connection to the broker")
        channel = await connection.channel(publisher_confirms=False)
        await channel.close()

    async def drain(self, seconds: float) -> None:
        """Stop consuming and finish what is in hand; publishing goes on."""
        subscriptions, self._subscriptions = self._subscriptions, []  # a new connection must not take them up again
        await asyncio.gather(*(each.consumer.drain(seconds) for each in subscriptions))

    async def close(self) -> None:
        """Leave."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._up.clear()
        self.publisher.detach()
        await self._broker.stop()

    async def _keep_connected(self) -> None:
        while True:
            try:
                connection = await self._connect()
                self._lost.clear()
                async with asyncio.timeout(OPEN_TIMEOUT):
                    publishing = await self._open(connection)
            except Exception as error:  # noqa: BLE001 - whatever the reason, the next attempt may succeed
                log.warning("no connection to the broker", extra={"error": type(error).__name__})
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            log.info("connected to the broker")
            await self._until_lost(connection, publishing)
            log.warning("connection to the broker lost")

    async def _connect(self) -> AbstractConnection:
        """The living connection beneath FastStream's, once there is one."""
        robust = await self._broker.connect()
        while True:
            transport = robust.transport
            if transport is not None and not transport.connection.is_closed:
                return transport.connection
            await asyncio.sleep(RECONNECT_SECONDS / 10)

    async def _open(self, connection: AbstractConnection) -> Channel:
        """Declare what is missing, then open the channels: publishing first, because handlers answer."""
        major = int(str(connection.server_properties.get("version", "3")).split(".", 1)[0])
        self.differences = await declare(connection, topology(self._services, broker_major=major))
        for difference in self.differences:
            log.warning("the broker's topology differs", extra={"queue": difference.name, "error": difference.reason})
        self._connection = connection
        publishing = await _open_channel(connection, publisher_confirms=True)
        self.publisher.attach(publishing)
        for subscription in self._subscriptions:
            await self._subscribe(connection, subscription)
        self._up.set()
        return publishing

    async def _subscribe(self, connection: AbstractConnection, subscription: _Subscription) -> None:
        """Consume the work queue in bulk, and the suspects one at a time."""
        queues = {subscription.service: self._prefetch, suspect_queue(subscription.service): 1}
        for queue, prefetch in queues.items():
            channel = await _open_channel(connection, publisher_confirms=False)
            channel.closing.add_done_callback(lambda _: self._lost.set())
            channel.on_consumer_cancel_callbacks.add(lambda _: self._lost.set())
            await subscription.consumer.attach(channel, queue, prefetch)

    async def _until_lost(self, connection: AbstractConnection, publishing: Channel) -> None:
        """Return when the connection, or a channel on it, is gone."""
        for closing in (connection.closing, publishing.closing):
            closing.add_done_callback(lambda _: self._lost.set())
        await self._lost.wait()
        self._up.clear()
        self.publisher.detach()
        if not connection.is_closed:
            # Only a channel went: begin again on a fresh connection, so that nothing is half open.
            with contextlib.suppress(Exception):
                await connection.close()


async def _open_channel(connection: AbstractConnection, *, publisher_confirms: bool) -> Channel:
    channel = await connection.channel(publisher_confirms=publisher_confirms, on_return_raises=True)
    if not isinstance(channel, Channel):
        raise TypeError(f"expected an aiormq channel, not {type(channel).__name__}")
    return channel
