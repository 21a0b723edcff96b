"""The one place that reaches into aiormq and pamqp below what they promise: a channel's queue of writes, its
confirmations, and how what arrives is decoded.

Its own `basic_publish` and `basic_ack` await a lock and a write for every message, which costs ten times the CPU. Here
many messages, or many acknowledgements, go into the queue as one write. What is reached stands in `REACHED`; for which
releases that holds is bounded in pyproject.toml, and a new one is taken in when the tests have seen it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias
from weakref import WeakSet

from aio_pika.abc import AbstractRobustConnection
from aiormq.abc import AbstractConnection, ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import AMQPError, PublishError
from pamqp import commands, decode
from pamqp.body import ContentBody
from pamqp.header import ContentHeader as Header

REACHED: Final = frozenset(
    {
        "_Connection__connection_unblocked",
        "_get_frame",
        "_read_content",
        "closing",
        "confirmations",
        "create_future",
        "delivery_tag",
        "embedded_value",
        "flags",
        "max_content_size",
        "message_id_delivery_tag",
        "number",
        "on_consumer_cancel_callbacks",
        "transport",
        "unmarshal",
        "write_queue",
    }
)
"""What is used of aiormq's channel and connection, of aio-pika's connection (`transport`) and of pamqp's decoders
(`unmarshal`, `flags`, `embedded_value`) that they do not document."""

Named: TypeAlias = commands.Basic.Deliver | commands.Basic.GetOk | commands.Basic.Return
"""What names the exchange and the routing key of a message that comes to us."""
Properties: TypeAlias = commands.Basic.Properties
Deliver: TypeAlias = commands.Basic.Deliver
Return: TypeAlias = commands.Basic.Return
PROPERTY_FLAGS: Final[dict[str, int]] = Properties.flags
"""The bit of each property in the flags before them."""

_strict_header: Final = Header.unmarshal
_strict_named: Final[dict[type[Any], Callable[[Any, bytes], None]]] = {
    kind: kind.unmarshal for kind in (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return)
}


_read_whole: Final[WeakSet[AbstractConnection]] = WeakSet()


class Gathering(Protocol):
    """Takes the parts of one message's body as they come."""

    def take(self, part: bytes) -> None: ...

    def end(self) -> bytes:
        """What is kept of the body."""
        ...


class _Everything:
    """Gathers a body as it is, however large."""

    def __init__(self) -> None:
        self._body = bytearray()

    def take(self, part: bytes) -> None:
        self._body += part

    def end(self) -> bytes:
        return bytes(self._body)


Confirmation: TypeAlias = "asyncio.Future[object]"
"""Done when the broker has the message; fails with `PublishError` for one that no queue took."""

__all__ = [
    "AMQPError",
    "AbstractConnection",
    "Channel",
    "Confirmation",
    "Deliver",
    "DeliveredMessage",
    "Header",
    "Properties",
    "PublishError",
    "Return",
]


def decode_by(
    header: Callable[[Header, bytes], None],
    named: Callable[[Any, bytes], None],
    gathering: Callable[[Header], Gathering],
) -> None:
    """Have every connection of this process read message headers, and methods that name exchange and routing key, by
    these, and gather each body by what `gathering` makes for its header."""

    async def read_content(self: Channel, method: Any, content: Header) -> DeliveredMessage:
        """aiormq's own, except for who gathers."""
        whole = self.connection in _read_whole
        body, missing = _Everything() if whole else gathering(content), content.body_size
        while missing > 0:
            part = await self._get_frame()
            if not isinstance(part, ContentBody):
                raise TypeError(f"expected a part of a body, not {part!r}")
            missing -= len(part.value)
            body.take(part.value)
        return DeliveredMessage(delivery=method, header=content, body=body.end(), channel=self)

    Header.unmarshal = header  # type: ignore[assignment]
    for kind in _strict_named:
        kind.unmarshal = named
    Channel._read_content = read_content  # type: ignore[assignment]  # noqa: SLF001 - aiormq offers no other place


