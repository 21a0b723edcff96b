"""HTTP/1.1 under httpx's client: connections that are kept, requests that are never sent twice.

httpx's own transport looks through all its connections at every request, and its parser is Python's; this one takes a
third of the time. Which connection speaks, and what it means when it falls silent, is all there is to it: TLS is the
event loop's, parsing is httptools' (llhttp), connecting is aiohappyeyeballs'.
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx
from aiohappyeyeballs import AddrInfoType, start_connection

from shared.outside.connection import Connection
from shared.outside.lookups import LookUps

MOST_AT_ONCE: Final = 100
MOST_IDLE: Final = 20
"""Of each origin."""
MOST_ORIGINS: Final = 1_000
"""Of which idle connections are kept; where there are more, those are forgotten that have none any more."""
IDLE_SECONDS: Final = 5.0
"""Shorter than servers keep theirs: the later a kept connection is used, the likelier it has just been closed."""
NEXT_ADDRESS_SECONDS: Final = 0.25
"""So long a host's address is given before the next one is tried beside it (RFC 8305)."""
PIECE: Final = 64 * 1024
"""In so many bytes at a time a body is given out: a small one may unpack to a thousand times as much."""
WHOSE: Final = "whose"
"""The extension of a request that says for whom it is sent, where there are many."""

_WELL_FORMED: Final = re.compile(
    rb"[A-Z]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?\r\n)*"
    rb"\r\n"
)
"""A request's head. That no header hides in another one's value is told by their number."""

Origin = tuple[str, str, int]


def client(base_url: str, timeout_seconds: float, trusted: ssl.SSLContext) -> httpx.AsyncClient:
    """A client with explicit timeouts and of nobody's environment, which keeps connections and no cookies."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout_seconds,
        trust_env=False,
        transport=KeptConnections(trusted),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


class KeptConnections(httpx.AsyncBaseTransport):
    """One request at a time on a connection, the one used last first; idle ones are closed after 5 seconds."""

    def __init__(self, trusted: ssl.SSLContext, *, at_once: int | None = None, enough: int | None = None) -> None:
        """`trusted` says how servers are checked over HTTPS. Of an answer's body `enough` bytes are read, and no more
        of it is waited for; None: all of it."""
        self._trusted = trusted
        self._enough = enough
        self._places = asyncio.Semaphore(at_once or MOST_AT_ONCE)
        self._idle: dict[Origin, deque[Connection]] = {}
        self._lookups = LookUps()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer.

        Raises PoolTimeout, ConnectTimeout and ConnectError only while nothing of the request has gone out; Write-,
        ReadTimeout, ReadError and RemoteProtocolError say nothing about what the other side has done.
        """
        origin, written = _origin(request.url), _written(request, await request.aread())
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        await self._take_place(timeouts.get("pool"))
        try:
            whose: str | None = request.extensions.get(WHOSE)
            connection = self._kept(origin) or await self._connected(origin, timeouts.get("connect"), whose)
            reading = await connection.exchange(
                written,
                bare=request.method == "HEAD",
                write=timeouts.get("write"),
                read=timeouts.get("read"),
                enough=self._enough,
            )
            self._keep(origin, connection)
        finally:
            self._places.release()
        return httpx.Response(reading.status, headers=reading.headers, stream=_Body(reading.body))

    async def aclose(self) -> None:
        """Requests under way go on; their connections are closed after them."""
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _take_place(self, seconds: float | None) -> None:
        if not self._places.locked():  # nobody waits, so there is nothing to be timed
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("every connection is in use") from error

    def _kept(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_idle():
                return connection
            connection.close()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if self._closed:
            connection.close()
        if not connection.is_open:
            return
        if origin not in self._idle and len(self._idle) >= MOST_ORIGINS:
            self._idle = {each: idle for each, idle in self._idle.items() if any(one.is_open for one in idle)}
        idle = self._idle.setdefault(origin, deque())
        if len(idle) == MOST_IDLE:
            idle.popleft().close()
        idle.append(connection)
        connection.rest(IDLE_SECONDS)

    async def addresses(self, host: str, port: int, whose: str | None) -> Sequence[AddrInfoType]:
        """Where a connection may go: exactly there, and nowhere else. Raises OSError, ValueError."""
        return await self._lookups.addresses(host, port, whose)

    async def _connected(self, origin: Origin, seconds: float | None, whose: str | None) -> Connection:
        """`seconds` are for connecting, and as many again for the handshake."""
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                addresses = await self.addresses(host, port, whose)
                found = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
            secured: dict[str, Any] = {"ssl": self._trusted, "server_hostname": host} if scheme == "https" else {}
            async with asyncio.timeout(seconds):
                _, connection = await loop.create_connection(Connection, sock=found, **secured)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise httpx.ConnectError(str(error)) from error
        return connection


class _Body(httpx.AsyncByteStream):
    """A body that is here already."""

    def __init__(self, body: bytearray) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for begin in range(0, len(self._body), PIECE):
            yield bytes(self._body[begin : begin + PIECE])


def _origin(url: httpx.URL) -> Origin:
    """Raises UnsupportedProtocol."""
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol("an address begins with http:// or https:// and a host")
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


def _written(request: httpx.Request, body: bytes) -> bytes:
    """The request as it goes out. Raises LocalProtocolError."""
    lines = [f"{request.method} ".encode(), request.url.raw_path, b" HTTP/1.1\r\n"]
    headers = request.headers.raw
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    head = b"".join(lines)
    if not _WELL_FORMED.fullmatch(head) or head.count(b"\r\n") != len(headers) + 2:
        raise httpx.LocalProtocolError("a request's head has characters that are not for it")
    if "Transfer-Encoding" in request.headers:
        raise httpx.LocalProtocolError("a body of unknown length")
    return head + body
