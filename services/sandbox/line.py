"""Hanging up: what a provider does that was cut off, and what ASGI has no word for."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastapi import Request, Response

from services.sandbox.transports import transport


class NoLineError(RuntimeError):
    """The server does not let its connection be found."""


async def wait(request: Request, seconds: float) -> None:
    """Let `seconds` pass, or less when the client leaves."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _client_gone(request)


async def hang_up(request: Request, seconds: float) -> Response:
    """Close the connection after `seconds`, without a byte of an answer. What is returned reaches nobody."""
    await request.body()
    line = _transport_behind(request.receive)
    await wait(request, seconds)
    line.close()
    await _client_gone(request)
    return Response(status_code=500)


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _transport_behind(receive: Callable[..., Any]) -> asyncio.Transport:
    """uvicorn's `receive` is a method of the object that holds the transport; middleware wraps it in closures."""
    found: deque[Any] = deque([receive])
    seen: set[int] = set()
    while found:
        thing = found.popleft()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        owner = getattr(thing, "__self__", None)
        if (line := transport(getattr(owner, "transport", None))) is not None:
            return line
        cells = getattr(thing, "__closure__", None) or ()
        inner = [cell.cell_contents for cell in cells]
        for holder in (owner, thing):
            inner += getattr(holder, "__dict__", {}).values()
        found.extend(candidate for candidate in inner if callable(candidate))
    raise NoLineError("faults that close the line need uvicorn")
