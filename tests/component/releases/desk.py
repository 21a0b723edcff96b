"""Releases, composed as in production over a store, and people who use it over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.releases.app import compose
from shared.kernel.values import changed
from shared.runtime.every import Every
from shared.runtime.service import Service
from shared.web import problems
from tests.kit.clock import HandClock
from tests.kit.desk import opened
from tests.kit.runtime import TestRuntime

SCOPES = "releases:read releases:request releases:approve releases:break_glass releases:admin"
PAYLOAD = {"argv": ["./deploy.sh"], "files": {"deploy.sh": "sha256:" + "5" * 64}}
Json = dict[str, Any]


class Desk:
    """One process, and whoever calls it."""

    def __init__(self, runtime: TestRuntime, service: Service, client: httpx.AsyncClient) -> None:
        self.runtime = runtime
        self.service = service
        self.client = client

    @property
    def way(self) -> httpx.AsyncBaseTransport:
        """For other services, which ask over internal routes."""
        assert isinstance(self.client._transport, httpx.ASGITransport)
        return self.client._transport

    async def send(
        self, person: str, method: str, path: str, body: Any = None, *, scope: str = SCOPES, **headers: str
    ) -> httpx.Response:
        given = self.runtime.issuer.bearer(person, scope) | {name.replace("_", "-"): it for name, it in headers.items()}
        return await self.client.request(method, f"/v1/releases{path}", json=body, headers=given)

    async def ask(self, person: str = "deployer", key: str = "k-1", **others: Any) -> httpx.Response:
        body = {
            "action": "deploy",
            "environment": "production",
            "target": "checkout",
            "payload": PAYLOAD,
            "reason": "release 4.2",
        }
        return await self.send(person, "POST", "/requests", body | others, Idempotency_Key=key)

    async def decide(self, person: str, request: Json, decision: str = "approve", **others: Any) -> httpx.Response:
        body = {"decision": decision, "digest": request["digest"]} | others
        return await self.send(person, "POST", f"/requests/{request['id']}/decisions", body)

    async def approved(self, **others: Any) -> Json:
        request: Json = (await self.ask(**others)).json()
        for person in ("sre", "owner"):
            assert (await self.decide(person, request)).status_code == 200
        return request

    async def grant(self, request: Json, person: str = "deployer") -> httpx.Response:
        return await self.send(person, "POST", f"/requests/{request['id']}/grant", {"digest": request["digest"]})

    async def redeem(self, grant: str, request: Json, key: str = "attempt-1", **others: Any) -> httpx.Response:
        body = {"grant": grant, "digest": request["digest"], "target": request["target"]} | others
        return await self.send("deployer", "POST", "/grants/redeem", body, Idempotency_Key=key)

    async def show(self, request: Json) -> Json:
        found: Json = (await self.send("deployer", "GET", f"/requests/{request['id']}")).json()
        return found

    async def settled(self) -> None:
        """What was answered is in the requests too: they are folded after the answer."""
        for closing in self.service.closing:
            await closing()

    async def tick(self) -> None:
        """Each of the service's tasks has its turn."""
        for task in self.service.tasks:
            assert isinstance(task, Every)
            await task._page()


@asynccontextmanager
async def releases(
    home: Path, clock: HandClock, mongodb_url: str | None = None, *, gated: bool = False
) -> AsyncIterator[Desk]:
    """A process of releases, its rules told to the log."""
    runtime = TestRuntime(home, clock, mongodb_url=mongodb_url)
    runtime.settings = changed(runtime.settings, gated=gated)
    service = compose(runtime)
    app = FastAPI()
    problems.install(app)
    assert service.router is not None
    app.include_router(service.router)
    transport = httpx.ASGITransport(app)
    async with opened(service), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        desk = Desk(runtime, service, client)
        await desk.tick()
        yield desk


code = partial(lambda answer: answer.json()["code"])
