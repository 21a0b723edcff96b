"""Declaring the topology: what is missing is made, what is there is taken as it is, and differences are told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelPreconditionFailed
from faststream.rabbit import RabbitExchange, RabbitQueue

from shared.bus.topology import Topology

AT_ONCE: Final = 20
"""Queues that are declared side by side: one after the other, hundreds of quorum queues take a quarter of a minute."""


@dataclass(frozen=True)
class Difference:
    """An exchange or queue that exists with other arguments than described."""

    name: str
    reason: str


async def declare(connection: AbstractConnection, topology: Topology) -> list[Difference]:
    """Make whatever is missing and may be made. Returns what differs; only `milesaga topology apply` changes that.

    A service's own user may make its own queues alone; whoever makes such users has made everything else.
    """
    differences: list[Difference] = []
    channel = await connection.channel(publisher_confirms=False)
    described: tuple[RabbitExchange | RabbitQueue, ...] = (*topology.exchanges, *topology.queues)
    for item in described:
        try:
            await _declare(channel, item)
        except ChannelPreconditionFailed as error:  # the broker closes the channel with it
            differences.append(Difference(item.name, str(error)))
            channel = await connection.channel(publisher_confirms=False)
        except ChannelAccessRefused:
            channel = await connection.channel(publisher_confirms=False)
    for binding in topology.bindings:
        try:
            await channel.queue_bind(binding.queue, binding.exchange, binding.pattern)
        except ChannelAccessRefused:
            channel = await connection.channel(publisher_confirms=False)
    await channel.close()
    return differences


async def declare_queues(connection: AbstractConnection, queues: Sequence[RabbitQueue]) -> list[Difference]:
    """Make those that are missing, many at once. Returns what differs. Raises whatever the broker refuses with."""
    waiting = list(reversed(queues))
    differences: list[Difference] = []

    async def some() -> None:
        channel = await connection.channel(publisher_confirms=False)
        while waiting:
            queue = waiting.pop()
            try:
                await _declare(channel, queue)
            except ChannelPreconditionFailed as error:  # the broker closes the channel with it
                differences.append(Difference(queue.name, str(error)))
                channel = await connection.channel(publisher_confirms=False)
        await channel.close()

    await asyncio.gather(*(some() for _ in range(min(AT_ONCE, len(waiting)))))
    return differences


async def _declare(channel: AbstractChannel, item: RabbitExchange | RabbitQueue) -> None:
    if isinstance(item, RabbitExchange):
        await channel.exchange_declare(item.name, exchange_type=item.type.value, durable=item.durable)
    else:
        await channel.queue_declare(item.name, durable=item.durable, arguments=item.arguments)
