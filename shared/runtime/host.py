"""One process of services: what it gives them, and their life from the start to the end of the drain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
from starlette.types import ASGIApp

from shared.bus.broker import Bus
from shared.bus.installation import OtherInstallation
from shared.bus.outbox import RELAY_PAGE, RELAY_PAUSE, Publisher
from shared.bus.retry import RetryPolicy
from shared.bus.standing import StandingQueues
from shared.kernel.clock import CheckedClock, Clock, SystemClock
from shared.kernel.ids import Ids, Uuid7Ids
from shared.kernel.meter import ServiceMeter
from shared.kernel.randomness import Random, SystemRandom
from shared.outside.transport import client
from shared.runtime import clock_check
from shared.runtime.addresses import Addresses, internal_token
from shared.runtime.application import Documents, application
from shared.runtime.background import Background
from shared.runtime.clock_check import ClockCheck, TellsTime
from shared.runtime.description import Description, queues, takes_requests
from shared.runtime.every import Every
from shared.runtime.health import ANSWERS_WITHIN, Health, Phase
from shared.runtime.home import Home
from shared.runtime.instruments import Instruments
from shared.runtime.peers import Peers
from shared.runtime.server import BoundSocket, HttpServer, reachable
from shared.runtime.service import Runtime, Service, Task
from shared.runtime.settings import LEAVING, RuntimeSettings, WrongSettings
from shared.runtime.signals import StopSignals
from shared.runtime.trust import https_context
from shared.store import open_store
from shared.store.documents import Store, StoredTwice, Unavailable
from shared.telemetry.process import Telemetry
from shared.web.auth import Authenticator

log = logging.getLogger(__name__)

Compose = Callable[[Runtime], Service]
T = TypeVar("T")

STORES = "stores"
"""The folder of SQLite's files in the home."""
STORE_PAUSE = 1.0
"""Seconds between attempts to open a store that is away."""
BROKER_GRACE = 5.0
"""Seconds that a start waits for a broker without which the process can take requests."""
LETTING_GO = 5.0
"""Seconds for each of the stops that follow `drain_seconds`."""


