"""The outermost layer of a process's HTTP: counts and logs requests, and turns away what cannot be served now."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.health import Health
from shared.telemetry import spans
from shared.telemetry.catalogue import OTHER
from shared.telemetry.context import REQUEST_ID
from shared.telemetry.process import METHODS, Telemetry, known
from shared.telemetry.spans import NO_SPAN, Kind, Span
from shared.web import request_ids

log = logging.getLogger(__name__)

SANDBOX_PREFIX: Final = "/sandbox/"
INTERNAL_PREFIX: Final = "/internal/"
PROCESS: Final = "process"
UNLOGGED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for by machines, every few seconds."""


class Front:
    """Lets the sandbox be; of every other request it knows the id, the route, the status and the seconds."""

    def __init__(
        self,
        app: ASGIApp,
        health: Health,
        telemetry: Telemetry,
        *,
        sandbox: ASGIApp | None,
        owners: Mapping[str, str],
    ) -> None:
        """`owners`: whose each route is, by its template; what is nobody's is the process's."""
        self._app = app
        self._health = health
        self._telemetry = telemetry
        self._sandbox = sandbox
        self._owners = owners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if self._sandbox is not None and path.startswith(SANDBOX_PREFIX):
            await self._sandbox(scope, receive, send)
            return
        refusal = self._health.refusal(scope.get("method", ""), path)
        app = self._app if refusal is None else refusal.response(path)
        status = 500
        began = time.perf_counter()
        request_id = request_ids.request_id(scope)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[request_ids.HEADER] = request_id
            await send(message)

        in_hand = REQUEST_ID.set(request_id)
        with _traced(scope, path) as span:
            try:
                await app(scope, receive, watched)
            finally:
                self._tell(scope, status, time.perf_counter() - began, span)
                REQUEST_ID.reset(in_hand)

    def _tell(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        method, route = known(scope.get("method", ""), METHODS), _template(scope)
        service = self._owners.get(route, PROCESS)
        self._telemetry.answered(service, method, route, status, seconds)
        if route not in UNLOGGED:
            fields = {
                "service": service,
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 4),
            }
            log.info("request answered", extra=fields)
        if span.recorded:
            span.rename(f"{method} {route}")
            span.tell(
                http__request__method=method,
                http__route=route,
                http__response__status_code=status,
                milesaga__service=service,
                milesaga__request_id=REQUEST_ID.get(),
            )


def _traced(scope: Scope, path: str) -> Span:
    """A neighbor's request goes on in the neighbor's trace; anybody else's begins one of ours."""
    if path in UNLOGGED:
        return NO_SPAN
    said = Headers(scope=scope).get("traceparent", "")
    neighbor = path.startswith(INTERNAL_PREFIX)
    return spans.entered("request", Kind.SERVER, parent=said if neighbor else "", link="" if neighbor else said)


def _template(scope: Scope) -> str:
    """`/v1/checkouts/{id}`: a path with ids in it would be a series of its own for each id."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", OTHER))
