"""What the protocol of pages speaks of: what is wanted, what stands in the store, and what is asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from shared.contracts.positions import Position

Key: TypeAlias = str
"""Under which its sender knows a thing: told again, it is the same one."""
Holds: TypeAlias = tuple[str, ...]
"""The ids of what a page holds. One that holds nothing is closed: what was meant for it is not accepted by it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to be accepted. `id` is the name it gets if it is; `digest` is equal for equal contents; `life` is how
    long its key is known; `mark` is what it is counted as, once it is accepted; `lane` is the order that it is part of,
    empty where it is part of none."""

    key: Key
    digest: str
    id: str
    life: timedelta
    mark: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """Things that are accepted together or not at all; no key twice."""

    things: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Says in which page, and under which id, the thing of a key was last meant to be accepted: whether it was, the
    page knows. `at` is by the clock of whoever wrote it, `until` when the key may be used for something else."""

    key: Key
    digest: str
    id: str
    page: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A row as it is stored."""

    row: Row
    version: int


@dataclass(frozen=True, slots=True)
class Insert:
    """Write those rows that are not there yet. Answered by the keys that are."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Answered by those that are there, by their keys."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class ReadPages:
    """Answered by what those hold that are there. To be read after the rows that name them."""

    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """Write each as a page that holds nothing, unless it is there. Answered by what each holds now."""

    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """Replace those rows whose versions are still these, each for itself. Answered by the keys of those replaced."""

    rows: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Number things in their lanes: ids and lanes, in their order. Answered by the positions, by id; by None where not
    all could be had."""

    page: str
    things: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Save:
    """Write the page, unless it is there, with its messages. Answered by what it holds now, whoever wrote it."""

    page: str
    holds: Holds
    positions: Mapping[str, Position] = field(default_factory=dict)


Step: TypeAlias = Insert | ReadRows | ReadPages | Close | Take | Order | Save
Answer: TypeAlias = frozenset[Key] | Mapping[Key, Found] | Mapping[str, Holds] | Mapping[str, Position] | Holds | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Each of a unit's things by its key: the id it has for good, and whether it had it before."""

    ids: Mapping[Key, tuple[str, Literal["accepted", "duplicate"]]]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the unit was accepted. `reused`: the key stands for something else; `in_flight`: somebody is at work
    on it, or was a moment ago, and it may be asked again."""

    key: Key
    reason: Literal["reused", "in_flight"]


Outcome: TypeAlias = Accepted | Refused
