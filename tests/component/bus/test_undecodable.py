"""Bytes that the driver cannot decode cost one message, and nobody's connection."""

import hashlib
import struct

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.bus.dead_letters import DeadLetters
from shared.contracts.cloudevents import Envelope
from tests.component.bus import raw
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.component.bus.test_bus import count
from tests.eventually import eventually

TYPE = Job.type.encode()
KNOWN = raw.envelope(TYPE)
NANOSECONDS = struct.pack(">Q", 1_790_000_000_000_000_000)


def with_field(name: bytes, value: bytes) -> bytes:
    return raw.properties([*KNOWN, (name, value)])


def nested(depth: int) -> bytes:
    value = b"V"
    for _ in range(depth):
        value = b"A" + struct.pack(">I", len(value)) + value
    return value


HOSTILE = {
    "a name": (TYPE, with_field(b"x\xff", raw.long(b"v"))),
    "a long name": (TYPE, with_field(b"\xff" * 255, raw.long(b"v"))),
    "our name": (TYPE, with_field(b"milesaga-\xff", raw.long(b"v"))),
    "a header in nanoseconds": (TYPE, with_field(b"at", b"T" + NANOSECONDS)),
    "a deep header": (TYPE, with_field(b"deep", nested(5_000))),
    "a nested name": (TYPE, with_field(b"table", b"F" + struct.pack(">I", 4) + b"\x01\xffb\x00")),
    "a timestamp in nanoseconds": (
        TYPE,
        struct.pack(">H", raw.HEADERS | raw.TIMESTAMP) + with_field(b"a", raw.long(b"b"))[2:] + NANOSECONDS,
    ),
    "a content type": (
        TYPE,
        struct.pack(">H", raw.HEADERS | 1 << 15) + raw.short(b"\xff\xfe") + with_field(b"a", raw.long(b"b"))[2:],
    ),
    "a message id": (
        TYPE,
        struct.pack(">H", raw.HEADERS | 1 << 7) + with_field(b"a", raw.long(b"b"))[2:] + raw.short(b"\xc3("),
    ),
    "a routing key": (b"work.\xff", raw.properties(KNOWN)),
    "a long routing key": (b"work." + b"\xff" * 250, raw.properties(KNOWN)),
}


@pytest.mark.parametrize(("key", "packed"), HOSTILE.values(), ids=HOSTILE)
async def test_it_becomes_one_dead_letter_that_can_be_seen_retried_and_discarded(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel, key: bytes, packed: bytes
) -> None:
    done: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        done.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle}, prefetch=3)
    lost = bus._lost
    await raw.publish(channel, key, packed, b'{"name": "odd"}')
    await outbox_of(bus).say(Job(name="good"))

    async def it_is_dead() -> bool:
        return await count(channel, "work.dead") == 1

    await eventually(it_is_dead)
    await eventually(lambda: done == ["good"])
    async with DeadLetters(vhost_url, ("work",)) as dead:
        (letter,) = await dead.letters("work")
        assert letter.id == "odd"
        assert letter.body == b'{"name": "odd"}'
        assert "decoded" in letter.reason or "came by" in letter.reason
        assert await dead.retry("work", lambda each: each.id == "odd") == 1
    assert not lost.is_set(), "the connection was lost"
    assert bus.ready


async def test_what_the_broker_itself_buried_is_seen_too(
    vhost_url: str, channel: AbstractChannel, open_bus: OpenBus
) -> None:
    await open_bus(vhost_url)
    await (await channel.get_queue("work.dead")).bind("commands", "#")
    for key, packed in HOSTILE.values():
        await raw.publish(channel, key, packed, b"{}")

    async def all_there() -> bool:
        return await count(channel, "work.dead") == len(HOSTILE)

    await eventually(all_there)
    async with DeadLetters(vhost_url, ("work",)) as dead:
        assert len(await dead.letters("work")) == len(HOSTILE)
        assert await dead.discard("work", lambda _: True) == len(HOSTILE)


async def test_of_a_very_large_message_head_and_digest_are_kept(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    async def handle(job: Job, _: Envelope) -> None:
        raise AssertionError(job.name)

    await open_bus(vhost_url, {Job: handle})
    envelope = Envelope(id="large", source="/partner", type=Job.type)
    body = b'{"name": "' + b"x" * 3_000_000 + b'"}'
    commands = await channel.get_exchange("commands")
    await commands.publish(aio_pika.Message(body, headers=dict(envelope.headers())), Job.type)

    async def it_is_dead() -> bool:
        return await count(channel, "work.dead") == 1

    await eventually(it_is_dead)
    async with DeadLetters(vhost_url, ("work",)) as dead:
        (letter,) = await dead.letters("work")
        assert letter.body == body[:4_096]
        assert "3000012 bytes" in letter.reason
        assert hashlib.sha256(body).hexdigest() in letter.reason
        assert await dead.retry("work", lambda _: True) == 0, "its head is not the message"
        assert [each.handle for each in dead.heads] == [letter.handle]


async def test_what_nobody_would_read_is_refused_by_the_broker(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    await open_bus(vhost_url)
    commands = await channel.get_exchange("commands")
    with pytest.raises(aio_pika.exceptions.AMQPError):
        await commands.publish(aio_pika.Message(b"x" * 5_000_000), Job.type, timeout=10)
