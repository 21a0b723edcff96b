"""A bus on a virtual host of its own, with one service, `work`, and messages of the tests' own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import ClassVar

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from shared.bus.broker import Bus
from shared.bus.dispatch import HandlerTable
from shared.bus.outbox import Outbox
from shared.bus.retry import RetryPolicy
from shared.bus.topology import Queues
from shared.contracts.messages import Event, Message
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.kernel.meter import Meter
from shared.kernel.randomness import SystemRandom

CLOCK = SystemClock()
IDS = Uuid7Ids(CLOCK)
QUEUES = {"work": (("commands", "work.#"),), "other": (("commands", "other.#"),)}


class Job(Message):
    """Something to do."""

    type: ClassVar[str] = "work.job.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True
    name: str

    @property
    def subject(self) -> str:
        return self.name


class Errand(Job):
    """A job nobody takes."""

    type: ClassVar[str] = "nobody.errand.v1"


class Heard(Event):
    """Something that happened."""

    type: ClassVar[str] = "work.heard.v1"
    name: str

    @property
    def subject(self) -> str:
        return self.name


OpenBus = Callable[..., Awaitable[Bus]]


def new_bus(
    url: str,
    *,
    budget: timedelta = timedelta(hours=24),
    prefetch: int = 200,
    queues: Queues = QUEUES,
    meter: Meter | None = None,
) -> Bus:
    retry = RetryPolicy(IDS, SystemRandom(1), budget)
    return Bus(url, queues, clock=CLOCK, retry=retry, meter=meter, prefetch=prefetch)


def outbox_of(bus: Bus) -> Outbox:
    return Outbox("tests", bus.publisher, CLOCK, IDS)


@pytest.fixture
async def open_bus() -> AsyncIterator[OpenBus]:
    """`open_bus(url, table, ...)`: a started bus that handles the queue `work`; closed after the test."""
    async with AsyncExitStack() as stack:

        async def open_one(url: str, table: HandlerTable | None = None, **options: object) -> Bus:
            bus = new_bus(url, **options)  # type: ignore[arg-type]
            stack.push_async_callback(bus.close)
            await bus.start()
            if table is not None:
                await bus.consume("work", table)
            return bus

        yield open_one


@pytest.fixture
async def channel(vhost_url: str) -> AsyncIterator[AbstractChannel]:
    """An outsider's channel on the test's virtual host."""
    connection = await aio_pika.connect(vhost_url)
    async with connection:
        yield await connection.channel()
