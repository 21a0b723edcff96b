"""A TCP proxy with faults, one per dependency, on a free loopback port.

async with FaultProxy("127.0.0.1", 5672) as proxy:
    url = f"amqp://user:password@127.0.0.1:{proxy.port}/"
    proxy.hang()
"""

import asyncio
import contextlib
import socket
import struct
from typing import Self

CHUNK = 65_536
LINGER_ZERO = struct.pack("ii", 1, 0)  # close answers with RST instead of FIN


class FaultProxy:
    """Passes bytes on, until told otherwise. Faults may be changed while connections are open.

    `latency`: seconds added to every chunk, each way. `bytes_per_second`: None is as fast as it goes.
    `refuse`: new connections are reset.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.latency = 0.0
        self.bytes_per_second: int | None = None
        self.refuse = False
        self.accepted = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            self.flow()
            self.cut()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("enter the proxy first")
        return int(self._server.sockets[0].getsockname()[1])

    def hang(self) -> None:
        """Keep every connection, accept new ones, move no byte: a half-open network."""
        self._flows.clear()

    def flow(self) -> None:
        """End a hang; what was held back is delivered."""
        self._flows.set()

    def cut(self) -> None:
        """Reset (RST) every open connection."""
        for writer in list(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            _reset(writer)
            return
        try:
            behind_reader, behind_writer = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, behind_writer}
        self._writers |= pair
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(self._pump(reader, behind_writer), self._pump(behind_reader, writer))
        finally:
            self._writers -= pair
            for end in pair:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await asyncio.sleep(self.latency + (len(data) / self.bytes_per_second if self.bytes_per_second else 0.0))
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    end: socket.socket | None = writer.get_extra_info("socket")
    if end is not None:
        with contextlib.suppress(OSError, ValueError):  # closed already, as asyncio and uvloop say
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    writer.transport.abort()
