"""One process of a stack that `milesaga run` has divided: `supervisor` starts it, and it ends with it."""

import asyncio
import sys
from contextlib import ExitStack
from functools import partial

from services.cli import printing
from services.cli.parts import Orders
from services.cli.restarting import WRONG_SETTINGS
from services.cli.serving import serve
from shared.runtime import logging as logs
from shared.runtime.addresses import broker_url
from shared.runtime.home import Home
from shared.runtime.host import EmbeddedSandbox
from shared.runtime.orphans import die_with
from shared.runtime.peers import Peers
from shared.runtime.server import inherited
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.runtime.signals import StopAsked, stop_raises


def main(orders: Orders) -> int:
    """Standard input has a line when the broker is there, and ends when no other process needs this one any more; on
    standard output is said when it takes work."""
    try:
        with ExitStack() as stack:
            stack.enter_context(stop_raises())
            settings = read(RuntimeSettings)
            logs.set_up(settings.log_level, orders.number)
            stack.enter_context(Home(settings.milesaga_home).inhabited())
            return serve(
                settings,
                orders.part.services,
                inherited(orders.listener),
                partial(_broker_url, settings),
                _tell,
                sandbox=orders.part.sandbox,
                peers=Peers(str(orders.number), orders.others, _released) if orders.others else None,
            )
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        return WRONG_SETTINGS
    except StopAsked:
        return 0


def _broker_url(settings: RuntimeSettings) -> str:
    if not sys.stdin.buffer.readline():
        raise StopAsked
    return broker_url(settings, Home(settings.milesaga_home))


async def _tell(_: EmbeddedSandbox | None) -> None:
    print("ready", flush=True)


async def _released() -> None:
    """Standard input has ended."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    await reader.read()


if __name__ == "__main__":
    told = Orders.read(sys.argv[1])
    die_with(told.parent)
    sys.exit(main(told))
