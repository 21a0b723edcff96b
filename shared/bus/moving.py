"""A queue with other arguments than described, made anew without losing what is in it. AMQP changes no queue that is
there, so its messages wait in another, `<queue>.moving`, while it is deleted and declared as described.

Nothing is ever in one place alone before the other has confirmed it, and every step may be done again: interrupted
anywhere, the next `move` goes on. Then some messages are there twice, which is harmless to whoever takes effect once.

- The other queue is bound first, and the old one unbound after that: what comes meanwhile reaches at least one.
- A quorum queue knows no "delete if empty". What comes at the last moment is delivered to us, who consume it until it
  is gone: a confirmed message stands before the deletion in the queue's own log, and so does its delivery.
- A service's queues are moved while nobody consumes its work: nobody has a message in hand that goes with the queue,
  and nobody writes to its dead letters.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
from aiormq.abc import AbstractConnection
from aiormq.exceptions import AMQPError, ChannelLockedResource, ChannelNotFoundEntity
from faststream.rabbit import RabbitQueue

from shared.bus import decoding, wire
from shared.bus import headers as names
from shared.bus.arrival import OUR_OWN, Arrival, arrival
from shared.bus.dead_letters import travelling
from shared.bus.declaring import declare
from shared.bus.headers import carried
from shared.bus.outbox import NotPublished
from shared.bus.publisher import ConfirmingPublisher
from shared.bus.retry import origin
from shared.bus.topology import TIERS, Binding, Topology, dead_queue, suspect_queue, tier_exchange, turn_queue
from shared.bus.wire import DeliveredMessage
from shared.contracts.cloudevents import text_of
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids

IN_HAND = 50
"""Messages on their way at once; each stands in memory whole, however large."""
LOOK = 0.05
"""Seconds between two looks whether the queue is empty."""
HANDED_ON = 2.0
"""Seconds for RabbitMQ to hand on what expired before; for where that cannot be, see `Mover.move`."""
SILENCE = 30.0
"""Seconds without a message carried, and some there, after which it is given up."""
LOCK = "topology.moving"

_TIERS = {tier_exchange(tier) for tier in TIERS}
_clock = SystemClock()
_ids = Uuid7Ids(_clock)


class NotMoved(Exception):
    """The queue stays as it is, with all that is in it; the message says why."""


def shelter(queue: str) -> str:
    """Where a queue's messages wait; there only while it is moved, or after that was interrupted."""
    return f"{queue}.moving"


@asynccontextmanager
async def one_at_a_time(connection: AbstractConnection, services: Sequence[str]) -> AsyncIterator[None]:
    """Nobody else moves queues, or looks at dead letters, until the block ends. Raises NotMoved."""
    channel = await connection.channel(publisher_confirms=False)
    for name in (LOCK, *map(turn_queue, services)):
        try:
            await channel.queue_declare(name, exclusive=True, auto_delete=True)
        except ChannelLockedResource as error:
            busy = "queues are being moved" if name == LOCK else f"somebody has {name.removesuffix('.turn')} in hand"
            raise NotMoved(f"{busy}: try again when that is done") from error
    try:
        yield
    finally:
        if not channel.is_closed:
            for name in (LOCK, *map(turn_queue, services)):
                await channel.queue_delete(name)
            await channel.close()


