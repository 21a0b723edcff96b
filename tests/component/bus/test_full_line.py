"""A connection takes ten writes at a time, of all its channels together: what finds no room waits, and is not lost."""

import asyncio

from shared.bus import wire
from shared.bus.broker import Bus
from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.eventually import eventually


def fill(bus: Bus) -> None:
    """Take all the room there is, with writes of nothing."""
    channel = bus.publisher._channel
    assert channel is not None
    while wire.has_room(channel):
        wire.write(channel, b"")


async def test_a_publish_that_finds_no_room_goes_out_a_moment_later(vhost_url: str, open_bus: OpenBus) -> None:
    handled: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        handled.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle})
    saying = asyncio.create_task(outbox_of(bus).say(Job(name="a")))
    await asyncio.sleep(0)
    fill(bus)
    bus.publisher._flush()
    await asyncio.wait_for(saying, 5)
    await eventually(lambda: handled == ["a"])


async def test_acknowledgements_that_find_no_room_are_told_a_moment_later(vhost_url: str, open_bus: OpenBus) -> None:
    handled: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        handled.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle})
    outbox = outbox_of(bus)
    acks = bus._subscriptions[0].consumer._acks
    for name in "abc":
        await outbox.say(Job(name=name))
    await eventually(lambda: len(handled) == 3)
    fill(bus)
    acks.send()
    await acks.drain()
    await bus.close()
    reopened = await open_bus(vhost_url)
    connection = reopened._connection
    assert connection is not None
    channel = await connection.channel()
    declared = await channel.queue_declare("work", passive=True)
    assert declared.message_count == 0, "what was done came back"
    assert handled == ["a", "b", "c"]


async def test_a_backlog_does_not_hold_up_the_opening(vhost_url: str, open_bus: OpenBus) -> None:
    """Thousands of messages wait; the bus is up before they are worked off."""
    slow = asyncio.Event()
    filling = await open_bus(vhost_url)
    outbox = outbox_of(filling)
    entries = [outbox.entry(Job(name=str(i))) for i in range(3_000)]
    await filling.publisher.publish(entries)

    async def handle(_job: Job, _: Envelope) -> None:
        await slow.wait()

    bus = await asyncio.wait_for(open_bus(vhost_url, {Job: handle}), 5)
    assert bus.ready
    slow.set()
