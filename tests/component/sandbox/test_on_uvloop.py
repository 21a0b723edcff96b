"""Lines are cut, and kept to be cut, on the loop that services run on: its transports are no subclass of asyncio's."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosmtplib
import httpx
import pytest
import uvloop

from tests.component.sandbox.test_faults import rule, tickets
from tests.component.sandbox.test_mail import mail, messages, send
from tests.kit.trips import booked, fulfilment
from tests.kit.world import World

OnUvloop = Callable[[Callable[[World], Awaitable[None]]], None]


@pytest.fixture
def on_uvloop(tmp_path: Path, fresh_home: Path) -> OnUvloop:
    """Does something to a sandbox on that loop; the tests are no coroutines, as pytest would run those on asyncio's."""

    async def enter(work: Callable[[World], Awaitable[None]]) -> None:
        async with World(await asyncio.to_thread(shutil.copytree, fresh_home, tmp_path / "home")) as world:
            await work(world)

    def run(work: Callable[[World], Awaitable[None]]) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(enter(work))

    return run


@pytest.mark.parametrize(("mode", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_provider_hangs_up(on_uvloop: OnUvloop, mode: str, made: int) -> None:
    async def work(world: World) -> None:
        locator = await booked(world)
        await world.fault(rule("sabre", "fulfillFlightTickets", mode))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await world.trip("fulfillFlightTickets", fulfilment(locator))
        assert await tickets(world) == made

    on_uvloop(work)


@pytest.mark.parametrize(("mode", "kept"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_mailbox_hangs_up(on_uvloop: OnUvloop, mode: str, kept: int) -> None:
    async def work(world: World) -> None:
        await world.fault(rule("mail", "send", mode, times=1))
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(world, mail())
        assert len(await messages(world)) == kept

    on_uvloop(work)


def test_stopping_cuts_the_lines_of_who_has_said_ehlo(on_uvloop: OnUvloop) -> None:
    async def work(world: World) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=world.sandbox.smtp_port, start_tls=False)
        await client.connect()
        await client.ehlo()
        async with asyncio.timeout(5):
            await world.stop()
        client.close()

    on_uvloop(work)
