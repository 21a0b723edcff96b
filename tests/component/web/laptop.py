"""What a process gives its services, without a process: wires instead of sockets, a clock that the test winds."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from shared.bus.outbox import Publisher
from shared.contracts import CATALOGUE
from shared.contracts.messages import Message, OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids, Uuid7Ids
from shared.kernel.meter import CallMeter, NoCallMeter
from shared.kernel.randomness import Random, SystemRandom
from shared.runtime.service import Service
from shared.runtime.settings import RuntimeSettings
from shared.store import open_store
from shared.store.documents import Store
from shared.web import problems
from shared.web.limits import BodyLimits
from tests.component.web.issuer import HandClock, Issuer


class Wires(httpx.AsyncBaseTransport):
    """Carries requests to applications by their host; a host in `cut` does not answer."""

    def __init__(self) -> None:
        self.hosts: dict[str, httpx.ASGITransport] = {}
        self.cut: set[str] = set()
        self.carried: list[str] = []

    def connect(self, host: str, app: ASGIApp) -> None:
        self.hosts[host] = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.carried.append(request.url.path)
        if request.url.host in self.cut:
            raise httpx.ConnectError("nobody there")
        return await self.hosts[request.url.host].handle_async_request(request)


class Bag:
    """Publishes by keeping."""

    connected = True

    def __init__(self) -> None:
        self.published: list[OutboxMessage] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        self.published.extend(messages)

    @property
    def said(self) -> list[Message]:
        return [CATALOGUE[one.routing_key].model_validate_json(one.body) for one in self.published]


class Laptop:
    """Fulfils `Runtime`."""

    def __init__(self, folder: Path) -> None:
        self.settings = RuntimeSettings(environment="test", milesaga_home=folder)
        self.hand = HandClock()
        self.bag = Bag()
        self.clock: Clock = self.hand
        self.ids: Ids = Uuid7Ids(self.clock)
        self.random: Random = SystemRandom(1)
        self.publisher: Publisher = self.bag
        self.meter: CallMeter = NoCallMeter()
        self.issuer = Issuer(self.hand)
        self.authenticator = self.issuer.authenticator()
        self.draining = asyncio.Event()
        self.wires = Wires()
        self._folder = folder

    def store(self, name: str) -> Store:
        return open_store(name, self.folder("stores"))

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds, transport=self.wires)

    def service_url(self, service: str) -> str:
        return f"http://{service}.test"

    def provider_url(self, provider: str) -> str:
        return f"http://sandbox.test/sandbox/{provider}"

    def smtp(self) -> tuple[str, int]:
        raise NotImplementedError

    def folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def plug_in(self, service: Service) -> httpx.AsyncClient:
        """Serve a service's routes as a process does; the client is a member's, whose token has both scopes."""
        app = FastAPI()
        problems.install(app)
        app.add_middleware(BodyLimits)
        assert service.router is not None
        app.include_router(service.router)
        self.wires.connect(f"{service.name}.test", app)
        return self.client(service.name, self.issuer.bearer())

    def client(self, host: str, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{host}.test", transport=self.wires, headers=headers)

    def a_sandbox(self, monkeypatch: Any) -> Sandbox:
        """The outside world, keeping its books in the laptop's folder."""
        monkeypatch.setenv("SANDBOX", "on")
        monkeypatch.setenv("MILESAGA_HOME", str(self._folder))
        monkeypatch.setenv("ENVIRONMENT", "test")
        sandbox = Sandbox(SandboxSettings(), now=self.clock.now)
        self.wires.connect("sandbox.test", sandbox.app)
        return sandbox
