"""The one HTTP application of a process: its services' routes, health, metrics, documents, the sandbox beside them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from shared.bus.topology import Queues
from shared.runtime.docs_page import FILES, STATIC, api_page, messages_page, problems_page
from shared.runtime.front import Front
from shared.runtime.health import Health
from shared.runtime.service import Service
from shared.runtime.version import VERSION
from shared.telemetry.process import Telemetry
from shared.web import problems
from shared.web.docs import problems as refusals
from shared.web.limits import BodyLimits
from shared.web.openapi import describe, operation_id
from shared.web.reading import Reading
from shared.web.routes import DirectFirst

TITLE = "Milesaga"
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
WORTH_PACKING = 1024
"""Bytes; a shorter answer fits into one packet as it is."""


@dataclass(frozen=True)
class Documents:
    """What a process tells of itself: `scrape` gives its metrics, `queues` are all there are, other processes' too.

    `server` is where clients reach the API; of `broker_url` no secret is told.
    """

    scrape: Callable[[], Awaitable[bytes]]
    queues: Queues
    server: str
    broker_url: str


def application(
    services: Sequence[Service],
    health: Health,
    telemetry: Telemetry,
    documents: Documents,
    *,
    sandbox: ASGIApp | None = None,
    log_in: bool = False,
) -> ASGIApp:
    """`sandbox` answers for itself everything below `/sandbox/`; `log_in`: one stands there, in another process."""
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        generate_unique_id_function=operation_id,
    )
    problems.install(app)
    app.add_middleware(BodyLimits)
    app.add_middleware(GZipMiddleware, minimum_size=WORTH_PACKING)
    app.add_middleware(Reading)
    app.add_middleware(DirectFirst, whole=app)
    of_services = [service.router for service in services if service.router is not None]
    pages = _pages(app, documents, sandbox=log_in or sandbox is not None)
    for router in (_own_routes(app, health, documents), *of_services, pages):
        app.router.routes.extend(router.routes)
    describe(app, documents.server)
    return Front(app, health, telemetry, sandbox=sandbox, owners=_owners(services))


def _owners(services: Sequence[Service]) -> dict[str, str]:
    """Whose each route is, by its template."""
    routers = [(service.name, service.router) for service in services if service.router is not None]
    return {route.path: name for name, router in routers for route in router.routes if isinstance(route, Route)}


def _own_routes(app: FastAPI, health: Health, documents: Documents) -> APIRouter:
    router = APIRouter(tags=["process"], generate_unique_id_function=operation_id)

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="The process takes new work; what is away is named", responses=refusals(503))
    async def readyz() -> dict[str, str]:
        return {"status": "ready", **await health.check()}

    @router.get("/metrics", summary="Counters for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(await documents.scrape(), media_type=PROMETHEUS_TEXT)

    @router.get("/asyncapi.json", summary="The messages, as AsyncAPI")
    async def asyncapi() -> JSONResponse:
        return JSONResponse(_messages(app, documents))

    return router


def _pages(app: FastAPI, documents: Documents, *, sandbox: bool) -> APIRouter:
    """The pages for people."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    @router.get("/favicon.ico")
    async def no_icon() -> Response:
        """Browsers ask for one beside every page, and are told for a day that there is none."""
        return Response(status_code=204, headers={"Cache-Control": "public, max-age=86400"})

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(api_page(app.title, sandbox=sandbox))

    @router.get("/docs/messages")
    async def messages() -> HTMLResponse:
        return HTMLResponse(messages_page(app.title, _messages(app, documents)))

    @router.get("/docs/problems")
    async def codes() -> HTMLResponse:
        return HTMLResponse(problems_page(app.title))

    @router.get("/docs/static/{name:path}")
    async def static(name: str) -> FileResponse:
        if name not in FILES:
            raise problems.not_found("file")
        return FileResponse(STATIC / name, media_type=FILES[name])

    return router


def _messages(app: FastAPI, documents: Documents) -> dict[str, Any]:
    from shared.bus.asyncapi import document  # noqa: PLC0415 - only who asks for it pays for it

    return document(app.version, documents.queues, documents.broker_url)
