"""`milesaga documents`: the documents of the whole house, where each service has a process of its own.

A process describes the routes that it has. Behind a gateway somebody must describe all of them, so here every service
is composed, and none is opened: no store, no broker, no provider is asked for anything.
"""

import asyncio
import importlib
from typing import Annotated, Any, Final

import typer

from services.cli import printing
from services.house import HOUSE
from shared.kernel.values import changed
from shared.runtime.application import Documents, application
from shared.runtime.description import queues
from shared.runtime.health import Health, Phase
from shared.runtime.host import Host
from shared.runtime.server import BoundSocket, HttpServer, bind
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.runtime.signals import StopSignals

WRONG_SETTINGS: Final = 2
BROKER: Final = "amqp://127.0.0.1:5672/"
"""What AsyncAPI names as the broker where no BROKER_URL is given; it is never connected to."""
LETTING_GO: Final = 1.0


def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any free one; PORT, else 8000.")] = None,
) -> None:
    """Serve /docs, /openapi.json and /asyncapi.json of all services, and nothing else."""
    given: dict[str, Any] = {"host": host, "port": port}
    try:
        settings = read(RuntimeSettings)
        settings = changed(settings, **{name: value for name, value in given.items() if value is not None})
        asyncio.run(_serve(settings, bind(settings.host, settings.port)))
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(WRONG_SETTINGS) from error


async def _serve(settings: RuntimeSettings, listener: BoundSocket) -> None:
    broker = settings.broker_url or BROKER
    host = Host(settings, listener, broker, house=HOUSE, here=frozenset())
    described = [
        importlib.import_module(f"services.{each.name}.app").compose(host)
        for each in HOUSE
        if each.public or each.internal
    ]
    health = Health(host.clock)
    health.phase = Phase.SERVING  # of documents; what is described stays closed
    documents = Documents(_nothing_counted, queues(HOUSE), host.addresses.public, broker)
    server = HttpServer(application(described, health, host.telemetry, documents, log_in=settings.sandbox), listener)
    stop = StopSignals()
    with stop.listening():
        await server.start()
        printing.say(f"ready {listener.url}\ndocs {listener.url}/docs")
        await stop.asked.wait()
        await server.stop(LETTING_GO)


async def _nothing_counted() -> bytes:
    return b""
