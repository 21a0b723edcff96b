"""Bindings that an older release made and this one does not describe: told, and on demand removed.

A queue keeps what it has; no more comes by such a binding. What a process of the older release still needs is not to be
known from the broker, but a queue of a service that we do not have is left alone while somebody consumes it.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from aiormq.abc import AbstractConnection
from aiormq.exceptions import ChannelNotFoundEntity

from shared.bus.installation import marker
from shared.bus.topology import Binding, Topology


@dataclass(frozen=True)
class LeftBinding:
    """One that is there and not described. `messages` wait in its queue, and `consumers` take from it, where the queue
    is of a service that this house does not have (any more); both are 0 where it has."""

    binding: Binding
    messages: int = 0
    consumers: int = 0

    @property
    def name(self) -> str:
        return f"binding {self.binding.exchange} {self.binding.pattern} of {self.binding.queue}"

    @property
    def act(self) -> str:
        """What would be done, whatever lies in the queue at the moment."""
        return f"{self.name}: remove it"

    def __str__(self) -> str:
        lies = f" ({self.messages} messages stay in {self.binding.queue})" if self.messages else ""
        busy = f", while nobody consumes {self.binding.queue}" if self.consumers else ""
        return f"{self.name}: not described; to do: remove it{lies}{busy}"

    def told(self) -> dict[str, Any]:
        return {"kind": "binding", "state": "left over", "to_do": "unbind", **vars(self.binding)}


async def left_over(
    connection: AbstractConnection,
    described: Topology,
    listed: Iterable[Binding],
    own: Container[tuple[str, str]] = (),
) -> list[LeftBinding]:
    """Those of the listed that go from an exchange of ours to a queue of ours, or of a service that was once ours;
    but for queues and exchanges of `own`, between which a service binds by itself."""
    exchanges = {each.name for each in described.exchanges}
    queues = {each.name for each in described.queues}
    found = []
    for each in sorted(set(listed) - set(described.bindings), key=lambda one: (one.queue, one.exchange, one.pattern)):
        if (each.queue, each.exchange) in own:
            continue
        if each.exchange in exchanges and each.queue in queues:
            found.append(LeftBinding(each))
        elif each.exchange in exchanges and await _is_a_service(connection, each.queue):
            found.append(LeftBinding(each, *await _count(connection, each.queue)))
    return found


async def without(connection: AbstractConnection, left: LeftBinding) -> str:
    """Remove it, unless somebody needs it; what was done, as a sentence."""
    binding = left.binding
    if left.consumers:
        return f"{left.name}: stays: {binding.queue} has {left.consumers} consumers, of a release that needs it"
    channel = await connection.channel(publisher_confirms=False)
    await channel.queue_unbind(binding.queue, binding.exchange, binding.pattern)
    await channel.close()
    return f"{left.name}: removed"


async def _is_a_service(connection: AbstractConnection, queue: str) -> bool:
    """It bears an installation's mark, as partners' queues never do."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        await channel.exchange_declare(marker(queue), passive=True)
    except ChannelNotFoundEntity:  # the broker closes the channel with it
        return False
    await channel.close()
    return True


async def _count(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    channel = await connection.channel(publisher_confirms=False)
    try:
        found = await channel.queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:  # it went meanwhile, and its bindings with it
        return 0, 0
    await channel.close()
    return found.message_count or 0, found.consumer_count or 0