class Mover:
    """Moves queues of one topology over one connection."""

    def __init__(self, connection: AbstractConnection, topology: Topology) -> None:
        decoding.install()
        wire.read_whole(connection)
        self._connection = connection
        self._topology = topology
        self._publisher = ConfirmingPublisher()

    async def move(self, queue: RabbitQueue, service: str | None) -> int:
        """Make the queue anew, as described, with what is in it; how many messages were brought back.

        `service` is whose queue it is, None for a delay tier. A tier may be moved beside running services, but not
        within minutes after a queue was missing: what it could not hand on then it keeps out of anybody's reach.
        Raises NotMoved.
        """
        await self._publish_here()
        try:
            if service is not None:
                await self._nobody_works(service)
            brought = 0
            for step in self.steps(queue, service):
                brought = await step()
        except NotMoved:
            with suppress(NotMoved):
                await self.bring_back(queue, service)
            raise
        return brought

    async def bring_back(self, queue: RabbitQueue, service: str | None) -> int:
        """Undo what an interrupted move left: the queue as it is has its bindings and messages; how many came back.
        Raises NotMoved."""
        if await self.aside(queue) is None:
            return 0
        await self._publish_here()
        brought = 0
        for step in self.steps(queue, service)[2:]:
            brought = await step()
        return brought

    async def aside(self, queue: RabbitQueue) -> int | None:
        """How many messages an interrupted move left aside; None where there was none."""
        name = shelter(queue.name)
        return (await self._count(name))[0] if await self._there(name) else None

    async def _publish_here(self) -> None:
        if not self._publisher.connected:
            opened = await wire.open_channel(self._connection, self._publisher.detach, confirms=True)
            self._publisher.attach(opened)

    def steps(self, queue: RabbitQueue, service: str | None) -> tuple[Callable[[], Awaitable[int]], ...]:
        """What is done, in its order. Whoever is interrupted begins with the first one."""
        name = queue.name
        bindings = [each for each in self._topology.bindings if each.queue == name]

        async def open_shelter() -> int:
            channel = await self._connection.channel(publisher_confirms=False)
            await channel.queue_declare(shelter(name), durable=True, arguments=self._unlimited())
            await self._bind(bindings, shelter(name))
            if await self._there(name):
                for each in bindings:
                    await channel.queue_unbind(name, each.exchange, each.pattern)
            await channel.close()
            return 0

        async def empty() -> int:
            if service is None:
                await asyncio.sleep(HANDED_ON)
            return await self._carry_all(name, shelter(name), service) if await self._there(name) else 0

        async def make_anew() -> int:
            await declare(self._connection, self._topology)
            channel = await self._connection.channel(publisher_confirms=False)
            for each in bindings:
                await channel.queue_unbind(shelter(name), each.exchange, each.pattern)
            await channel.close()
            return 0

        async def bring_back() -> int:
            return await self._carry_all(shelter(name), name, service)

        return open_shelter, empty, make_anew, bring_back

    async def _carry_all(self, source: str, target: str, service: str | None) -> int:
        """Carry everything over, and delete the source; how many messages."""
        gone = asyncio.Event()
        channel = await wire.open_channel(self._connection, gone.set, confirms=False)
        try:
            await channel.basic_qos(prefetch_count=IN_HAND)
            load = _Load(self._publisher, lambda delivered: _copy(delivered, source, target, service))
            await channel.basic_consume(source, load.take)
            await self._until_empty(source, load)
            if (others := (await self._count(source))[1] - 1) > 0:
                raise NotMoved(f"{source} has {others} other consumers by now")
            await self._delete(source)
            await gone.wait()
            await load.end()
        finally:
            if not channel.is_closed:
                await channel.close()
        return load.carried

    async def _until_empty(self, source: str, load: "_Load") -> None:
        loop = asyncio.get_running_loop()
        carried, since = load.carried, loop.time()
        while load.in_hand or (await self._count(source))[0]:
            load.check()
            if load.carried != carried:
                carried, since = load.carried, loop.time()
            elif loop.time() - since > SILENCE:
                raise NotMoved(f"{source} gives no messages")
            await asyncio.sleep(LOOK)
        load.check()

    async def _delete(self, queue: str) -> None:
        channel = await self._connection.channel(publisher_confirms=False)
        await channel.queue_delete(queue)
        await channel.close()

    async def _nobody_works(self, service: str) -> None:
        for name in (service, suspect_queue(service)):
            if await self._there(name) and (consumers := (await self._count(name))[1]):
                raise NotMoved(f"{name} has {consumers} consumers: stop {service} first")

    async def _bind(self, bindings: Sequence[Binding], queue: str) -> None:
        channel = await self._connection.channel(publisher_confirms=False)
        for each in bindings:
            await channel.queue_bind(queue, each.exchange, each.pattern)
        await channel.close()

    async def _there(self, queue: str) -> bool:
        channel = await self._connection.channel(publisher_confirms=False)
        try:
            await channel.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:  # the broker closes the channel with it
            return False
        await channel.close()
        return True

    async def _count(self, queue: str) -> tuple[int, int]:
        """Messages that nobody has in hand, and consumers."""
        channel = await self._connection.channel(publisher_confirms=False)
        found = await channel.queue_declare(queue, passive=True)
        await channel.close()
        return found.message_count or 0, found.consumer_count or 0

    def _unlimited(self) -> dict[str, Any]:
        """As for dead letters: RabbitMQ 4 would lose what it delivered to us too often."""
        dead = next(each for each in self._topology.queues if each.name.endswith(dead_queue("")))
        return dict(dead.arguments or {})


class _Load:
    """What is on its way from one queue to another."""

    def __init__(self, publisher: ConfirmingPublisher, copy: Callable[[DeliveredMessage], OutboxMessage]) -> None:
        self._publisher = publisher
        self._copy = copy
        self._fault: Exception | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_hand = 0
        self.carried = 0

    async def take(self, delivered: DeliveredMessage) -> None:
        """Carry one message over: it is acknowledged here when the broker has it there."""
        self.in_hand += 1
        self._idle.clear()
        try:
            await self._publisher.publish([self._copy(delivered)])
            self.carried += 1
            with suppress(AMQPError):  # its queue may be deleted by now
                await delivered.channel.basic_ack(delivered.delivery_tag or 0)
        except (NotPublished, ValueError) as error:
            self._fault = error
        finally:
            self.in_hand -= 1
            if not self.in_hand:
                self._idle.set()

    def check(self) -> None:
        """Raises NotMoved where a message could not be carried."""
        if self._fault is not None:
            raise NotMoved(f"a message could not be carried over: {self._fault}") from self._fault

    async def end(self) -> None:
        """Return when nothing is on its way any more; raises NotMoved as above."""
        await self._idle.wait()
        self.check()


def _copy(delivered: DeliveredMessage, source: str, target: str, service: str | None) -> OutboxMessage:
    """The same message for the other queue, with what its way told of it in headers of ours."""
    properties = delivered.header.properties
    given = dict(properties.headers or {})
    exchange, key = "", target
    if service is None:
        kept = carried(given)
        came_by = kept.pop(names.KEPT_KEY, None) or delivered.routing_key or ""
        if target in _TIERS:
            exchange, key = target, came_by
        else:
            kept[names.KEPT_KEY] = came_by
    elif dead_queue(service) in {source, target}:
        kept = travelling(service, aio_pika.IncomingMessage(delivered))
    else:
        direct = Arrival(delivered.exchange or OUR_OWN, delivered.routing_key or "", given, properties.user_id or "")
        came = arrival(service, direct)
        kept = {**carried(came.headers), **origin(came)}
        if decoding.MARK in given:
            kept[decoding.MARK] = text_of(given[decoding.MARK])
    return OutboxMessage(
        id=properties.message_id or _ids.new(),
        exchange=exchange,
        routing_key=key,
        headers=kept,
        body=delivered.body,
        mandatory=True,
        saved_at=_clock.now(),
    )
