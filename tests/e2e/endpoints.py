"""A partner's endpoint: it keeps every request that it hears, and answers as a test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.cli.ports import free_ports
from tests.eventually import eventually

ARRIVES: Final = 30.0
"""Seconds, on any machine, for what takes one."""


@dataclass(eq=False)
class Heard:
    """Header names are in small letters; `at` counts seconds; `status` is what it was answered, 0 until then."""

    headers: dict[str, str]
    body: bytes
    at: float
    status: int = 0

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Behaviour = Callable[[Heard], Awaitable[Response]]


async def takes(_: Heard) -> Response:
    return Response(status_code=204)


class Endpoint:
    """Listens on this machine for as long as the block lasts."""

    def __init__(self, behaviour: Behaviour = takes) -> None:
        self.behaviour = behaviour
        self.heard: list[Heard] = []
        self.at_once = 0
        self.most_at_once = 0
        self.options: list[dict[str, str]] = []
        self.handshake = True
        self.allowed_rate: str | None = None
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), host="127.0.0.1", port=self.port, log_level="error", lifespan="off")
        )
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server.serve())
        await eventually(lambda: self._server.started, ARRIVES)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        assert self._serving is not None
        await self._serving

    async def eventually_heard(self, count: int, within: float = ARRIVES) -> list[Heard]:
        await eventually(lambda: len(self.heard) >= count, within)
        return self.heard

    def _app(self) -> ASGIApp:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await self._answer(scope, receive, send)

        return application

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = dict(request.headers)
        if request.method == "OPTIONS":
            response = self._shaken_hands(headers)
        else:
            heard = Heard(headers, await request.body(), asyncio.get_running_loop().time())
            self.heard.append(heard)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                response = await self.behaviour(heard)
                heard.status = response.status_code
            finally:
                self.at_once -= 1
        await response(scope, receive, send)

    def _shaken_hands(self, headers: dict[str, str]) -> Response:
        self.options.append(headers)
        if not self.handshake:
            return Response(status_code=405)
        told = {"WebHook-Allowed-Origin": headers.get("webhook-request-origin", "")}
        if self.allowed_rate is not None:
            told["WebHook-Allowed-Rate"] = self.allowed_rate
        return Response(status_code=200, headers=told)
