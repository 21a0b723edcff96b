"""The HTTP server of a process: its socket is bound before anything else, so that everybody can be told the address."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import uvicorn

from shared.runtime.settings import WrongSettings

BACKLOG = 2048
IDLE_SECONDS = 75
"""How long an idle connection stays open: longer than usual proxies keep theirs, so that they close first."""


@dataclass(frozen=True)
class BoundSocket:
    """A bound socket and the address by which this machine reaches it."""

    socket: socket.socket
    url: str


def bind(host: str, port: int) -> BoundSocket:
    """Take the port; 0 takes any free one. Raises WrongSettings."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(BACKLOG)  # until then Linux would let somebody else bind it, too
    except socket.gaierror as error:
        taken.close()
        raise WrongSettings(f"HOST: {host} is no address of this machine ({error.strerror})") from error
    except OSError as error:
        taken.close()
        why = f"cannot listen on {host}:{port} ({error.strerror})"
        raise WrongSettings(f"PORT: {why}: name another one, or 0 for any that is free") from error
    taken.set_inheritable(False)
    return _listener(taken, host)


def inherited(descriptor: int) -> BoundSocket:
    """What a parent has bound for this process."""
    bound = socket.socket(fileno=descriptor)
    bound.set_inheritable(False)
    return _listener(bound, str(bound.getsockname()[0]))


def _listener(bound: socket.socket, host: str) -> BoundSocket:
    near = reachable(host)
    return BoundSocket(bound, f"http://{f'[{near}]' if ':' in near else near}:{bound.getsockname()[1]}")


def reachable(host: str) -> str:
    """By which address this machine reaches what listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


class _Server(uvicorn.Server):
    """Signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class HttpServer:
    """Serves one ASGI application on a bound socket."""

    def __init__(self, app: Any, listener: BoundSocket) -> None:
        self._listener = listener
        self._config = uvicorn.Config(
            app,
            loop="asyncio",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS,
        )
        self._server = _Server(self._config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when requests are taken."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener.socket]))
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110 - uvicorn's flag
            await asyncio.sleep(0.005)
        if self._serving.done():
            await self._serving

    async def stop(self, seconds: float) -> None:
        """Take no more connections, finish the requests in hand within so many seconds, then cut them off."""
        if self._serving is None:
            self._listener.socket.close()
            return
        self._config.timeout_graceful_shutdown = max(1, round(seconds))
        self._server.should_exit = True
        await self._serving
