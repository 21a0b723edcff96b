"""What a service is to the process that runs it: a queue's handlers, HTTP routes, a store, background work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from shared.bus.dispatch import HandlerTable, Misread, Taker
from shared.bus.outbox import Outbox, Publisher
from shared.bus.standing import StandingQueues
from shared.contracts.messages import Message
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.kernel.meter import ServiceMeter
from shared.kernel.randomness import Random
from shared.runtime.settings import RuntimeSettings
from shared.store.documents import Store
from shared.telemetry.figures import Figure
from shared.web.auth import Authenticator
from shared.web.routes import Routes

Task = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """One service, composed. `tasks` run until the process drains; `closing` is called in the end; `figures` are what
    the process reads of it now and then, for its metrics.

    `prefetch`: how many messages it may have in hand, where that is not the bus's own number: few where they are large.
    `ready` are what it needs of itself to do its work, by name: each returns, or raises.
    `installation` reads the id that the store keeps of the stack it belongs to: the queue must be the same stack's.
    """

    name: str
    table: HandlerTable = field(default_factory=dict)
    router: Routes | None = None
    store: Store | None = None
    outbox: Outbox | None = None
    tasks: Sequence[Task] = ()
    closing: Sequence[Task] = ()
    misread: Mapping[type[Message], Misread] = field(default_factory=dict)
    takers: Mapping[str, Taker] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    ready: Mapping[str, Task] = field(default_factory=dict)
    installation: Callable[[], Awaitable[str]] | None = None
    prefetch: int | None = None


class Runtime(Protocol):
    """What a process gives its services. Each service's `app.py` has `compose(runtime: Runtime) -> Service`."""

    settings: RuntimeSettings
    clock: Clock
    ids: Ids
    random: Random
    publisher: Publisher
    queues: StandingQueues
    """Those that are made while the house runs."""
    meter: ServiceMeter
    authenticator: Authenticator
    """Checks members' bearer tokens and services' internal token."""
    draining: asyncio.Event
    """Set when the process begins to stop: long answers, such as event streams, end then."""

    def store(self, name: str) -> Store:
        """The service's own database, not opened yet."""
        ...

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        """A client with explicit timeouts, closed by the process at its end."""
        ...

    def service_url(self, service: str) -> str:
        """Base URL of another service's internal routes."""
        ...

    def provider_url(self, provider: str) -> str:
        """Base URL of the sandbox's stand-in for a provider (`sabre`, `stripe`), where the sandbox is on."""
        ...

    def smtp(self) -> tuple[str, int]:
        """Host and port of the sandbox's mail server, where the sandbox is on."""
        ...
