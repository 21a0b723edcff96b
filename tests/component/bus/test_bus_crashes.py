"""The bus when things die: the broker, the line, the process that handles a message."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from aio_pika.abc import AbstractChannel

from services.cli.broker_node import PrivateBroker
from shared.bus.outbox import NotPublished, Outbox
from shared.bus.publisher import ConfirmingPublisher
from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, OpenBus, new_bus, outbox_of
from tests.component.bus.crashing_worker import POISON
from tests.component.bus.test_bus import dead
from tests.eventually import eventually
from tests.faults import FaultProxy
from tests.kit.broker import remember_queues

pytestmark = pytest.mark.long


@pytest.fixture
async def proxy(vhost_url: str) -> AsyncIterator[FaultProxy]:
    parts = urlsplit(vhost_url)
    async with FaultProxy(parts.hostname or "", parts.port or 0) as proxy:
        yield proxy


@pytest.fixture
def proxy_url(vhost_url: str, proxy: FaultProxy) -> str:
    """The test's virtual host, through the proxy."""
    parts = urlsplit(vhost_url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"))


async def test_a_message_that_kills_its_process_takes_no_neighbour_along(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel, tmp_path: Path
) -> None:
    """200 prefetched messages, one of which is deadly: 199 are done, one is dead."""
    outbox = outbox_of(await open_bus(vhost_url))
    names = [str(i) for i in range(199)]
    await outbox_publish(outbox, [*names[:100], POISON, *names[100:]])
    file = tmp_path / "done"
    file.touch()

    async def at_rest() -> bool:
        return await poison_is_dead(channel) and set(file.read_text().split()) == set(names)

    deaths = 0
    while not await at_rest():
        assert deaths < 25, "the deadly message must come to rest"
        deaths += await run_worker(vhost_url, file, until=at_rest)
    letters = await dead(channel)
    assert [message.body for message in letters] == [b'{"name":"poison"}']


async def run_worker(url: str, file: Path, *, until: Callable[[], Awaitable[bool]]) -> bool:
    """Run a worker until it dies by itself (true), or the condition holds."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.component.bus.crashing_worker", url, str(file)
    )

    async def over() -> bool:
        return worker.returncode is not None or await until()

    try:
        await eventually(over, within=20)
        return worker.returncode is not None
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


async def poison_is_dead(channel: AbstractChannel) -> bool:
    return (await channel.declare_queue("work.dead", passive=True)).declaration_result.message_count == 1


async def outbox_publish(outbox: Outbox, names: list[str]) -> None:
    await asyncio.gather(*(outbox.say(Job(name=name)) for name in names))


async def test_a_broker_restart_loses_nothing_and_hangs_nobody(own_broker: PrivateBroker) -> None:
    """Publishing goes on as soon as the broker is back, and every confirmed message is handled."""
    seen: set[str] = set()

    async def handle(job: Job, _: Envelope) -> None:
        seen.add(job.name)

    bus = new_bus(own_broker.url)
    try:
        await bus.start()
        await bus.consume("work", {Job: handle})
        await asyncio.to_thread(remember_queues, own_broker)
        outbox = outbox_of(bus)
        confirmed: set[str] = set()
        stop = asyncio.Event()

        async def publish_for_ever(lane: int) -> None:
            i = 0
            while not stop.is_set():
                name = f"{lane}-{i}"
                try:
                    await outbox.say(Job(name=name))
                except NotPublished:
                    continue
                confirmed.add(name)
                i += 1

        lanes = [asyncio.create_task(publish_for_ever(lane)) for lane in range(4)]
        await eventually(lambda: len(confirmed) > 200, within=20)
        await asyncio.to_thread(own_broker.kill)
        before = len(confirmed)
        await asyncio.to_thread(own_broker.start)
        await eventually(lambda: len(confirmed) > before + 200, within=60)
        stop.set()
        await asyncio.gather(*lanes)
        await eventually(lambda: confirmed <= seen, within=30)
    finally:
        await bus.close()


async def test_a_bus_that_starts_before_its_broker_finds_it_later(own_broker: PrivateBroker) -> None:
    await asyncio.to_thread(own_broker.stop)
    bus = new_bus(own_broker.url)
    starting = asyncio.create_task(bus.start())
    try:
        await asyncio.sleep(0)
        assert not bus.ready
        await asyncio.to_thread(own_broker.start)
        await asyncio.wait_for(starting, 30)
        await bus.ping()
    finally:
        starting.cancel()
        await bus.close()


async def test_a_publish_that_nobody_confirms_ends_in_time(proxy: FaultProxy, proxy_url: str) -> None:
    """The line hangs: no byte moves, no error comes."""
    bus = new_bus(proxy_url)
    bus.publisher = ConfirmingPublisher(0.5)
    try:
        await bus.start()
        proxy.hang()
        with pytest.raises(NotPublished, match=r"within 0\.5 s"):
            await outbox_of(bus).say(Job(name="a"))
    finally:
        proxy.flow()
        await bus.close()


async def test_a_line_that_is_cut_comes_back_by_itself(proxy: FaultProxy, proxy_url: str) -> None:
    """What was in hand is delivered again; what waited for its confirm is told."""
    handled: list[str] = []
    hold = asyncio.Event()

    async def handle(job: Job, _: Envelope) -> None:
        handled.append(job.name)
        await hold.wait()

    bus = new_bus(proxy_url)
    try:
        await bus.start()
        await bus.consume("work", {Job: handle})
        await outbox_of(bus).say(Job(name="a"))
        await eventually(lambda: handled == ["a"])
        proxy.cut()
        await eventually(lambda: handled == ["a", "a"], within=20)
        hold.set()
        await outbox_of(bus).say(Job(name="b"))
        await eventually(lambda: "b" in handled)
    finally:
        hold.set()
        await bus.close()


async def test_a_queue_that_somebody_deletes_is_made_again(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    """A consumer whose queue is gone would otherwise wait for ever."""
    handled: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        handled.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle})
    await channel.queue_delete("work")
    await eventually(lambda: not bus.ready)
    await eventually(lambda: bus.ready, within=20)
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: handled == ["a"])


async def test_a_queue_with_other_arguments_is_taken_as_it_is_and_told(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    await channel.declare_queue("work", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 7})
    handled: list[str] = []

    async def handle(job: Job, _: Envelope) -> None:
        handled.append(job.name)

    bus = await open_bus(vhost_url, {Job: handle})
    assert [difference.name for difference in bus.differences] == ["work"]
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: handled == ["a"])
