"""The one place that reaches into aiormq and pamqp below what they promise: a channel's queue of writes, and how what
arrives is read and decoded.

Its own `basic_publish` and `basic_ack` await a lock and a write for every message, and its reader wakes two tasks for
every frame, which costs many times the CPU. Here many messages, or many acknowledgements, go into the queue as one
write, and all that arrives with one read is taken apart at once. What is reached stands in `REACHED`; for which
releases that holds is bounded in pyproject.toml, and a new one is taken in when the tests have seen it.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

import aiormq.connection
from aio_pika.abc import AbstractRobustConnection
from aiormq.abc import AbstractConnection, ChannelFrame, DeliveredMessage
from aiormq.channel import Channel
from aiormq.connection import Connection, FrameReceiver
from aiormq.exceptions import AMQPConnectionError, AMQPError, InvalidFrameError
from pamqp import commands, decode
from pamqp.body import ContentBody
from pamqp.exceptions import PAMQPException
from pamqp.frame import unmarshal
from pamqp.header import ContentHeader as Header

from shared.bus.bursts import Bursts, Content, Gathering, Listener, Named, NoFrame, Thorough

REACHED: Final = frozenset(
    {
        "FrameReceiver",
        "_Connection__connection_unblocked",
        "_Connection__last_frame_time",
        "_Connection__reader",
        "_get_frame",
        "_read_content",
        "channels",
        "closing",
        "embedded_value",
        "flags",
        "max_content_size",
        "number",
        "on_consumer_cancel_callbacks",
        "transport",
        "unmarshal",
        "write_queue",
    }
)
"""What is used of aiormq's channel and connection, of aio-pika's connection (`transport`) and of pamqp's decoders
(`unmarshal`, `flags`, `embedded_value`) that they do not document."""

Naming: TypeAlias = commands.Basic.Deliver | commands.Basic.GetOk | commands.Basic.Return
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


_strict_read: Final = Connection._Connection__reader  # type: ignore[attr-defined]  # noqa: SLF001 - see `_read`

BURST: Final = 262_144
"""Bytes that one read takes at most."""

_read_here: Final[WeakSet[AbstractConnection]] = WeakSet()
_read_whole: Final[WeakSet[AbstractConnection]] = WeakSet()
_listeners: Final[WeakKeyDictionary[Channel, Listener]] = WeakKeyDictionary()


class _Everything:
    """Gathers a body as it is, however large."""

    def __init__(self) -> None:
        self._body = bytearray()

    def take(self, part: bytes) -> None:
        self._body += part

    def end(self) -> tuple[bytes, Mapping[str, str]]:
        return bytes(self._body), {}


_gathering: Callable[[int], Gathering] = lambda _size: _Everything()  # noqa: E731 - until `decode_by` says another


class Delivery(NamedTuple):
    """A message that came to us on a channel, under its number there. `user_id` is the one that the broker checked;
    empty when the message names none."""

    channel: Channel
    tag: int
    exchange: str
    routing_key: str
    headers: Mapping[str, Any]
    user_id: str
    body: bytes


__all__ = [
    "AMQPError",
    "AbstractConnection",
    "Channel",
    "Deliver",
    "DeliveredMessage",
    "Header",
    "Properties",
    "Return",
]


def decode_by(
    header: Callable[[Header, bytes], None],
    named: Callable[[Any, bytes], None],
    gathering: Callable[[int], Gathering],
) -> None:
    """Have every connection of this process read message headers, and methods that name exchange and routing key, by
    these where more than the usual is in them, and gather each body by what `gathering` makes for its size."""
    global _gathering  # noqa: PLW0603 - as the classes below: there is one way of reading in a process
    _gathering = gathering
    Header.unmarshal = header  # type: ignore[assignment]
    for kind in _strict_named:
        kind.unmarshal = named


async def _read_content(self: Channel, method: Any, content: Header) -> DeliveredMessage:
    """aiormq's own, for a channel that nobody listens on, except for who gathers."""
    gathering = _Everything() if self.connection in _read_whole else _gather(content.body_size)
    missing = content.body_size
    while missing > 0:
        part = await self._get_frame()
        if not isinstance(part, ContentBody):
            raise TypeError(f"expected a part of a body, not {part!r}")
        missing -= len(part.value)
        gathering.take(part.value)
    body, told = gathering.end()
    if told:
        content.properties.headers = {**(content.properties.headers or {}), **told}
    return DeliveredMessage(delivery=method, header=content, body=body, channel=self)


async def _read(self: Connection, frames: "_Receiver") -> None:
    """aiormq's own, which is told by whom it reads: before, a connection has neither channels nor heartbeats."""
    frames.of = self
    _read_here.add(self)
    await _strict_read(self, frames)


