"""A broker that keeps its connections and takes nothing is not one that can be sent to."""

import asyncio
import contextlib

import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError

from services.cli.broker_node import PrivateBroker
from shared.bus.broker import Bus
from shared.bus.outbox import NotPublished
from shared.bus.probing import probe_queue
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.component.bus.test_bus import Recorder
from tests.eventually import eventually

pytestmark = pytest.mark.long


async def test_a_broker_short_of_memory_takes_nothing_until_it_has_some_again(
    own_broker: PrivateBroker, open_bus: OpenBus
) -> None:
    seen = Recorder()
    bus = await open_bus(own_broker.url, {Job: seen})
    outbox = outbox_of(bus)
    await outbox.say(Job(name="before"))
    assert bus.publisher.connected
    await asyncio.to_thread(own_broker.ctl, "set_vm_memory_high_watermark", "0")
    unsent = asyncio.create_task(outbox.say(Job(name="blocked")))
    await eventually(lambda: not outbox.connected, within=15)
    with pytest.raises(ConnectionError):
        await bus.ping()
    with pytest.raises(NotPublished):
        await unsent
    assert not outbox.connected, "nothing was confirmed since"
    await asyncio.to_thread(own_broker.ctl, "set_vm_memory_high_watermark", "0.4")
    await eventually(lambda: outbox.connected, within=15)
    await outbox.say(Job(name="after"))
    await eventually(lambda: "after" in seen.names)
    await bus.ping()


async def test_a_queue_that_can_no_longer_be_probed_makes_way_for_another(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    """As one that a node was killed over; here it is one of another kind, which no declaring makes ours."""
    bus = await open_bus(vhost_url, {Job: Recorder()})
    await channel.queue_delete(probe_queue("work"))
    await channel.declare_queue(probe_queue("work"), durable=True)
    with pytest.raises(AMQPError):
        await bus.ping()
    for _ in range(2):
        await bus.ping()


async def test_a_frozen_broker_cannot_be_sent_to(own_broker: PrivateBroker, open_bus: OpenBus) -> None:
    """Its sockets stay open; what is silent owes a confirm."""
    bus = await open_bus(own_broker.url)
    await asyncio.to_thread(own_broker.pause)
    unsent = asyncio.create_task(outbox_of(bus).say(Job(name="frozen")))
    try:
        await eventually(lambda: not bus.publisher.connected, within=15)
    finally:
        await asyncio.to_thread(own_broker.resume)
    await asyncio.gather(unsent, return_exceptions=True)
    await eventually(lambda: bus.publisher.connected, within=15)


@pytest.mark.parametrize("queue", ["work", "work.suspect"])
async def test_a_broker_whose_queue_is_down_is_not_ready(
    own_broker: PrivateBroker, open_bus: OpenBus, queue: str
) -> None:
    """The connection lives, and the queue lets itself be declared."""
    bus = await open_bus(own_broker.url, {Job: Recorder()})
    await eventually(lambda: answers(bus), within=15)
    server = f"{{'%2F_{queue}', node()}}"
    await asyncio.to_thread(own_broker.ctl, "eval", f"ra:stop_server(quorum_queues, {server}).")
    await eventually(lambda: refuses(bus), within=15)
    await asyncio.to_thread(own_broker.ctl, "eval", f"ra:restart_server(quorum_queues, {server}).")
    await eventually(lambda: answers(bus), within=30)


async def test_a_broker_whose_log_is_gone_is_not_ready(own_broker: PrivateBroker, open_bus: OpenBus) -> None:
    """As after a full disk: nothing is published, so nothing but the question itself can tell."""
    bus = await open_bus(own_broker.url)
    await bus.consume("work", {Job: Recorder()})
    await eventually(lambda: answers(bus), within=15)
    await asyncio.to_thread(own_broker.ctl, "eval", "supervisor:terminate_child(ra_systems_sup, quorum_queues).")
    await eventually(lambda: refuses(bus), within=15)


async def answers(bus: Bus) -> bool:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(5):
            await bus.ping()
            return True
    return False


async def refuses(bus: Bus) -> bool:
    return not await answers(bus)
