"""Reading whatever the broker delivers. It passes on any bytes as headers, properties and routing keys; pamqp, which
decodes for aiormq, raises at some of them, which costs the connection and everybody's work on it.

Here decoding is total: what pamqp cannot read becomes text as far as that goes, and is marked, so that the one message
is refused and nothing else is touched. Of a body beyond what we read only the head and the digest are kept.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from pamqp import commands, decode
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

MARK: Final = "x-milesaga-refused"
"""Says why a message is refused before anybody looks at it. A stranger who writes it refuses his own message."""
LARGEST_BODY: Final = 1_048_576
"""Bytes; reading more would hold up everything else in the process."""
HEAD: Final = 4_096
"""Bytes that are kept of a larger one."""

_WIDTHS: Final = {
    **dict.fromkeys((b"t", b"b", b"B"), 1),
    **dict.fromkeys((b"s", b"u"), 2),
    **dict.fromkeys((b"I", b"i", b"f"), 4),
    b"D": 5,
    **dict.fromkeys((b"l", b"L", b"d", b"T"), 8),
    **dict.fromkeys((b"V", b"\x00"), 0),
}
_SIZED: Final = frozenset((b"S", b"x", b"A", b"F"))
_DECODING_FAILED: Final = (ValueError, OverflowError, OSError, struct.error, RecursionError, IndexError, TypeError)

_strict_header: Final = ContentHeader.unmarshal
_strict_methods: Final[dict[type[Any], Callable[[Any, bytes], None]]] = {
    method: method.unmarshal for method in (commands.Basic.Deliver, commands.Basic.GetOk, commands.Basic.Return)
}


def install() -> None:
    """Have every connection of this process decode so."""
    ContentHeader.unmarshal = _header  # type: ignore[method-assign]
    for method in _strict_methods:
        method.unmarshal = _method
    Channel._read_content = _read_content  # type: ignore[method-assign]  # noqa: SLF001 - aiormq offers no other place


def _header(self: ContentHeader, data: bytes) -> None:
    try:
        _strict_header(self, data)
    except _DECODING_FAILED as error:
        self.class_id, self.weight, self.body_size = struct.unpack(">HHQ", data[:12])
        properties = self.properties = commands.Basic.Properties()
        properties.headers = {**_read_headers(data[12:]), MARK: f"its properties cannot be decoded: {error}"[:300]}


def _read_headers(data: bytes) -> dict[str, Any]:
    """The headers table, as text where it is no more; other properties are given up."""
    (flags,) = struct.unpack(">H", data[:2])
    properties = commands.Basic.Properties
    at = 2
    for name in ("content_type", "content_encoding"):
        if flags & properties.flags[name]:
            at += 1 + data[at]
    if not flags & properties.flags["headers"]:
        return {}
    return dict(_fields(data[at + 4 : at + 4 + int.from_bytes(data[at : at + 4])]))


def _fields(table: bytes) -> Iterator[tuple[str, Any]]:
    """Each field of a table, up to the first whose end cannot be told."""
    at = 0
    while at < len(table):
        name_end = at + 1 + table[at]
        kind = table[name_end : name_end + 1]
        start = name_end + 1
        if kind in _SIZED:
            end = start + 4 + int.from_bytes(table[start : start + 4])
        elif kind in _WIDTHS:
            end = start + _WIDTHS[kind]
        else:
            return
        yield _text(table[at + 1 : name_end]), _value(table[name_end:end])
        at = end


def _value(raw: bytes) -> Any:
    try:
        return decode.embedded_value(raw)[1]
    except _DECODING_FAILED:
        return raw[:HEAD].hex()


def _method(self: Any, data: bytes) -> None:
    """A delivery whose exchange or routing key is no UTF-8: its names are escaped, and so nobody's."""
    try:
        _strict_methods[type(self)](self, data)
    except UnicodeDecodeError:
        lead = {commands.Basic.Deliver: 1 + data[0], commands.Basic.GetOk: 0, commands.Basic.Return: 2}[type(self)]
        at = lead + (1 + data[lead] if isinstance(self, commands.Basic.Return) else 9)
        exchange_end = at + 1 + data[at]
        key_end = exchange_end + 1 + data[exchange_end]
        exchange, key = _text(data[at + 1 : exchange_end]), _text(data[exchange_end + 1 : key_end])
        _strict_methods[type(self)](self, data[:at] + _short(exchange) + _short(key) + data[key_end:])


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _short(text: str) -> bytes:
    raw = text.encode()[:255].decode("utf-8", "ignore").encode()
    return bytes((len(raw),)) + raw


async def _read_content(self: Channel, frame: Any, header: ContentHeader) -> DeliveredMessage:
    """aiormq's own, except that it keeps no more of a body than we read."""
    body, digest, size = BytesIO(), hashlib.sha256(), 0
    too_large = header.body_size > LARGEST_BODY
    while size < header.body_size:
        content = await self._get_frame()
        if not isinstance(content, ContentBody):
            raise TypeError(f"expected a part of a body, not {content!r}")
        size += len(content.value)
        if too_large:
            digest.update(content.value)
        if not too_large or body.tell() < HEAD:
            body.write(content.value)
    kept = body.getvalue()
    if too_large:
        refused = f"the body has {size} bytes, {LARGEST_BODY} are read: its head is kept; SHA-256 {digest.hexdigest()}"
        header.properties.headers = {**(header.properties.headers or {}), MARK: refused}
        kept = kept[:HEAD]
    return DeliveredMessage(delivery=frame, header=header, body=kept, channel=self)
