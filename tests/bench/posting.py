"""Requests as cheap as they can be made, so that the one that answers is measured: HTTP/1.1, connections kept."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.bench.children import Failed


class Line:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, request: bytes) -> int:
        """The status; the body is read and thrown away."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if length:
            await self._reader.readexactly(int(length))
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


class Lines:
    """So many connections to one address; `headers` are every request's."""

    def __init__(self, url: str, path: str, count: int, headers: dict[str, str]) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        told = {"Host": f"{self._host}:{self._port}", **headers}
        self._head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._count = count
        self._lines: list[Line] = []

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._lines.append(Line(*await asyncio.open_connection(self._host, self._port)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            line.close()

    def request(self, body: bytes) -> bytes:
        return f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def send(self, requests: Sequence[bytes]) -> None:
        """All of them, as fast as they are answered. Raises Failed where one is not accepted."""
        waiting = iter(requests)

        async def one_by_one(line: Line) -> None:
            for request in waiting:
                if (status := await line.post(request)) not in {200, 202}:
                    raise Failed(f"a request was answered {status}")

        await asyncio.gather(*map(one_by_one, self._lines))

    async def pace(self, requests: Sequence[bytes], rate: float) -> list[float]:
        """So many a second, whatever the answers take; the seconds of each, from when it was due."""
        free: asyncio.Queue[Line] = asyncio.Queue()
        for line in self._lines:
            free.put_nowait(line)
        began, took = time.perf_counter(), [0.0] * len(requests)

        async def at_its_time(number: int) -> None:
            line = await free.get()
            if (status := await line.post(requests[number])) not in {200, 202}:
                raise Failed(f"a request was answered {status}")
            took[number] = time.perf_counter() - began - number / rate
            free.put_nowait(line)

        under_way = []
        for number in range(len(requests)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            under_way.append(asyncio.create_task(at_its_time(number)))
        await asyncio.gather(*under_way)
        return took
