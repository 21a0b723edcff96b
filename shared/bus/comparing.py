"""The described topology beside what is on the broker.

AMQP lets nobody list exchanges, queues or bindings: each described one is asked for by name, without making it.
"""

from dataclasses import dataclass
from enum import Enum

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from faststream.rabbit import RabbitExchange, RabbitQueue

from shared.bus.declaring import declare
from shared.bus.topology import Topology, dead_queue


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
    """The exchange stays as it is; the message says why."""


async def compare(connection: AbstractConnection, topology: Topology) -> list[Found]:
    """Every described exchange and queue, and how it stands. Changes nothing."""
    items: tuple[RabbitExchange | RabbitQueue, ...] = (*topology.exchanges, *topology.queues)
    return [await _find(connection, item) for item in items]


async def recreate(connection: AbstractConnection, topology: Topology, exchange: RabbitExchange) -> None:
    """Delete a differing exchange, and declare it as described. Raises NotRecreated where something is bound to it."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        await channel.exchange_delete(exchange.name, if_unused=True)
    except ChannelPreconditionFailed as error:  # the broker closes the channel with it
        raise NotRecreated("queues are bound to it: remove their bindings first") from error
    await channel.close()
    await declare(connection, topology)


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
