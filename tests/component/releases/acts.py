"""Our own dangerous acts: a service whose acts are gated, and grants for exactly one request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from shared.kernel.acts import payload, target_of
from shared.kernel.values import changed
from shared.runtime.host import Compose
from shared.runtime.service import Service
from shared.web import problems
from tests.component.releases.desk import Desk
from tests.kit.clock import HandClock
from tests.kit.desk import opened
from tests.kit.runtime import TestRuntime


@asynccontextmanager
async def acting(
    compose: Compose, home: Path, clock: HandClock, way: httpx.AsyncBaseTransport, scopes: str = "ops:read ops:write"
) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """A service whose acts are gated, and which asks the other process over its internal routes."""
    runtime = TestRuntime(home, clock)
    runtime.settings = changed(runtime.settings, gated=True)
    runtime.transport = way
    service = compose(runtime)
    app = FastAPI()
    problems.install(app)
    assert service.router is not None
    app.include_router(service.router)
    headers = runtime.issuer.bearer("deployer", scopes) | {"Content-Type": "application/json"}
    async with (
        opened(service),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client,
    ):
        yield service, client


@asynccontextmanager
async def asking(
    compose: Compose, home: Path, clock: HandClock, gated: Desk, scopes: str = "ops:read ops:write"
) -> AsyncIterator[httpx.AsyncClient]:
    """The same over the way of a process that is there."""
    async with acting(compose, home, clock, gated.way, scopes) as (_, client):
        yield client


async def agreed(desk: Desk, body: bytes, path: str, method: str, **others: Any) -> str:
    """A grant for that request; whatever is open for the same thing gives way."""
    here, _, query = path.partition("?")
    asked = {
        "action": "miles.replace_account",
        "environment": "test",
        "target": target_of(here),
        "payload": dict(payload(method, here, query, body)),
        "body": body.decode() or None,
    }
    answer = await desk.ask(**(asked | others))
    if answer.status_code == 409 and answer.json()["code"] == "request_open":
        answer = await desk.ask(**(asked | others), replaces=answer.headers["Location"].rpartition("/")[2])
    assert answer.status_code == 201, answer.text
    request = answer.json()
    await desk.decide("sre", request)
    granted = await desk.grant(request)
    assert granted.status_code == 200, granted.text
    return str(granted.json()["grant"])
