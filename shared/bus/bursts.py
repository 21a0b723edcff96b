"""What a connection brings, read burst by burst: AMQP 0-9-1, sections 2.3.5 (frames), 4.2.5 (values) and 1.8 (basic).

A library that awaits each frame, and two tasks for each, spends most of what a message costs on the way to its handler.
Here all that arrived with one read is taken apart at once. Only what is frequent is understood: deliveries, returns and
confirms on channels that are listened to. Every other frame is handed on as it came, and so is each header that holds
more than texts.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple, Protocol

_FRAME: Final = Struct(">BHI")  # type, channel, size
_METHOD, _HEADER, _BODY, _HEARTBEAT, _END = 1, 2, 3, 8, 0xCE
_KINDS: Final = frozenset((_METHOD, _HEADER, _BODY, _HEARTBEAT))
_AROUND: Final = _FRAME.size + 1
_DELIVER, _RETURN = b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x32"
_ACK, _NACK = b"\x00\x3c\x00\x50", b"\x00\x3c\x00\x78"
_CONTENT: Final = Struct(">HHQH")  # class, weight, body size, property flags
_TAG: Final = Struct(">Q")
_LENGTH: Final = Struct(">I")
_TEXT: Final = 0x53  # "S", a long string
_SHORT, _TABLE, _OCTET = "short", "table", "octet"
_PROPERTIES: Final = (
    (15, "content_type", _SHORT),
    (14, "content_encoding", _SHORT),
    (13, "headers", _TABLE),
    (12, "delivery_mode", _OCTET),
    (11, "priority", _OCTET),
    (10, "correlation_id", _SHORT),
    (9, "reply_to", _SHORT),
    (8, "expiration", _SHORT),
    (7, "message_id", _SHORT),
    (5, "type", _SHORT),
    (4, "user_id", _SHORT),
)
_UNDERSTOOD: Final = sum(1 << bit for bit, _, _ in _PROPERTIES)
"""The flags of those properties. A timestamp is not among them: not everything there is a time."""


class NoFrame(ValueError):
    """What comes is no AMQP: nothing after it can be told apart."""


class Content(NamedTuple):
    """What a content header says, as far as we act on it. `size` is the body's, in bytes."""

    size: int
    headers: Mapping[str, Any]
    message_id: str = ""
    user_id: str = ""


class Named(NamedTuple):
    """What stands before a delivered message: its number on the channel, and where it was published."""

    consumer: str
    tag: int
    redelivered: bool
    exchange: str
    routing_key: str


class Gathering(Protocol):
    """Takes the parts of one message's body as they come."""

    def take(self, part: bytes) -> None: ...

    def end(self) -> tuple[bytes, Mapping[str, str]]:
        """What is kept of the body, and headers that tell so where that is not all of it."""
        ...


class Listener(Protocol):
    """Whoever is told what comes on one channel. It is called while a burst is read: it must not raise, nor dawdle."""

    def delivered(self, named: Named, content: Content, body: bytes) -> None: ...

    def returned(self, content: Content) -> None:
        """No queue took a message that must reach one."""
        ...

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """The broker has a publish, or every one up to it, or (`taken` false) will not have it."""
        ...


@dataclass(frozen=True, slots=True)
class Thorough:
    """Reads what is not understood here: the payloads of a content header and of a delivery, whatever is in them."""

    header: Callable[[bytes], Content]
    named: Callable[[bytes], Named]


@dataclass(slots=True)
class _Message:
    """A message of which parts are still to come."""

    listener: Listener
    named: Named | None
    """None: a returned one."""
    content: Content | None = None
    gathering: Gathering | None = None
    missing: int = 0


