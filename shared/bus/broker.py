"""The bus of one process: one connection, one confirming publisher, a consumer for each service's queue.

FastStream's broker holds the connection and comes back after a loss; the topology is written in its terms. Publishing
and the work queues run on channels of their own beneath it, which are opened anew on every connection.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from faststream.rabbit import RabbitBroker

from shared.bus import decoding, wire
from shared.bus.consumer import Consumer
from shared.bus.declaring import Difference, declare, declare_queues
from shared.bus.dispatch import NO_TAKERS, NOBODY_TOLD, Dispatcher, HandlerTable, Misread, Taker
from shared.bus.installation import OtherInstallation, claim
from shared.bus.measuring import Depth, depths
from shared.bus.probing import QUEUES, probe, probe_queue
from shared.bus.publisher import ConfirmingPublisher
from shared.bus.reading import ChannelReader
from shared.bus.retry import RetryPolicy
from shared.bus.standing import BrokerAway, Reader, Reading, Target
from shared.bus.telling import broker_time
from shared.bus.topology import Queues, suspect_queue, target_queues, topology
from shared.bus.wire import AbstractConnection, AMQPError, Channel
from shared.contracts.messages import Message
from shared.kernel.clock import Clock
from shared.kernel.meter import Meter, NoMeter

log = logging.getLogger(__name__)

PREFETCH = 200
RECONNECT_SECONDS = 1.0
CONNECT_TIMEOUT = 5.0
"""Seconds of one attempt. A broker that moved leaves an address behind that answers nothing: by TCP's own patience an
attempt there would last for a minute and more after the broker is back."""
OPEN_TIMEOUT = 20.0
DECLARE_PAUSE = 10.0


@dataclass(frozen=True)
class _Subscription:
    service: str
    consumer: Consumer
    installation: str | None
    prefetch: int


class Bus:
    """Connects, declares, publishes and consumes; and goes on when the broker was away."""

    def __init__(
        self,
        url: str,
        queues: Queues,
        *,
        clock: Clock,
        retry: RetryPolicy,
        meter: Meter | None = None,
        prefetch: int = PREFETCH,
    ) -> None:
        """`queues` are all there are, other processes' too."""
        decoding.install()
        self._broker = RabbitBroker(url, logger=None, timeout=CONNECT_TIMEOUT, reconnect_interval=RECONNECT_SECONDS)
        self._clock = clock
        self._retry = retry
        self._meter = meter or NoMeter()
        self._prefetch = prefetch
        self._queues = queues
        self._own = secrets.token_hex(6)
        self._probed = 0
        self._subscriptions: list[_Subscription] = []
        self._readers: list[ChannelReader] = []
        self._draining = False
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._barred = asyncio.Event()
        self._bar: OtherInstallation | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._declaring: asyncio.Task[None] | None = None
        self.publisher = ConfirmingPublisher(on_unroutable=self._declare_soon)
        self.differences: Sequence[Difference] = ()
        self.connections = 0
        """That came up."""

    @property
    def ready(self) -> bool:
        """Connected, declared, consuming."""
        return self._up.is_set()

    async def start(self) -> None:
        """Return when the bus is up. Where the broker is away, keep trying until it is there; where it is another
        stack's, that is for ever: see `barred`."""
        self.begin()
        await self._up.wait()

    def begin(self) -> None:
        """Like `start`, without waiting."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_connected())

    async def barred(self) -> None:
        """Never return. Raises OtherInstallation when the broker turns out to be another stack's: the bus has ended."""
        await self._barred.wait()
        if self._bar is not None:
            raise self._bar

    async def consume(
        self,
        service: str,
        table: HandlerTable,
        misread: Mapping[type[Message], Misread] = NOBODY_TOLD,
        *,
        takers: Mapping[str, Taker] = NO_TAKERS,
        installation: str | None = None,
        prefetch: int | None = None,
    ) -> None:
        """Handle a service's queue by its table, on this connection and every later one; `misread` hears of messages
        of its types that could not be read; `takers` take whatever comes by their exchanges. `prefetch` is how many it
        may have in hand; None leaves it to the bus.

        Nothing is consumed where the queue is not that of `installation`, the id kept in the service's store: where the
        bus is up this raises OtherInstallation, else `barred` does.
        """
        consumer = Consumer(
            service,
            Dispatcher(table, misread, takers),
            publisher=self.publisher,
            retry=self._retry,
            clock=self._clock,
            meter=self._meter,
        )
        subscription = _Subscription(service, consumer, installation, prefetch or self._prefetch)
        if self.ready and self._connection is not None:
            await _claim(self._connection, subscription)
        self._subscriptions.append(subscription)
        if self.ready and self._connection is not None:
            await self._consume(subscription, await self._channels(self._connection, subscription, self._lost))

    async def ping(self) -> None:
        """Return when the broker takes messages and gives them, by our own queues too. Raises whatever it says else."""
        connection = self._connection
        if not self.ready or connection is None or connection.is_closed:
            raise ConnectionError("no connection to the broker")
        if not self.publisher.connected:
            raise ConnectionError("the broker takes no messages")
        services = [each.service for each in self._subscriptions]
        for name in services[:1]:  # one probe for all: it needs a name that the process's broker user may make
            consumed = [queue for service in services for queue in (service, suspect_queue(service))]
            probed, self._probed = self._probed, (self._probed + 1) % QUEUES
            await probe(connection, probe_queue(name, probed), consumed)
            self._probed = probed  # it answers: no other one is needed

    async def now(self) -> datetime | None:
        """The broker's time, right to half a second; None while it cannot be asked, or nothing is consumed here."""
        connection = self._connection
        services = [each.service for each in self._subscriptions]
        if not self.ready or connection is None or not services:
            return None
        try:
            return await broker_time(connection, f"{services[0]}.clock.{self._own}")
        except Exception:  # noqa: BLE001 - whatever the reason, it tells no time now; that it is away is `ping`'s word
            return None

    async def depths(self, queues: Iterable[str]) -> dict[str, Depth]:
        """Of those of the queues that there are. Raises whatever the broker says else."""
        connection = self._connection
        if not self.ready or connection is None or connection.is_closed:
            raise ConnectionError("no connection to the broker")
        return await depths(connection, queues)

    async def make_targets(self, targets: Sequence[Target]) -> Sequence[Difference]:
        async with self._asked() as connection:
            major = _major(connection)
            queues = [queue for each in targets for queue in target_queues(*each, broker_major=major)]
            return await declare_queues(connection, queues)

    async def standing(self, queues: Iterable[str]) -> Mapping[str, Depth]:
        async with self._asked() as connection:
            return await depths(connection, queues)

    async def bind(self, queue: str, exchange: str, pattern: str) -> None:
        async with self._asked() as connection:
            channel = await connection.channel(publisher_confirms=False)
            await channel.queue_bind(queue, exchange, pattern)
            await channel.close()

    async def unbind(self, queue: str, exchange: str, pattern: str) -> None:
        async with self._asked() as connection:
            channel = await connection.channel(publisher_confirms=False)
            await channel.queue_unbind(queue, exchange, pattern)
            await channel.close()

    async def remove_queue(self, queue: str) -> None:
        async with self._asked() as connection:
            channel = await connection.channel(publisher_confirms=False)
            await channel.queue_delete(queue)
            await channel.close()

    async def read_queue(self, reading: Reading) -> Reader:
        consumer = Consumer(
            reading.service,
            reading.takes,
            publisher=self.publisher,
            retry=reading.passes_on,
            clock=self._clock,
            meter=self._meter,
            queue=reading.queue,
            passed_on=reading.passed_on,
        )
        async with self._asked() as connection:
            reader = await ChannelReader.opened(connection, consumer, reading)
        if self._draining:
            await reader.leave(0)
            raise BrokerAway("the process leaves")
        self._readers = [*(each for each in self._readers if not each.ended), reader]
        return reader

    @contextlib.asynccontextmanager
    async def _asked(self) -> AsyncIterator[AbstractConnection]:
        connection = self._connection
        if not self.ready or connection is None or connection.is_closed:
            raise BrokerAway("no connection to the broker")
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                yield connection
        except (AMQPError, ConnectionError, TimeoutError, RuntimeError) as error:
            raise BrokerAway(f"the broker did not: {type(error).__name__}") from error

    async def drain(self, seconds: float) -> None:
        """Stop consuming and finish what is in hand; publishing goes on."""
        subscriptions, self._subscriptions = self._subscriptions, []  # a new connection must not take them up again
        self._draining = True
        await asyncio.gather(
            *(each.consumer.drain(seconds) for each in subscriptions), *(each.leave(seconds) for each in self._readers)
        )

    async def close(self) -> None:
        """Leave."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._declaring is not None:
            self._declaring.cancel()
        self._up.clear()
        self.publisher.detach()
        await self._broker.stop()

    async def _keep_connected(self) -> None:
        while True:
            try:
                connection = await self._connect()
            except Exception as error:  # noqa: BLE001 - whatever the reason, the next attempt may succeed
                log.warning("no connection to the broker", extra={"error": type(error).__name__})
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                try:
                    await self._use(connection)
                except OtherInstallation as bar:
                    self._bar = bar
                    self._barred.set()
                    return

    async def _use(self, connection: AbstractConnection) -> None:
        """Work on a connection until it, or a channel on it, is gone; leave nothing of it behind."""
        self._lost = lost = asyncio.Event()
        wire.tell_end(connection, lost.set)
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                await self._open(connection, lost)
                channels = [(each, await self._channels(connection, each, lost)) for each in self._subscriptions]
            # Nothing is delivered before everything is open: a backlog would take the time that opening needs.
            self._up.set()
            self.connections += 1
            for subscription, opened in channels:
                await self._consume(subscription, opened)
            log.info("connected to the broker")
            await lost.wait()
            log.warning("connection to the broker lost")
        except OtherInstallation:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("the broker cannot be used", extra={"error": type(error).__name__})
            await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            self._up.clear()
            self.publisher.detach()
            if not connection.is_closed:
                # Only a channel went: begin again on a fresh connection, so that nothing is half open.
                with contextlib.suppress(Exception):
                    await connection.close()

    async def _connect(self) -> AbstractConnection:
        """The living connection beneath FastStream's, once there is one."""
        robust = await self._broker.connect()
        while True:
            if (living := wire.living_connection(robust)) is not None:
                return living
            await asyncio.sleep(RECONNECT_SECONDS / 10)

    async def _open(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """See whose queues they are, declare what is missing, then open the channels: publishing first, because
        handlers answer."""
        for subscription in self._subscriptions:
            await _claim(connection, subscription)
        await self._declare(connection)
        self._connection = connection
        self.publisher.attach(await wire.open_channel(connection, lost.set, confirms=True))

    async def _declare(self, connection: AbstractConnection) -> None:
        self.differences = await declare(connection, topology(self._queues, broker_major=_major(connection)))
        for difference in self.differences:
            log.warning("the broker's topology differs", extra={"queue": difference.name, "error": difference.reason})

    def _declare_soon(self) -> None:
        """A message found no queue: perhaps somebody deleted it. Seldom, because some messages never find one."""
        if self._declaring is None or self._declaring.done():
            self._declaring = asyncio.create_task(self._declare_again())

    async def _declare_again(self) -> None:
        with contextlib.suppress(Exception):  # with the connection gone, the next one declares
            if self._connection is not None:
                await self._declare(self._connection)
        await asyncio.sleep(DECLARE_PAUSE)

    async def _channels(
        self, connection: AbstractConnection, subscription: _Subscription, lost: asyncio.Event
    ) -> dict[str, Channel]:
        """A channel for each of a service's queues: work comes in bulk, suspects one at a time."""
        channels = {}
        for queue, prefetch in (
            (subscription.service, subscription.prefetch),
            (suspect_queue(subscription.service), 1),
        ):
            channels[queue] = await wire.open_channel(connection, lost.set, confirms=False)
            await channels[queue].basic_qos(prefetch_count=prefetch)
        return channels

    async def _consume(self, subscription: _Subscription, channels: Mapping[str, Channel]) -> None:
        for queue, channel in channels.items():
            await subscription.consumer.attach(channel, queue)


def _major(connection: AbstractConnection) -> int:
    """RabbitMQ's version."""
    return int(str(connection.server_properties.get("version", "3")).split(".", 1)[0])


async def _claim(connection: AbstractConnection, subscription: _Subscription) -> None:
    if subscription.installation is not None:
        await claim(connection, subscription.service, subscription.installation)
