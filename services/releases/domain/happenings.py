"""What is written into the log: before it has its number, and after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.ledgerlog.leaves import Leaf


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was decided. `request` is empty where it concerns all of them, `actor` where it is the clock."""

    kind: str
    request: str
    actor: str = ""
    via: str = "clock"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A happening and its place in the log."""

    n: int
    at: datetime
    kind: str
    request: str
    actor: str
    via: str
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, leaf: Leaf) -> "Entry":
        return cls(leaf.n, leaf.at, leaf.kind, leaf.request, leaf.actor, leaf.via, leaf.facts)

    @classmethod
    def placed(cls, happening: Happening, n: int, at: datetime) -> "Entry":
        each = happening
        return cls(n, at, each.kind, each.request, each.actor, each.via, each.facts)
