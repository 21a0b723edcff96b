"""The described topology beside what is on the broker, and how to bring a differing queue into line without loss.

AMQP lets nobody list exchanges, queues or bindings: each described one is asked for by name, without making it.
"""

from dataclasses import dataclass
from enum import Enum

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from faststream.rabbit import RabbitExchange, RabbitQueue

from shared.bus.declaring import declare
from shared.bus.topology import Binding, Topology, dead_queue


class State(Enum):
    """How one described thing stands on the broker."""

    PRESENT = "present"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Found:
    """An exchange or queue as found; `reason` is the broker's word for the difference, the counts are of a queue."""

    item: RabbitExchange | RabbitQueue
    state: State
    reason: str = ""
    messages: int = 0
    consumers: int = 0

    @property
    def kind(self) -> str:
        return "exchange" if isinstance(self.item, RabbitExchange) else "queue"

    @property
    def worn_by_looks(self) -> bool:
        """A queue of dead letters from before RabbitMQ 4, which has no word about its limit, and letters in it."""
        dead = isinstance(self.item, RabbitQueue) and self.item.name.endswith(dead_queue(""))
        return dead and self.messages > 0 and "x-delivery-limit" in self.reason


class NotRecreated(Exception):
    """The queue or exchange stays as it is; the message says why."""


async def compare(connection: AbstractConnection, topology: Topology) -> list[Found]:
    """Every described exchange and queue, and how it stands. Changes nothing."""
    items: tuple[RabbitExchange | RabbitQueue, ...] = (*topology.exchanges, *topology.queues)
    return [await _find(connection, item) for item in items]


async def recreate(connection: AbstractConnection, topology: Topology, found: Found) -> None:
    """Delete a differing queue or exchange, and declare it as described. Raises NotRecreated where that could lose
    messages: the queue has some, somebody consumes it, or something is bound to the exchange.

    Its bindings go first, so that nothing new comes while it is deleted: an order that no queue takes is refused to its
    publisher, who keeps it, and a delay tier keeps what it cannot hand on.
    """
    channel = await connection.channel(publisher_confirms=False)
    if isinstance(found.item, RabbitExchange):
        try:
            await channel.exchange_delete(found.item.name, if_unused=True)
        except ChannelPreconditionFailed as error:
            raise NotRecreated("queues are bound to it: remove their bindings first") from error
    else:
        bindings = [binding for binding in topology.bindings if binding.queue == found.item.name]
        for binding in bindings:
            await channel.queue_unbind(binding.queue, binding.exchange, binding.pattern)
        now = await channel.queue_declare(found.item.name, passive=True)
        if now.message_count or now.consumer_count:
            await _bind(connection, bindings)
            raise NotRecreated(
                f"it has {now.message_count} messages and {now.consumer_count} consumers: "
                "stop its service and let it run empty first"
            )
        await channel.queue_delete(found.item.name)  # quorum queues know no "if empty"
    await channel.close()
    await declare(connection, topology)


async def _bind(connection: AbstractConnection, bindings: list[Binding]) -> None:
    channel = await connection.channel(publisher_confirms=False)
    for binding in bindings:
        await channel.queue_bind(binding.queue, binding.exchange, binding.pattern)
    await channel.close()


async def _find(connection: AbstractConnection, item: RabbitExchange | RabbitQueue) -> Found:
    channel = await connection.channel(publisher_confirms=False)
    messages = consumers = 0
    try:
        if isinstance(item, RabbitExchange):
            await channel.exchange_declare(item.name, exchange_type=item.type.value, passive=True)
            await channel.exchange_declare(item.name, exchange_type=item.type.value, durable=item.durable)
        else:
            there = await channel.queue_declare(item.name, passive=True)
            messages, consumers = there.message_count or 0, there.consumer_count or 0
            await channel.queue_declare(item.name, durable=item.durable, arguments=item.arguments)
    except ChannelNotFoundEntity:  # the broker closes the channel with it, as below
        return Found(item, State.MISSING)
    except ChannelPreconditionFailed as error:
        return Found(item, State.DIFFERS, str(error), messages, consumers)
    await channel.close()
    return Found(item, State.PRESENT, "", messages, consumers)
