"""Reading whatever the broker delivers. It passes on any bytes as headers, properties and routing keys; pamqp, which
decodes for aiormq, raises at some of them, which costs the connection and everybody's work on it.

Here decoding is total: what pamqp cannot read becomes text as far as that goes, and is marked, so that the one message
is refused and nothing else is touched. Of a body beyond what we read only the head and the digest are kept.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.bus import wire
from shared.bus.wire import Deliver, Header, Naming, Properties, Return

MARK: Final = "x-milesaga-refused"
"""Says why a message is refused before anybody looks at it. A stranger who writes it refuses his own message."""
LARGEST_BODY: Final = 1_048_576
"""Bytes; reading more would hold up everything else in the process."""
HEAD: Final = 4_096
"""Bytes that are kept of a larger one."""
HEAD_KEPT: Final = "its head is kept"
NOTHING_TOLD: Final[Mapping[str, str]] = {}

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


def install() -> None:
    """Have every connection of this process decode so."""
    wire.decode_by(_header, _named, Body)


def is_cut(told: str) -> bool:
    """Does a mark, or the reason that a letter has from it, say that the body is a head of what was sent?"""
    return HEAD_KEPT in told


class Body:
    """What is kept of a message's body: all of it, or head and digest where it is larger than we read. Then it never
    stands in memory as a whole, whatever the broker lets through."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept = bytearray()
        self._digest = hashlib.sha256() if self._size > LARGEST_BODY else None

    def take(self, part: bytes) -> None:
        """Bytes in their order."""
        if self._digest is None:
            self._kept += part
        else:
            self._digest.update(part)
            self._kept += part[: HEAD - len(self._kept)]

    def end(self) -> tuple[bytes, Mapping[str, str]]:
        """What is kept, and a header that says so, where that is not all."""
        if self._digest is None:
            return bytes(self._kept), NOTHING_TOLD
        reason = f"the body has {self._size} bytes, {LARGEST_BODY} are read: {HEAD_KEPT}"
        return bytes(self._kept), {MARK: f"{reason}; SHA-256 {self._digest.hexdigest()}"}


def _header(header: Header, data: bytes) -> None:
    try:
        wire.decode_header(header, data)
    except _DECODING_FAILED as error:
        header.class_id, header.weight, header.body_size = struct.unpack(">HHQ", data[:12])
        properties = header.properties = Properties()
        properties.headers = {**_read_headers(data[12:]), MARK: f"its properties cannot be decoded: {error}"[:300]}


def _read_headers(data: bytes) -> dict[str, Any]:
    """The headers table, as text where it is no more; other properties are given up."""
    (flags,) = struct.unpack(">H", data[:2])
    at = 2
    for name in ("content_type", "content_encoding"):
        if flags & wire.PROPERTY_FLAGS[name]:
            at += 1 + data[at]
    if not flags & wire.PROPERTY_FLAGS["headers"]:
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
        return wire.decode_value(raw)
    except _DECODING_FAILED:
        return raw[:HEAD].hex()


def _named(method: Naming, data: bytes) -> None:
    """A delivery whose exchange or routing key is no UTF-8: its names are escaped, and so nobody's."""
    try:
        wire.decode_named(method, data)
    except UnicodeDecodeError:
        at = _before_exchange(method, data)
        exchange_end = at + 1 + data[at]
        key_end = exchange_end + 1 + data[exchange_end]
        exchange, key = _text(data[at + 1 : exchange_end]), _text(data[exchange_end + 1 : key_end])
        wire.decode_named(method, data[:at] + _short(exchange) + _short(key) + data[key_end:])


def _before_exchange(method: Naming, data: bytes) -> int:
    """Bytes that stand before the exchange's name."""
    if isinstance(method, Return):
        return 2 + 1 + data[2]  # code, text
    tag_and_flag = 9
    return 1 + data[0] + tag_and_flag if isinstance(method, Deliver) else tag_and_flag


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _short(text: str) -> bytes:
    raw = text.encode()[:255].decode("utf-8", "ignore").encode()
    return bytes((len(raw),)) + raw
