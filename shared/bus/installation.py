"""Whose a service's queues are: of two stacks with stores of their own, one alone may consume them.

An exchange that nobody publishes to, `<service>.installation`, bears the id that the service keeps in its store, as the
name of an alternate exchange that is never made: the one argument that every RabbitMQ compares, and tells, when an
exchange is declared again. An exchange is nothing but an entry in the broker's tables: it lives in all of a cluster at
once, and costs nothing.
"""

import re
from collections.abc import Iterable

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

_CURRENT = re.compile(r"but current is '?(?P<name>[^' ]+)")
"""RabbitMQ's words for the argument that is there."""


class OtherInstallation(Exception):
    """A service's queues belong to another stack; `theirs` is its id, empty where the broker does not tell."""

    def __init__(self, service: str, ours: str, theirs: str) -> None:
        super().__init__(
            f"the queues of {service} belong to another stack: "
            f"its installation is {theirs or 'another'}, that of this one's store is {ours}"
        )
        self.service = service
        self.ours = ours
        self.theirs = theirs


class InUse(Exception):
    """Somebody consumes the queues that are to be taken over; the message says which."""


def marker(service: str) -> str:
    return f"{service}.installation"


async def claim(connection: AbstractConnection, service: str, ours: str) -> None:
    """Mark the service's queues as those of `ours`, or find them marked so. Raises OtherInstallation."""
    name = marker(service)
    channel = await connection.channel(publisher_confirms=False)
    try:
        await channel.exchange_declare(
            name,
            exchange_type="fanout",
            durable=True,
            internal=True,
            arguments={"alternate-exchange": f"{name}.{ours}"},  # below the service's name: its user may write there
        )
    except ChannelPreconditionFailed as error:  # the broker closes the channel with it
        found = _CURRENT.search(str(error))
        theirs = found["name"].removeprefix(f"{name}.") if found else ""
        raise OtherInstallation(service, ours, theirs) from error
    await channel.close()


async def release(connection: AbstractConnection, services: Iterable[str]) -> None:
    """Take the marks away: the next process that comes has the queues. Raises InUse where some are consumed."""
    names = tuple(services)
    for service in names:
        if consumers := await _consumers(connection, service):
            raise InUse(f"{service} has {consumers} consumers: stop the stack that has its queues first")
    channel = await connection.channel(publisher_confirms=False)
    for service in names:
        await channel.exchange_delete(marker(service))
    await channel.close()


async def _consumers(connection: AbstractConnection, queue: str) -> int:
    channel = await connection.channel(publisher_confirms=False)
    try:
        found = await channel.queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return 0
    await channel.close()
    return found.consumer_count or 0
