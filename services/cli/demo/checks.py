"""A demonstration claims nothing that it has not checked, and shows what its reader can type."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from services.cli.printing import styled

T = TypeVar("T")


class Unexpected(Exception):
    """A claim does not hold; the message says what was expected and what was found."""


class Checks:
    """Says each claim that holds, and stops at the first that does not; and what is typed and answered before it."""

    def __init__(self, out: Console) -> None:
        self._out = out

    def same(self, claim: str, expected: object, found: object) -> None:
        if found != expected:
            raise Unexpected(f"{claim}: expected {expected!r}, found {found!r}")
        self._out.print(" ", styled("✔", "green"), claim)

    def typed(self, *words: str) -> None:
        """A command line of ours, as its reader would type it."""
        self._out.print(styled(f"  $ {shlex.join(('milesaga', *words))}", "cyan"), soft_wrap=True)

    def told(self, text: str) -> None:
        """What a command, a program or a person says."""
        for line in text.rstrip().splitlines():
            self._out.print(f"  {line}", soft_wrap=True)


def shown_path(path: Path) -> str:
    """As it is typed in the folder in which the demonstration was started, where it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def soon(what: str, find: Callable[[], T | None], within: float = 15.0) -> T:
    """What turns up in a moment. Raises `Unexpected` when it does not."""
    deadline = time.monotonic() + within
    while True:
        if found := find():
            return found
        if time.monotonic() > deadline:
            raise Unexpected(f"{what}: expected within {within:.0f} s, found nothing")
        time.sleep(0.05)