@dataclass
class Bursts:
    """Takes apart what one connection brings.

    `listener` finds who listens on a channel, by its number; `gathering` makes what gathers a body of so many bytes.
    """

    listener: Callable[[int], Listener | None]
    gathering: Callable[[int], Gathering]
    thorough: Thorough
    _rest: bytes = b""
    _begun: dict[int, _Message] = field(default_factory=dict)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Tell the listeners what has arrived; gives the frames that are for none of them, each when what stands before
        it was told. Raises NoFrame."""
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        self._rest = b""
        while end - at >= _AROUND:
            kind, channel, size = _FRAME.unpack_from(data, at)
            following = at + size + _AROUND
            if kind not in _KINDS:
                raise NoFrame(f"there is no frame of kind {kind}: {data[at : at + 16]!r}")
            if following > end:
                break
            if data[following - 1] != _END:
                raise NoFrame(f"no frame ends where one of {size} bytes should: {data[at : at + 16]!r}")
            payload = data[at + _FRAME.size : following - 1]
            try:
                understood = self._understood(kind, channel, payload)
            except (IndexError, struct.error) as error:
                raise NoFrame(f"a frame is cut short: {payload[:16]!r}") from error
            if not understood:
                yield data[at:following]
            at = following
        self._rest = data[at:]

    def _understood(self, kind: int, channel: int, payload: bytes) -> bool:
        if kind == _METHOD:
            return self._method(channel, payload)
        message = self._begun.get(channel)
        if message is None:
            return False
        if kind == _HEADER and message.content is None:
            self._header(channel, message, payload)
        elif kind == _BODY and message.content is not None:
            self._body(channel, message, message.content, payload)
        else:
            raise NoFrame(f"a frame of kind {kind} within a message")
        return True

    def _method(self, channel: int, payload: bytes) -> bool:
        self._begun.pop(channel, None)  # a channel that was closed in the middle of a message, and opened again
        listener = self.listener(channel)
        if listener is None:
            return False
        method = payload[:4]
        if method == _DELIVER:
            self._begun[channel] = _Message(listener, self._delivery(payload))
        elif method == _RETURN:
            self._begun[channel] = _Message(listener, None)
        elif method in {_ACK, _NACK}:
            multiple = bool(payload[12] & 1)
            listener.confirmed(_TAG.unpack_from(payload, 4)[0], multiple=multiple, taken=method == _ACK)
        else:
            return False
        return True

    def _header(self, channel: int, message: _Message, payload: bytes) -> None:
        content = message.content = read_content(payload) or self.thorough.header(payload)
        message.missing = content.size
        if not content.size:
            self._end(channel, message, content, b"")

    def _body(self, channel: int, message: _Message, content: Content, payload: bytes) -> None:
        gathering = message.gathering or self.gathering(content.size)
        gathering.take(payload)
        message.gathering = gathering
        message.missing -= len(payload)
        if message.missing <= 0:
            body, told = gathering.end()
            kept = content._replace(headers={**content.headers, **told}) if told else content
            self._end(channel, message, kept, body)

    def _end(self, channel: int, message: _Message, content: Content, body: bytes) -> None:
        del self._begun[channel]
        if message.named is None:
            message.listener.returned(content)
        else:
            message.listener.delivered(message.named, content, body)

    def _delivery(self, payload: bytes) -> Named:
        try:
            consumer, at = _short(payload, 4)
            tag = _TAG.unpack_from(payload, at)[0]
            redelivered = bool(payload[at + 8] & 1)
            exchange, at = _short(payload, at + 9)
            routing_key, _ = _short(payload, at)
        except UnicodeDecodeError:
            return self.thorough.named(payload)
        return Named(consumer, tag, redelivered, exchange, routing_key)


def read_content(payload: bytes) -> Content | None:
    """A content header whose properties are the usual ones and whose headers are texts; None: read it thoroughly."""
    _, _, size, flags = _CONTENT.unpack_from(payload)
    if flags & ~_UNDERSTOOD:
        return None
    found: dict[str, Any] = {}
    at = _CONTENT.size
    try:
        for name, kind in _present(flags):
            if kind is _SHORT:
                found[name], at = _short(payload, at)
            elif kind is _TABLE:
                texts, at = _texts(payload, at)
                if texts is None:
                    return None
                found[name] = texts
            else:
                at += 1
    except (UnicodeDecodeError, IndexError, struct.error):
        return None
    if at != len(payload):
        return None
    return Content(size, found.get("headers", {}), found.get("message_id", ""), found.get("user_id", ""))


@lru_cache(maxsize=100)
def _present(flags: int) -> Sequence[tuple[str, str]]:
    return [(name, kind) for bit, name, kind in _PROPERTIES if flags >> bit & 1]


def _texts(payload: bytes, at: int) -> tuple[dict[str, str] | None, int]:
    """A table of texts, and where it ends; None where something else is in it."""
    start = at + 4
    end = start + int.from_bytes(payload[at:start])
    found: dict[str, str] = {}
    at = start
    while at < end:
        name, at = _short(payload, at)
        if payload[at] != _TEXT:
            return None, end
        start = at + 5
        at = start + _LENGTH.unpack_from(payload, at + 1)[0]
        found[name] = payload[start:at].decode()
    return (found if at == end else None), end


def _short(payload: bytes, at: int) -> tuple[str, int]:
    start = at + 1
    end = start + payload[at]
    return payload[start:end].decode(), end
