"""Whether a broker takes and gives: a connection proves neither, and a queue that is down still lets itself be named.

A node whose disk was full keeps its connections and its list of queues, and confirms nothing any more.
"""

from collections.abc import Iterable
from typing import Any, Final

from aiormq.abc import AbstractConnection

PROBE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-max-length": 100,  # whoever dies between publish and get leaves one message
    "x-expires": 3_600_000,  # gone an hour after the last look
}


def probe_queue(name: str) -> str:
    return f"{name}.probe"


async def probe(connection: AbstractConnection, name: str, consumed: Iterable[str] = ()) -> None:
    """Put a message into a durable queue, have it confirmed, take it out; and find `consumed` queues consumed.

    Raises whatever the broker refuses with, ConnectionError where it is silent about it.
    """
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    try:
        for queue in consumed:
            if not (await channel.queue_declare(queue, passive=True)).consumer_count:
                raise ConnectionError(f"{queue} has no consumer: it may be down")
        queue = probe_queue(name)
        await channel.queue_declare(queue, durable=True, arguments=PROBE)
        await channel.basic_publish(b"", routing_key=queue, mandatory=True)
        taken = await channel.basic_get(queue, no_ack=True)
        if taken.delivery_tag is None:
            raise ConnectionError("what was confirmed is not there")
    finally:
        if not channel.is_closed:
            await channel.close()
