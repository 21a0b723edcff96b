"""A demonstration claims nothing that it has not checked."""

import time
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from services.cli.printing import styled

T = TypeVar("T")


class Unexpected(Exception):
    """A claim does not hold; the message says what was expected and what was found."""


class Checks:
    """Says each claim that holds, and stops at the first that does not."""

    def __init__(self, out: Console) -> None:
        self._out = out

    def same(self, claim: str, expected: object, found: object) -> None:
        if found != expected:
            raise Unexpected(f"{claim}: expected {expected!r}, found {found!r}")
        self._out.print(" ", styled("✔", "green"), claim)


def soon(what: str, find: Callable[[], T | None], within: float = 15.0) -> T:
    """What turns up in a moment. Raises `Unexpected` when it does not."""
    deadline = time.monotonic() + within
    while True:
        if found := find():
            return found
        if time.monotonic() > deadline:
            raise Unexpected(f"{what}: expected within {within:.0f} s, found nothing")
        time.sleep(0.05)
