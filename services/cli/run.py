"""`milesaga run`: the services, all or some, in one process; for all of them also the sandbox and a private broker."""

import importlib
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from services.cli import printing
from services.house import HOUSE
from shared.kernel.values import changed
from shared.runtime.configuration import check
from shared.runtime.home import BROKER_USERS
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.runtime.signals import stop_signals

if TYPE_CHECKING:
    from services.cli.broker_node import PrivateBroker
    from shared.runtime.home import Home
    from shared.runtime.host import Compose, EmbeddedSandbox
    from shared.runtime.server import BoundSocket

log = logging.getLogger(__name__)

SERVICES: Final = tuple(each.name for each in HOUSE)
SANDBOX: Final = "sandbox"
BROKER_START_SECONDS: Final = 60.0
BROKER_GLANCE_SECONDS: Final = 0.5
BROKER_LOOK_SECONDS: Final = 15.0
BROKER_STOP_SECONDS: Final = 8.0
"""After the drain, whose bounds are `DRAIN_SECONDS` and 10 s more; what has not gone by then is killed."""

WRONG_SETTINGS: Final = 2
NOT_RUN: Final = 1


def run(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help=f"Any of: {', '.join((*SERVICES, SANDBOX))}.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes any free one; PORT, else 8000.")] = None,
) -> None:
    """Run services: all of them and the sandbox, or the named ones. Prints `ready URL` when they take work."""
    names = tuple(dict.fromkeys(services or ()))
    for name in names:
        if name not in (*SERVICES, SANDBOX):
            raise typer.BadParameter(f"{name!r} is no service; known are {', '.join((*SERVICES, SANDBOX))}.")
    given: dict[str, Any] = {"host": host, "port": port}
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


class StopAsked(BaseException):
    """SIGTERM, SIGINT or SIGHUP came before the services could take it."""


def _run(names: Sequence[str], settings: RuntimeSettings) -> int:
    from services.cli.broker_node import BrokerError  # noqa: PLC0415 - `milesaga --help` needs none of it
    from shared.runtime import logging as logs  # noqa: PLC0415
    from shared.runtime.home import HTTP_URL, SANDBOX_URL, SMTP_URL, Home  # noqa: PLC0415
    from shared.runtime.server import bind  # noqa: PLC0415

    logs.set_up(settings.log_level)
    home = Home(settings.milesaga_home)
    with ExitStack() as stack, _stop_raises():
        try:
            if not names:
                stack.enter_context(home.claimed())
                for note in (HTTP_URL, SANDBOX_URL, SMTP_URL):
                    home.remove(note)  # a killed stack may have left them
            listener = bind(settings.host, settings.port)
            broker = stack.enter_context(_broker(settings, home, names))
            return _serve(names, settings, listener, broker)
        except BrokerError as error:
            printing.complain(f"milesaga: {error}")
            return NOT_RUN
        except StopAsked:
            return 0


def _serve(names: Sequence[str], settings: RuntimeSettings, listener: "BoundSocket", broker: "Future[str]") -> int:
    import uvloop  # noqa: PLC0415

    from shared.runtime import garbage  # noqa: PLC0415
    from shared.runtime.host import Host  # noqa: PLC0415

    sandbox = _sandbox(names, settings, listener)
    running = names or SERVICES
    compositions = {name: _composition(name) for name in running if name != SANDBOX}
    here = frozenset(compositions) | ({SANDBOX} if sandbox else frozenset())
    host = Host(settings, listener, broker.result(), house=HOUSE, here=here, sandbox=sandbox)
    garbage.settle()
    notes: dict[str, str] = {}
    try:
        drained = uvloop.run(host.run(compositions, lambda: _announce(host.home, listener, sandbox, notes, names)))
    finally:
        for note in notes:
            host.home.remove(note)
    return 0 if drained else 128 + signal.SIGTERM


