"""Places in the outside: sockets that do as they are told, byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.outside.gate import Gate
from shared.outside.line import Line
from shared.outside.transport import client
from shared.runtime.trust import https_context

TRUSTED = https_context(None)
Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Place:
    """A server on a socket; `does` is its behaviour, once per connection."""

    def __init__(self, does: Streams) -> None:
        self.does = does
        self.connections = 0
        self.url = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @asynccontextmanager
    async def open(self, shown: ssl.SSLContext | None = None) -> AsyncIterator["Place"]:
        """Over TLS where it has something to show."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=shown)
        self.url = f"http{'s' if shown else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            server.close_clients() if hasattr(server, "close_clients") else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.does(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def line_to(
    url: str, seconds: float = 2.0, *, gate: Gate | None = None, trusted: ssl.SSLContext = TRUSTED
) -> AsyncIterator[Line]:
    async with client(url, seconds, trusted) as to_place:
        yield Line(to_place, timedelta(seconds=seconds), gate=gate)


async def whole_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request to its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


def answering(status: int, body: bytes = b"{}", *headers: str) -> Streams:
    """Answer each request of a connection so."""
    head = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    told = "\r\n".join([*head, "", ""]).encode() + body

    async def does(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await whole_request(reader)
            writer.write(told)
            await writer.drain()

    return does


def saying(*bytes_: bytes) -> Streams:
    """Read a request, say these bytes, and hang up."""

    async def does(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        for part in bytes_:
            writer.write(part)
            await writer.drain()

    return does
