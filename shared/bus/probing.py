"""Whether a broker takes and gives: a connection proves neither, and a queue that is down still lets itself be named.

A node whose disk was full keeps its connections and its list of queues, and confirms nothing any more.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from aiormq.abc import AbstractChannel, AbstractConnection

PROBE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-max-length": 100,  # whoever dies between publish and get leaves one message
    "x-expires": 3_600_000,  # gone an hour after the last look
}


QUEUES: Final = 3
"""A node that is killed while it makes a queue may keep one that never answers again (seen on 3.10): then another one
is probed. No more than these, or a node that is full would be given queues without end."""


def probe_queue(name: str, number: int = 0) -> str:
    return f"{name}.probe.{number}" if number else f"{name}.probe"


async def probe(connection: AbstractConnection, queue: str, consumed: Iterable[str] = ()) -> None:
    """Put a message into a durable queue, have it confirmed, take it out; and find `consumed` queues consumed.

    Raises whatever the broker refuses with, ConnectionError where it is silent about it.
    """
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        for work in consumed:
            if not (await channel.queue_declare(work, passive=True)).consumer_count:
                raise ConnectionError(f"{work} has no consumer: it may be down")
        await channel.queue_declare(queue, durable=True, arguments=PROBE)
        await channel.basic_publish(b"", routing_key=queue, mandatory=True)
        taken = await channel.basic_get(queue, no_ack=True)
        if taken.delivery_tag is None:
            raise ConnectionError("what was confirmed is not there")
    finally:
        if not channel.is_closed:
            _leaving.add(task := asyncio.create_task(_leave(channel)))
            task.add_done_callback(_leaving.discard)


async def _leave(channel: AbstractChannel) -> None:
    """Beside the probe: a broker that is just recovering its queues may answer nothing on the channel for a minute, and
    whoever gave the probe up must not wait for that."""
    with suppress(Exception):
        await channel.close()


_leaving: Final[set[asyncio.Task[None]]] = set()
