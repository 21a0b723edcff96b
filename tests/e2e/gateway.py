"""One public address for services in processes of their own, as an ingress gives it: the path names the service."""

import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.house import HOUSE
from shared.runtime.description import owner_of

SANDBOX = "sandbox"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}
STARTED_WITHIN = 10.0


@contextmanager
def gateway(port: int, upstreams: Mapping[str, str]) -> Iterator[str]:
    """Serve on the port; `upstreams` are the services' base URLs. A service that is away is answered for with 502."""

    @asynccontextmanager
    async def client(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as http:
            app.state.http = http
            yield

    async def forward(request: Request) -> Response:
        path = request.url.path
        name = SANDBOX if path.startswith(f"/{SANDBOX}/") else owner_of(HOUSE, path)
        if name is None:
            return Response(status_code=404)
        url = upstreams[name] + path + (f"?{request.url.query}" if request.url.query else "")
        outgoing = request.app.state.http.build_request(
            request.method, url, headers=_end_to_end(request.headers), content=await request.body()
        )
        try:
            answer = await request.app.state.http.send(outgoing, stream=True)
        except httpx.HTTPError:
            return Response(status_code=502)
        return StreamingResponse(
            _bytes(answer), answer.status_code, _end_to_end(answer.headers), background=BackgroundTask(answer.aclose)
        )

    app = Starlette(routes=[Route("/{path:path}", forward, methods=METHODS)], lifespan=client)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTED_WITHIN
    while not server.started:
        assert time.monotonic() < deadline, "the gateway did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


async def _bytes(answer: httpx.Response) -> AsyncIterator[bytes]:
    """What the service sends, as it sends it; a service that dies ends the stream."""
    with suppress(httpx.HTTPError):
        async for chunk in answer.aiter_raw():
            yield chunk


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
