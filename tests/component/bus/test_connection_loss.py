"""What is in hand when the connection to the broker goes."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, OpenBus, new_bus, outbox_of
from tests.eventually import eventually
from tests.faults import FaultProxy
from tests.kit.lines import Lines


class Patient:
    """A handler in the middle of a call to a provider."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.begun = 0
        self.torn = 0
        self.done = 0

    async def __call__(self, _job: Job, _envelope: Envelope) -> None:
        self.begun += 1
        try:
            await self.answered.wait()
        except asyncio.CancelledError:
            self.torn += 1
            raise
        self.done += 1


async def test_a_handler_finishes_its_call_although_the_connection_went(vhost_url: str, open_bus: OpenBus) -> None:
    """Torn off, a call has an outcome that nobody knows. The message comes again in any case."""
    handler = Patient()
    parts = urlsplit(vhost_url)
    async with FaultProxy(parts.hostname or "", parts.port or 0) as proxy:
        url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()
        bus = await open_bus(url, {Job: handler})
        await bus.publisher.publish([outbox_of(bus).entry(Job(name="a"))])
        await eventually(lambda: handler.begun == 1)
        proxy.cut()
        await eventually(lambda: handler.begun == 2)
        assert handler.torn == 0
        handler.answered.set()
        await eventually(lambda: handler.done == 2)
        await bus.close()


async def test_an_address_that_answers_nothing_is_given_up_long_before_tcp_does(lines: Lines) -> None:
    """A broker that moved leaves one behind. TCP alone would try it for two minutes."""
    with silent() as port:
        bus = new_bus(f"amqp://nobody:nothing@127.0.0.1:{port}/")
        bus.begin()
        await eventually(lambda: len(lines.of("no connection to the broker")) > 1, within=60.0)
        await bus.close()


@contextmanager
def silent() -> Iterator[int]:
    """A port whose line is full: Linux drops whoever asks for a connection, and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        with socket.create_connection(address, timeout=5.0):
            yield address[1]
