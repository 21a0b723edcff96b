"""Partners' endpoints, as cheap as they can be made: each takes 5 ms for an answer, those below `/hangs/` 25 s:
longer than anybody measures, and no fault, for which they would be left alone.

    python -m tests.bench.hub_endpoints PORT

A line on standard input is answered by what has come since the last one: by path, (the event's id, when) in
their order, by the clock that all processes of a machine have in common.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Final, cast

import uvloop

TAKES: Final = 0.005
HANGS_FOR: Final = 25.0
HANGS: Final = b"/hangs/"
AGREES: Final = b"HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: *\r\nContent-Length: 0\r\n\r\n"
TAKEN: Final = b"HTTP/1.1 204 No Content\r\n\r\n"

Came = dict[str, list[tuple[str, float]]]


class Endpoint(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, came: Came) -> None:
        self._came = came
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, body = self._held.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length or 0):
            return
        self._held = b""
        method, path, _ = head.split(b" ", 2)
        if method == b"OPTIONS":
            self._transport.write(AGREES)
            return
        self._came[path.decode()].append((json.loads(body)["id"], time.perf_counter()))
        seconds = HANGS_FOR if path.startswith(HANGS) else TAKES
        asyncio.get_running_loop().call_later(seconds, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(TAKEN)


async def main(port: str) -> None:
    loop = asyncio.get_running_loop()
    came: Came = defaultdict(list)
    await loop.create_server(lambda: Endpoint(came), "127.0.0.1", int(port), backlog=1_000)
    print("ready", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print("RESULT", json.dumps(came), flush=True)
        came.clear()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
