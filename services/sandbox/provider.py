"""What a provider's stand-in is to the rest of the sandbox."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from services.sandbox.clock import Clock
from services.sandbox.faults import Faults
from services.sandbox.memory import Memory
from services.sandbox.oauth import Issuer
from services.sandbox.settings import SandboxSettings

Beliefs = Mapping[str, list[dict[str, Any]]]
"""Rows by the name under which `/sandbox/books` shows them."""


@dataclass(frozen=True)
class Surroundings:
    """What the sandbox gives every stand-in."""

    settings: SandboxSettings
    memory: Memory
    faults: Faults
    issuer: Issuer
    now: Clock
    """What time it is in the outside world."""
    machine: Clock
    """The clock of those who check what is signed here."""


class StandIn:
    """A provider while the sandbox exists. What is not said here does nothing."""

    routers: Sequence[APIRouter] = ()
    """Full paths, under `/sandbox/`."""
    port: int = 0
    """Where it listens beside HTTP, at `HOST`; 0 for nowhere."""

    async def start(self) -> None:
        """Take up what is remembered; listen."""

    async def stop(self) -> None:
        """Hang up. Called also when it was never started."""

    async def inquire(self) -> Beliefs:
        """What it believes and must ask others for. Raises ProblemError when they do not answer."""
        return {}

    def believes(self, connection: sqlite3.Connection) -> Beliefs:  # noqa: ARG002 - for those with tables
        """What its own tables say of purchases: read at one moment, with all others'."""
        return {}

    async def forget(self) -> None:
        """Drop what it keeps of purchases outside its tables."""


@dataclass(frozen=True)
class Provider:
    """An entry of `providers.PROVIDERS`: all that the sandbox knows of a stand-in before it is opened."""

    name: str
    open: Callable[[Surroundings], StandIn]
    operations: frozenset[str] = frozenset()
    """What can be made to fail by this name; a provider without any is none of the faults' business."""
    schema: str = ""
    """Its tables, as SQL that may be run again."""
    emptied: tuple[str, ...] = ()
    """Its tables of purchases: what `DELETE /sandbox/books` empties."""


def rows(cursor: sqlite3.Cursor, *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in cursor]