def read_whole(connection: AbstractConnection) -> None:
    """Have this connection gather bodies as they are: for whoever passes messages on, and reads none."""
    _read_whole.add(connection)


def decode_header(header: Header, data: bytes) -> None:
    """pamqp's own decoding, which raises at some bytes."""
    _strict_header(header, data)


def decode_named(method: Named, data: bytes) -> None:
    """pamqp's own decoding, as above."""
    _strict_named[type(method)](method, data)


def decode_value(raw: bytes) -> Any:
    """The value of one field of a table; pamqp's own decoding, as above."""
    return decode.embedded_value(raw)[1]


def living_connection(robust: AbstractRobustConnection) -> AbstractConnection | None:
    """aiormq's connection beneath aio-pika's, while there is one."""
    transport = robust.transport
    return transport.connection if transport is not None and not transport.connection.is_closed else None


def tell_end(of: AbstractConnection | Channel, told: Callable[[], None]) -> None:
    """Call `told` once the connection or channel is gone."""
    of.closing.add_done_callback(lambda _: told())


async def open_channel(connection: AbstractConnection, lost: Callable[[], None], *, confirms: bool) -> Channel:
    """A channel whose end, or whose consumer's, is told to `lost`."""
    channel = _channel(await connection.channel(publisher_confirms=confirms, on_return_raises=True))
    tell_end(channel, lost)
    channel.on_consumer_cancel_callbacks.add(lambda _: lost())
    return channel


def channel_of(delivered: DeliveredMessage) -> Channel:
    """The channel that a message came on."""
    return _channel(delivered.channel)


def has_room(channel: Channel) -> bool:
    """May something be written now? All channels of a connection share ten places; its writer tells nobody of room."""
    return not channel.write_queue.full()


def is_blocked(channel: Channel) -> bool:
    """Has the broker said, by `connection.blocked`, that it takes nothing for now?"""
    connection: Any = channel.connection
    return not connection._Connection__connection_unblocked.is_set()  # noqa: SLF001 - aiormq tells nobody otherwise


def write(channel: Channel, payload: bytes) -> None:
    """Whole frames, in one write, when there is room."""
    channel.write_queue.put_nowait(ChannelFrame(payload=payload, should_close=False))


def acknowledge(channel: Channel, through: int, alone: Sequence[int]) -> None:
    """Every delivery up to `through` (0: none) and each of `alone`, in one write, when there is room."""
    frames = [commands.Basic.Ack(delivery_tag=through, multiple=True)] if through else []
    frames += (commands.Basic.Ack(delivery_tag=tag) for tag in alone)
    channel.write_queue.put_nowait(ChannelFrame.marshall(channel.number, frames))


def largest_body(channel: Channel) -> int:
    """Bytes that one frame may carry, by what client and broker agreed on."""
    return channel.max_content_size


def next_tag(channel: Channel) -> int:
    """The number that the broker will give the channel's next publish."""
    return channel.delivery_tag + 1


def is_under_way(channel: Channel, amqp_id: str) -> bool:
    """Is a message with this id published and not confirmed? One that comes back is known by its id alone."""
    return amqp_id in channel.message_id_delivery_tag


def promise(channel: Channel, amqp_id: str, *, mandatory: bool) -> Confirmation:
    """Count one publish, whose frames are written next, and wait for what the broker says of it."""
    tag = channel.delivery_tag = channel.delivery_tag + 1
    confirmation: Confirmation = channel.create_future()
    channel.confirmations[tag] = confirmation
    if mandatory:
        channel.message_id_delivery_tag[amqp_id] = tag
    confirmation.add_done_callback(lambda _: channel.message_id_delivery_tag.pop(amqp_id, None))
    return confirmation


def _channel(found: object) -> Channel:
    if not isinstance(found, Channel):
        raise TypeError(f"expected an aiormq channel, not {type(found).__name__}")
    return found