async def _announce(
    home: "Home",
    listener: "BoundSocket",
    sandbox: "EmbeddedSandbox | None",
    notes: dict[str, str],
    names: Sequence[str],
) -> None:
    """Tell people, and other processes over the same folder, where we are."""
    from shared.runtime.home import HTTP_URL, SANDBOX_URL, SMTP_URL  # noqa: PLC0415

    if not names:
        notes[HTTP_URL] = listener.url
    if sandbox is not None:
        notes[SANDBOX_URL] = listener.url
        notes[SMTP_URL] = f"smtp://{urlsplit(listener.url).netloc.rpartition(':')[0]}:{sandbox.smtp_port}"
    for name, text in notes.items():
        home.write(name, text)
    print(f"ready {listener.url}\ndocs {listener.url}/docs", flush=True)


def _composition(name: str) -> "Compose":
    """A service's composition root. Only what runs here is imported: the others would cost memory and time."""
    compose: Compose = importlib.import_module(f"services.{name}.app").compose
    return compose


def _sandbox(names: Sequence[str], settings: RuntimeSettings, listener: "BoundSocket") -> "EmbeddedSandbox | None":
    if SANDBOX in names and not settings.sandbox:
        raise WrongSettings("SANDBOX: off, so the sandbox does not start")
    if not settings.sandbox or (names and SANDBOX not in names):
        return None
    from services.sandbox.app import Sandbox  # noqa: PLC0415 - as for services
    from services.sandbox.settings import SandboxSettings  # noqa: PLC0415

    public_url = str(settings.public_url or listener.url).rstrip("/")
    return Sandbox(
        SandboxSettings(
            enabled=True,
            environment=settings.environment,
            home=settings.milesaga_home,
            host=settings.host,
            public_url=public_url,
            smtp_port=settings.sandbox_smtp_port,
        )
    )


@contextmanager
def _broker(settings: RuntimeSettings, home: "Home", names: Sequence[str]) -> Iterator["Future[str]"]:
    """The broker's URL, when it is there: a private node takes seconds to start, in which the services are imported."""
    from shared.runtime.addresses import broker_url, own_broker_url  # noqa: PLC0415

    if settings.broker_url is not None or names:
        known: Future[str] = Future()
        alone = len(names) == 1
        known.set_result(own_broker_url(settings, home, names[0]) if alone else broker_url(settings, home))
        yield known
        return
    from services.cli.broker_node import PrivateBroker  # noqa: PLC0415

    broker = PrivateBroker(home.path)
    with ThreadPoolExecutor(1) as starter:
        starting = starter.submit(_start, broker, settings, home)
        ending = Event()
        watching = starter.submit(_watch, broker, starting, ending)
        try:
            yield starting
        finally:
            ending.set()
            watching.result()
            _stop(broker, starting)


def _start(broker: "PrivateBroker", settings: RuntimeSettings, home: "Home") -> str:
    """With the users that were ever given on this home: its node may be a new one."""
    url = broker.start(BROKER_START_SECONDS)
    if settings.partners.exists() or home.read(BROKER_USERS):
        from services.cli.users import BrokerUsers  # noqa: PLC0415 - few stacks have users

        BrokerUsers(settings).apply()
    return url


def _watch(broker: "PrivateBroker", starting: "Future[str]", ending: Event) -> None:
    """Start a node again that was killed, and replace one that refuses messages for good, as after a full disk: neither
    mends by itself. Whether it lives is seen at a glance; whether it takes messages costs it a probe."""
    from services.cli.broker_node import BrokerError  # noqa: PLC0415

    if starting.exception() is not None:
        return
    looked, pause = time.monotonic(), BROKER_GLANCE_SECONDS
    while not ending.wait(pause):
        pause = BROKER_GLANCE_SECONDS
        if broker.lives and time.monotonic() - looked < BROKER_LOOK_SECONDS:
            continue
        try:
            if broker.mend(BROKER_START_SECONDS, ending.is_set):
                log.warning("the private broker was gone, or took no messages, and was started again")
        except BrokerError as error:
            log.warning("the private broker cannot be started again", extra={"error": type(error).__name__})
            pause = BROKER_LOOK_SECONDS
        looked = time.monotonic()


def _stop(broker: "PrivateBroker", starting: "Future[str]") -> None:
    """A node that is only half started cannot be stopped in order, so the start is awaited."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    if starting.exception() is None:
        broker.stop(BROKER_STOP_SECONDS)


@contextmanager
def _stop_raises() -> Iterator[None]:
    """Until the services take the signals themselves, they end what is being started."""

    def stop(_: int, __: object) -> None:
        raise StopAsked

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
