"""Of two stacks on one broker, one alone has a service's queues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.abc import AbstractConnection

from shared.bus.broker import Bus
from shared.bus.installation import InUse, OtherInstallation, marker, release
from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, new_bus, outbox_of
from tests.component.bus.test_bus import count
from tests.eventually import eventually


class Stack:
    """A bus of one installation, and what it was given to do."""

    def __init__(self, url: str) -> None:
        self.bus: Bus = new_bus(url)
        self.done: list[str] = []

    async def begin(self, installation: str) -> None:
        await self.bus.consume("work", {Job: self._handle}, installation=installation)
        self.bus.begin()

    async def barred(self) -> OtherInstallation:
        with pytest.raises(OtherInstallation) as told:
            await asyncio.wait_for(self.bus.barred(), 10)
        return told.value

    async def _handle(self, job: Job, _: Envelope) -> None:
        self.done.append(job.name)


@pytest.fixture
async def stacks(vhost_url: str) -> AsyncIterator[tuple[Stack, Stack]]:
    async with AsyncExitStack() as opened:
        pair = Stack(vhost_url), Stack(vhost_url)
        for stack in pair:
            opened.push_async_callback(stack.bus.close)
        yield pair


@pytest.fixture
async def connection(vhost_url: str) -> AsyncIterator[AbstractConnection]:
    async with await aio_pika.connect(vhost_url) as connection:
        assert connection.transport is not None
        yield connection.transport.connection


async def test_a_second_stack_is_told_whose_the_queues_are_and_takes_nothing(
    stacks: tuple[Stack, Stack], channel: AbstractChannel
) -> None:
    first, second = stacks
    await first.begin("first-id")
    await first.bus.start()
    await first.bus.close()
    await channel.default_exchange.publish(aio_pika.Message(b"of the first"), "work")
    await second.begin("second-id")
    told = await second.barred()
    assert (told.service, told.ours, told.theirs) == ("work", "second-id", "first-id")
    assert not second.bus.ready
    assert not second.bus.publisher.connected
    assert second.done == []

    async def still_there() -> bool:
        return await count(channel, "work") == 1

    await eventually(still_there)


async def test_replicas_of_one_stack_share_the_queue(stacks: tuple[Stack, Stack]) -> None:
    for stack in stacks:
        await stack.begin("shared-id")
        await stack.bus.start()
    outbox = outbox_of(stacks[0].bus)
    for number in range(20):
        await outbox.say(Job(name=str(number)))
    await eventually(lambda: len(stacks[0].done) + len(stacks[1].done) == 20)


async def test_of_two_new_stacks_that_come_at_once_exactly_one_works(stacks: tuple[Stack, Stack]) -> None:
    await asyncio.gather(*(stack.begin(f"id-{number}") for number, stack in enumerate(stacks)))
    waiting = [asyncio.create_task(stack.bus.barred()) for stack in stacks]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    for each in pending:
        each.cancel()
    assert len(done) == 1
    [works] = [stack for stack, task in zip(stacks, waiting, strict=True) if task not in done]
    await eventually(lambda: works.bus.ready)
    assert isinstance(done.pop().exception(), OtherInstallation)


async def test_a_bus_that_is_up_refuses_to_consume_what_is_another_stacks(stacks: tuple[Stack, Stack]) -> None:
    first, second = stacks
    await first.begin("first-id")
    await first.bus.start()
    await second.bus.start()
    with pytest.raises(OtherInstallation):
        await second.begin("second-id")


async def test_a_broker_that_became_another_stacks_meanwhile_ends_the_bus(
    stacks: tuple[Stack, Stack], connection: AbstractConnection
) -> None:
    """As when the address leads to another broker after a failover."""
    first, second = stacks
    await first.begin("first-id")
    await first.bus.start()
    mine = await connection.channel()
    await mine.exchange_delete(marker("work"))
    await second.begin("second-id")
    await second.bus.start()
    first.bus._lost.set()
    assert (await first.barred()).theirs == "second-id"
    assert not first.bus.ready


async def test_the_queues_are_given_away_only_when_nobody_consumes_them(
    stacks: tuple[Stack, Stack], connection: AbstractConnection
) -> None:
    first, second = stacks
    await first.begin("first-id")
    await first.bus.start()
    await outbox_of(first.bus).say(Job(name="before"))
    await eventually(lambda: first.done == ["before"])
    with pytest.raises(InUse, match="work has 1 consumers"):
        await release(connection, ("nobody", "work"))
    await first.bus.drain(5)  # or what is done, and not yet acknowledged, would be done again
    await first.bus.close()
    for _ in range(2):  # whoever doubts that it was done may do it again
        await release(connection, ("nobody", "work"))
    await second.begin("second-id")
    await second.bus.start()
    await outbox_of(second.bus).say(Job(name="after"))
    await eventually(lambda: second.done)
    assert second.done == ["after"]
