"""Several services in one test: wires instead of sockets, a clock that the test winds."""

from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from shared.runtime.service import Service
from shared.web import problems
from shared.web.limits import BodyLimits
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime


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


class Laptop(TestRuntime):
    """A runtime whose services, and the sandbox, are reached over wires."""

    def __init__(self, folder: Path) -> None:
        self.hand = HandClock()
        super().__init__(folder, self.hand)
        self.wires = Wires()
        self.transport = self.wires

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
        monkeypatch.setenv("MILESAGA_HOME", str(self.home))
        monkeypatch.setenv("ENVIRONMENT", "test")
        sandbox = Sandbox(SandboxSettings(), now=self.clock.now)
        self.wires.connect("sandbox.test", sandbox.app)
        return sandbox
