"""How many messages and consumers queues have, asked of the broker by AMQP alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in a queue, without what is in consumers' hands, and who consumes it."""

    messages: int
    consumers: int


async def depths(connection: AbstractConnection, queues: Iterable[str]) -> dict[str, Depth]:
    """Of those of the queues that there are."""
    found: dict[str, Depth] = {}
    channel = await connection.channel(publisher_confirms=False)
    try:
        for queue in queues:
            try:
                ok = await channel.queue_declare(queue, passive=True)
            except ChannelNotFoundEntity:  # the broker closes the channel with it
                channel = await connection.channel(publisher_confirms=False)
            else:
                found[queue] = Depth(ok.message_count or 0, ok.consumer_count or 0)
    finally:
        if not channel.is_closed:
            await channel.close()
    return found