class EmbeddedSandbox(Protocol):
    """The sandbox, where it runs in this process."""

    @property
    def app(self) -> ASGIApp: ...

    @property
    def smtp_port(self) -> int: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Host:
    """Fulfils `Runtime`, and runs the services composed with it."""

    def __init__(
        self,
        settings: RuntimeSettings,
        listener: BoundSocket,
        broker_url: str,
        *,
        house: Sequence[Description],
        here: frozenset[str],
        sandbox: EmbeddedSandbox | None = None,
        peers: Peers | None = None,
    ) -> None:
        """`house` has all services, `here` names what runs in this process, `sandbox` when the sandbox is among it;
        `peers` are the processes that it speaks for, too."""
        self.settings = settings
        self.home = Home(settings.milesaga_home)
        self._checked = CheckedClock(
            SystemClock(),
            warning=timedelta(seconds=settings.clock_warning_seconds),
            limit=timedelta(seconds=settings.clock_limit_seconds),
        )
        self.clock: Clock = self._checked
        self.ids: Ids = Uuid7Ids(self.clock)
        self.random: Random = SystemRandom()
        self.telemetry = Telemetry()
        self.meter: ServiceMeter = self.telemetry
        self._queues = queues(house)
        self._takes_requests = takes_requests(house, here)
        self._broker_url = broker_url
        self.bus = Bus(
            broker_url, self._queues, clock=self.clock, retry=RetryPolicy(self.ids, self.random), meter=self.telemetry
        )
        self.publisher: Publisher = self.bus.publisher
        self.queues: StandingQueues = self.bus
        self.addresses = Addresses(settings, self.home, listener.url, here)
        self.draining = asyncio.Event()
        self.authenticator = Authenticator(
            self.addresses.issuer, self._issuer_client, self.clock, internal_token(settings, self.home)
        )
        self._listener = listener
        self._sandbox = sandbox
        self._peers = peers or Peers()
        self._health = Health(self.clock)
        self._background = Background(self.telemetry.restarted)
        self._instruments = Instruments(self.telemetry, self.bus, self._checked, settings.metrics_seconds)
        self._services: Sequence[Service] = ()
        self._clients: list[httpx.AsyncClient] = []
        self._trusted = https_context(settings.https_ca_file)
        self._server: HttpServer | None = None

    def store(self, name: str) -> Store:
        """On MongoDB nothing is kept in the home, which need not be writable then."""
        mongodb_url = self.settings.mongodb_url
        folder = self.home.path / STORES if mongodb_url else self.home.folder(STORES)
        store = open_store(name, folder, mongodb_url, self.settings.mongodb_ca_file)
        return self._instruments.watched(store, name)

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        made = client(base_url, timeout_seconds, self._trusted)
        self._clients.append(made)
        return made

    def service_url(self, service: str) -> str:
        return self.addresses.service(service)

    def provider_url(self, provider: str) -> str:
        return self.addresses.provider(provider)

    def smtp(self) -> tuple[str, int]:
        if self._sandbox is not None:
            return reachable(self.settings.host), self._sandbox.smtp_port
        return self.addresses.smtp()

    async def run(self, compositions: Mapping[str, Compose], on_ready: Task) -> bool:
        """Serve until SIGTERM or SIGINT, then drain; `on_ready` is called when the process is ready for work.

        False when that did not end in order: somebody insisted on leaving at once, or it took too long. Raises
        WrongSettings, and whatever makes serving impossible.
        """
        stop = StopSignals()
        with stop.listening():
            try:
                await self._serve(compositions, on_ready, stop)
            finally:
                drained = await self._drain_unless(stop.insisted, was_asked=stop.asked.is_set())
        return drained

    async def _serve(self, compositions: Mapping[str, Compose], on_ready: Task, stop: StopSignals) -> None:
        asyncio.get_running_loop().set_exception_handler(_report)
        if self._sandbox is not None:
            await self._sandbox.start()
        self._instruments.trace(self.settings, compositions)
        self._services = [compose(self) for compose in compositions.values()]
        self._health.watch(*self._checks())
        app = application(
            self._services,
            self._health,
            self.telemetry,
            Documents(self._figures, self._queues, self.addresses.public, self._broker_url),
            sandbox=self._sandbox.app if self._sandbox else None,
        )
        self._server = HttpServer(app, self._listener)
        await self._server.start()
        coming_up = asyncio.create_task(self._come_up(on_ready))
        asked = asyncio.create_task(stop.asked.wait())
        barred = asyncio.create_task(self.bus.barred())
        try:
            await _first(coming_up, asked, barred)
            await _first(asked, barred)
        except OtherInstallation as error:
            raise WrongSettings(_not_ours(error, self.settings, self.home)) from error
        finally:
            for task in (coming_up, asked, barred):
                task.cancel()
            await asyncio.gather(coming_up, asked, barred, return_exceptions=True)

    def _checks(self) -> tuple[dict[str, Task], dict[str, Task]]:
        """What new work needs, and what is only told: requests are saved, their messages wait in the outbox. What one
        of several services says of itself does not keep the others from work."""
        stores: dict[str, Task] = {
            f"store of {each.name}": each.store.ping for each in self._services if each.store is not None
        }
        broker: dict[str, Task] = {"broker": self.bus.ping}
        others = self._peers.checks()
        own = {f"{name} of {each.name}": check for each in self._services for name, check in each.ready.items()}
        needed, told = (stores, broker | others) if self._takes_requests else (broker | stores, others)
        return (needed | own, told) if len(self._services) == 1 else (needed, told | own)

    async def _figures(self) -> bytes:
        return await self._peers.figures(await self._instruments.scrape())

    async def _come_up(self, on_ready: Task) -> None:
        """Stores first, then requests; the broker may be away until later."""
        installations = dict(await asyncio.gather(*(_opened(each) for each in self._services)))
        stores: dict[str, TellsTime] = {each.name: each.store for each in self._services if each.store}
        checking = ClockCheck(self._checked, {**stores, "the broker": self.bus})
        await checking.once()
        self._background.start("clock", Every(clock_check.PAUSE, checking.once, name="clock"))
        for service in self._services:
            if service.table:
                installation = installations[service.name]
                await self.bus.consume(
                    service.name,
                    service.table,
                    service.misread,
                    takers=service.takers,
                    installation=installation,
                    prefetch=service.prefetch,
                )
        self._health.open = True
        for service in self._services:
            if service.outbox is not None:
                relay = Every(RELAY_PAUSE, service.outbox.relay, full=RELAY_PAGE, name="outbox")
                self._background.start(f"{service.name}: outbox", relay)
            for number, task in enumerate(service.tasks):
                name = getattr(task, "__name__", str(number))
                self._background.start(f"{service.name}: {name}", task)
        self._background.start("figures", self._instruments.looking(self._services, self._broker_url))
        await self._bus_up()
        await checking.once()  # the broker could not be asked before
        while await self._health.away():  # noqa: ASYNC110 - nobody tells when somebody else's server is back
            await asyncio.sleep(STORE_PAUSE / 10)
        self._health.phase = Phase.SERVING
        await on_ready()

    async def _bus_up(self) -> None:
        """Without the broker there is no other work than requests. They wait for it a little: whoever publishes right
        after `ready` is heard then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BROKER_GRACE if self._takes_requests else None):
                await self.bus.start()

    async def _drain_unless(self, insisted: asyncio.Event, *, was_asked: bool) -> bool:
        draining = asyncio.create_task(self._drain(was_asked=was_asked))
        insisting = asyncio.create_task(insisted.wait())
        longest = self.settings.drain_seconds + LEAVING
        await asyncio.wait((draining, insisting), return_when=asyncio.FIRST_COMPLETED, timeout=longest)
        insisting.cancel()
        drained = draining.done()
        if not drained:
            log.warning("left before the drain's end")
        draining.cancel()
        await asyncio.gather(draining, insisting, return_exceptions=True)
        return drained

    async def _drain(self, *, was_asked: bool) -> None:
        """Finish what is in hand while requests to ourselves still work, then let go of everything, bus last. Whoever
        was asked to stop is so with its peers, whose work in hand may need our HTTP."""
        self._health.phase = Phase.DRAINING
        self.draining.set()
        seconds = self.settings.drain_seconds
        in_hand = [self.bus.drain(seconds), *([self._peers.gone()] if was_asked else [])]
        await _within(seconds + 1, "consumers", asyncio.gather(*in_hand))
        if self._server is not None:
            await _within(LETTING_GO + 1, "http", self._server.stop(LETTING_GO))
        await _within(LETTING_GO, "tasks", self._background.stop())
        outboxes = [each.outbox.drain() for each in self._services if each.outbox is not None]
        await _within(LETTING_GO, "outboxes", asyncio.gather(*outboxes))
        for service in self._services:
            for closing in service.closing:
                await _within(LETTING_GO, service.name, closing())
        stores = [each.store.close() for each in self._services if each.store is not None]
        clients = [each.aclose() for each in self._clients]
        clients.append(self._peers.close())
        await _within(LETTING_GO, "stores", asyncio.gather(*stores, *clients, return_exceptions=True))
        if self._sandbox is not None:
            await _within(LETTING_GO, "sandbox", self._sandbox.stop())
        await _within(LETTING_GO, "bus", self.bus.close())
        await _within(LETTING_GO, "traces", self._instruments.close())

    def _issuer_client(self) -> httpx.AsyncClient:
        return self.http("", ANSWERS_WITHIN)


async def _opened(service: Service) -> tuple[str, str | None]:
    """Open a service's store; the service, and the installation that its store belongs to, where it keeps one. Raises
    WrongSettings."""
    if service.store is not None:
        try:
            await _patiently(service.store.open)
        except StoredTwice as error:  # nobody but a person knows who is to have it
            raise WrongSettings(f"the store of {service.name}: {error}") from error
    return service.name, await _patiently(service.installation) if service.installation else None


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """A store that is away at the start is waited for, as one that goes away later is."""
    while True:
        try:
            return await work()
        except Unavailable as error:
            log.warning("a store is away", extra={"error": type(error).__name__})
            await asyncio.sleep(STORE_PAUSE)


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Return when one of them has; raise what one of them has failed with."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _not_ours(error: OtherInstallation, settings: RuntimeSettings, home: Home) -> str:
    """One sentence for whoever started a stack on another one's broker."""
    adopt = "let `milesaga topology adopt` give them to this one"
    if settings.broker_url is None:
        return f"MILESAGA_HOME: on the broker of {home.path} {error}: name another folder, or {adopt}"
    parts = urlsplit(settings.broker_url)
    virtual_host = unquote(parts.path.removeprefix("/")) or "/"
    where = f"{parts.hostname}, virtual host {virtual_host!r},"
    return f"BROKER_URL: at {where} {error}: name another broker or virtual host, or {adopt}"


async def _within(seconds: float, what: str, work: Awaitable[Any]) -> None:
    """One step of the drain; the next ones are taken even when it fails or lasts too long."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except Exception as error:
        log.exception("stopped with a fault", extra={"task": what, "error": type(error).__name__})


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A task's exception that nobody waited for; its text may quote a message, so only its type is told."""
    error = context.get("exception")
    log.error(
        "exception that nobody awaited",
        extra={"reason": str(context.get("message", ""))[:100]},
        exc_info=error if isinstance(error, BaseException) else None,
    )
