"""Publishing bytes that no client library would write."""

import struct
from collections.abc import Sequence

from aio_pika.abc import AbstractChannel
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel

Field = tuple[bytes, bytes]
"""A header's name, and its value with the letter of its type in front."""
HEADERS, TIMESTAMP = 1 << 13, 1 << 6


def short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def long(text: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(text)) + text


def envelope(type_name: bytes) -> list[Field]:
    """The attributes that every message has."""
    attributes = ((b"specversion", b"1.0"), (b"id", b"odd"), (b"source", b"/partner"), (b"type", type_name))
    return [(b"cloudEvents:" + name, long(value)) for name, value in attributes]


def properties(fields: Sequence[Field]) -> bytes:
    """The flags and the properties of a message that has headers alone."""
    table = b"".join(short(name) + value for name, value in fields)
    return struct.pack(">HI", HEADERS, len(table)) + table


async def publish(channel: AbstractChannel, key: bytes, packed: bytes, body: bytes) -> None:
    """To the exchange `commands`."""
    under = await channel.get_underlay_channel()
    assert isinstance(under, Channel)
    method = b"\x00\x3c\x00\x28\x00\x00" + short(b"commands") + short(key) + b"\x00"
    header = struct.pack(">HHQ", 60, 0, len(body)) + packed
    payload = b"".join(
        struct.pack(">BHI", kind, under.number, len(content)) + content + b"\xce"
        for kind, content in ((1, method), (2, header), (3, body))
    )
    await under.write_queue.put(ChannelFrame(payload=payload, should_close=False))
