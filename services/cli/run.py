"""`milesaga run`: the services, all or some; for all of them also the sandbox, a private broker, and several processes
where the machine has the cores."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli import printing
from services.cli.parts import by_cores, divided
from services.cli.restarting import WRONG_SETTINGS
from services.cli.serving import SANDBOX, serve
from services.house import HOUSE
from shared.kernel.values import changed
from shared.runtime.configuration import check
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.runtime.signals import StopAsked, stop_raises

if TYPE_CHECKING:
    from concurrent.futures import Future

    from services.cli.announcing import Announcement
    from services.cli.parts import Part
    from shared.runtime.host import EmbeddedSandbox
    from shared.runtime.server import BoundSocket

SERVICES: Final = tuple(each.name for each in HOUSE)
NOT_RUN: Final = 1
GONE_WITHIN: Final = 10.0
"""Seconds for what is left of a killed stack."""


def run(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help=f"Any of: {', '.join((*SERVICES, SANDBOX))}.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any free one; PORT, else 8000.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Of the whole stack; PROCESSES, else by the machine's cores.")
    ] = None,
) -> None:
    """Run services: all of them and the sandbox, or the named ones. Prints `ready URL` when they take work."""
    names = tuple(dict.fromkeys(services or ()))
    for name in names:
        if name not in (*SERVICES, SANDBOX):
            raise typer.BadParameter(f"{name!r} is no service; known are {', '.join((*SERVICES, SANDBOX))}.")
    if names and processes is not None:
        raise typer.BadParameter("Named services share one process.", param_hint="--processes")
    given: dict[str, Any] = {"host": host, "port": port, "processes": processes}
    try:
        settings = read(RuntimeSettings)
        settings = changed(settings, **{name: value for name, value in given.items() if value is not None})
        here = [each for each in HOUSE if each.name in (names or SERVICES)]
        check(settings, here, sandbox_asked_for=SANDBOX in names)
        code = _run(names, settings)
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        code = WRONG_SETTINGS
    raise typer.Exit(code)


def _run(names: Sequence[str], settings: RuntimeSettings) -> int:
    from services.cli.announcing import NOTES, Announcement  # noqa: PLC0415 - `milesaga --help` needs none of it
    from services.cli.broker_node import BrokerError  # noqa: PLC0415
    from services.cli.broker_watch import serving_broker  # noqa: PLC0415
    from shared.runtime import logging as logs  # noqa: PLC0415
    from shared.runtime.home import Home  # noqa: PLC0415
    from shared.runtime.server import bind  # noqa: PLC0415

    logs.set_up(settings.log_level)
    home = Home(settings.milesaga_home)
    parts = () if names else divided(HOUSE, settings.processes or by_cores(), sandbox=settings.sandbox)
    with ExitStack() as stack, stop_raises():
        try:
            if not names:
                stack.enter_context(home.claimed())
                home.await_desertion(GONE_WITHIN)
                for note in NOTES:
                    home.remove(note)  # a killed stack may have left them
            listener = bind(settings.host, settings.port)
            broker = stack.enter_context(serving_broker(settings, home, names))
            announcement = Announcement(home, listener.url)
            stack.callback(announcement.take_back)
            if len(parts) > 1:
                return _supervise(settings, parts, listener, broker, announcement)
            return _serve(names, settings, listener, broker, announcement)
        except BrokerError as error:
            printing.complain(f"milesaga: {error}")
            return NOT_RUN
        except StopAsked:
            return 0


def _serve(
    names: Sequence[str],
    settings: RuntimeSettings,
    listener: "BoundSocket",
    broker: "Future[str]",
    announcement: "Announcement",
) -> int:
    """In this process."""
    if SANDBOX in names and not settings.sandbox:
        raise WrongSettings("SANDBOX: off, so the sandbox does not start")

    async def announce(sandbox: "EmbeddedSandbox | None") -> None:
        announcement.make(whole=not names, smtp_port=None if sandbox is None else sandbox.smtp_port)

    services = [name for name in names or SERVICES if name != SANDBOX]
    with_sandbox = SANDBOX in names if names else settings.sandbox
    return serve(settings, services, listener, broker.result, announce, sandbox=with_sandbox)


def _supervise(
    settings: RuntimeSettings,
    parts: "Sequence[Part]",
    listener: "BoundSocket",
    broker: "Future[str]",
    announcement: "Announcement",
) -> int:
    """In several processes, of which this one is the parent."""
    import asyncio  # noqa: PLC0415

    from services.cli.supervisor import Supervisor  # noqa: PLC0415

    supervisor = Supervisor(settings, parts, listener)
    return asyncio.run(supervisor.run(broker, lambda: announcement.make(whole=True, smtp_port=supervisor.smtp_port)))
