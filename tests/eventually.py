"""Waiting for what happens elsewhere: a condition, polled until a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PAUSE = 0.02


@overload
async def eventually(condition: Callable[[], Awaitable[T]], within: float = 10.0) -> T: ...
@overload
async def eventually(condition: Callable[[], T], within: float = 10.0) -> T: ...
async def eventually(condition: Callable[[], Any], within: float = 10.0) -> Any:
    """The condition's first true value. An `AssertionError` in it means "not yet".

    Fails after `within` seconds, with the condition's last error or value.
    """
    deadline = time.monotonic() + within
    while True:
        failure: AssertionError | None = None
        seen: object = None
        try:
            answer = condition()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
            seen = value
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure or AssertionError(f"still {seen!r} after {within} s")
        await asyncio.sleep(PAUSE)


def eventually_sync(condition: Callable[[], T], within: float = 10.0) -> T:
    """The same for tests without an event loop."""
    deadline = time.monotonic() + within
    while True:
        failure: AssertionError | None = None
        seen: object = None
        try:
            if value := condition():
                return value
            seen = value
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure or AssertionError(f"still {seen!r} after {within} s")
        time.sleep(PAUSE)


async def happens_within(seconds: float, condition: Callable[[], object]) -> bool:
    """Does it become true within this time? For what must *not* happen: the whole time is then waited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(PAUSE)
    return False