class _Receiver(FrameReceiver):
    """Gives aiormq the frames that are for none of those who listen."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self.of: Any = None
        """The connection, as soon as it reads by itself."""
        self._bursts = Bursts(self._listener, _gather, Thorough(_thorough_header, _thorough_named))
        self._frames: Iterator[bytes] = iter(())

    async def get_frame(self) -> tuple[int, int, Any]:
        """The next frame. Raises what aiormq's own does: AMQPConnectionError, InvalidFrameError."""
        while True:
            try:
                if (frame := next(self._frames, None)) is not None:
                    return unmarshal(frame)
            except (NoFrame, PAMQPException) as error:
                raise InvalidFrameError(str(error)) from error
            self._frames = self._bursts.feed(await self._arrived())

    async def _arrived(self) -> bytes:
        try:
            data = await self.reader.read(BURST)
        except OSError as error:
            raise AMQPConnectionError(f"the connection broke: {error!r}") from error
        if not data:
            raise AMQPConnectionError("the connection was closed by the broker")
        if self.of is not None:
            self.of._Connection__last_frame_time = self.of.loop.time()  # noqa: SLF001 - else it counts as stuck
        return data

    def _listener(self, number: int) -> Listener | None:
        channel = self.of.channels.get(number) if self.of is not None else None
        return _listeners.get(channel) if channel is not None else None


def _gather(size: int) -> Gathering:
    """By whatever is in force when the body comes."""
    return _gathering(size)


def _thorough_header(payload: bytes) -> Content:
    header = Header()
    header.unmarshal(payload)
    found = header.properties
    return Content(header.body_size, found.headers or {}, found.message_id or "", found.user_id or "")


def _thorough_named(payload: bytes) -> Named:
    method = Deliver()
    method.unmarshal(payload[4:])
    names = (method.exchange or "", method.routing_key or "")
    return Named(method.consumer_tag or "", method.delivery_tag or 0, bool(method.redelivered), *names)


def listen(channel: Channel, listener: Listener) -> None:
    """Tell what comes on a channel to `listener`, and not to aiormq: deliveries, returns, confirms."""
    if channel.connection not in _read_here:
        raise RuntimeError("the connection was opened before this module was there: aiormq reads it")
    _listeners[channel] = listener


# For every connection that this process opens from here on.
Channel._read_content = _read_content  # type: ignore[assignment]  # noqa: SLF001 - aiormq offers no other place
Connection._Connection__reader = _read  # type: ignore[attr-defined]  # noqa: SLF001 - as above
aiormq.connection.FrameReceiver = _Receiver  # type: ignore[misc]


def read_whole(connection: AbstractConnection) -> None:
    """Have this connection gather bodies as they are: for whoever passes messages on, and reads none."""
    _read_whole.add(connection)


def decode_header(header: Header, data: bytes) -> None:
    """pamqp's own decoding, which raises at some bytes."""
    _strict_header(header, data)


def decode_named(method: Naming, data: bytes) -> None:
    """pamqp's own decoding, as above."""
    _strict_named[type(method)](method, data)


def decode_value(raw: bytes) -> Any:
    """The value of one field of a table; pamqp's own decoding, as above."""
    return decode.embedded_value(raw)[1]


def living_connection(robust: AbstractRobustConnection) -> AbstractConnection | None:
    """aiormq's connection beneath aio-pika's, while there is one."""
    transport = robust.transport
    return transport.connection if transport is not None and not transport.connection.is_closed else None


async def consume(channel: Channel, queue: str, take: Callable[[Delivery], None]) -> str:
    """Have each message of a queue given to `take` at once, on a channel for that alone; the consumer's tag."""
    listen(channel, _Taking(channel, take))
    ok = await channel.basic_consume(queue, _given_to_nobody)
    return ok.consumer_tag or ""


class _Taking:
    """Listens on a channel that is consumed from."""

    def __init__(self, channel: Channel, take: Callable[[Delivery], None]) -> None:
        self._channel = channel
        self._take = take

    def delivered(self, named: Named, content: Content, body: bytes) -> None:
        names = (named.exchange, named.routing_key)
        self._take(Delivery(self._channel, named.tag, *names, content.headers, content.user_id, body))

    def returned(self, content: Content) -> None:
        """Nothing is published here."""

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """As above."""


async def _given_to_nobody(_: DeliveredMessage) -> None:
    """aiormq sees no delivery on a channel that is listened on."""


def tell_end(of: AbstractConnection | Channel, told: Callable[[], None]) -> None:
    """Call `told` once the connection or channel is gone."""
    of.closing.add_done_callback(lambda _: told())


async def open_channel(connection: AbstractConnection, lost: Callable[[], None], *, confirms: bool) -> Channel:
    """A channel whose end, or whose consumer's, is told to `lost`."""
    channel = _channel(await connection.channel(publisher_confirms=confirms, on_return_raises=True))
    tell_end(channel, lost)
    channel.on_consumer_cancel_callbacks.add(lambda _: lost())
    return channel


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


def _channel(found: object) -> Channel:
    if not isinstance(found, Channel):
        raise TypeError(f"expected an aiormq channel, not {type(found).__name__}")
    return found
