"""A partner: whose tokens are its, what it may publish, how much."""

from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from shared.accepting.allowance import Terms
from shared.contracts.hubids import EPOCH, MILLISECOND
from shared.kernel.values import changed

NAME: Final = r"^[a-z][a-z0-9-]{1,40}$"
TYPE: Final = r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*\.v[1-9][0-9]{0,5}$"
GLOB: Final = r"^[a-z0-9_.-]*\*?[a-z0-9_.-]*$"
Glob = Annotated[str, Field(min_length=1, max_length=200, pattern=GLOB, examples=["retail.receipt.*"])]
"""A type's name, or many: a * stands for any run of characters."""


class Rate(BaseModel):
    """So many events a second, and so many at once after a rest: at least a whole batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events_per_second: Annotated[StrictInt, Field(ge=1, le=100_000, description="On average", examples=[500])] = 100
    burst: Annotated[
        StrictInt, Field(ge=500, le=1_000_000, description="After a rest; at least a batch", examples=[2000])
    ] = 1_000


class Partner(BaseModel):
    """As it is kept; its name is its id."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    clients: tuple[str, ...]
    publishes: tuple[str, ...]
    rate: Rate = Rate()
    strict_types: bool = True
    dedupe_hours: int = 24
    contact: str = ""
    broker_user: str | None = None
    position: int = 0
    """Greater with each change: what delivery is told has an order by it. 0 where an earlier release saved it."""

    @property
    def terms(self) -> Terms:
        return Terms(float(self.rate.events_per_second), self.rate.burst)

    @property
    def life(self) -> timedelta:
        """How long an event's id is known."""
        return timedelta(hours=self.dedupe_hours)

    def hears_new(self, before: "Partner | None") -> bool:
        """Does somebody speak for it who did not before?"""
        known = before.clients if before is not None else ()
        user = before.broker_user if before is not None else None
        return not set(self.clients) <= set(known) or self.broker_user not in {None, user}

    def without(self, name: str) -> "Partner":
        """The same, for whom nobody speaks by that client or that user of the broker."""
        clients = tuple(client for client in self.clients if client != name)
        user = None if self.broker_user == name else self.broker_user
        return changed(self, clients=clients, broker_user=user)

    def may_publish(self, kind: str) -> bool:
        return matches(self.publishes, kind)


def following(position: int, now: datetime) -> int:
    """A position after that one, and after all that were given before: also those of a partner of that name which was
    forgotten meanwhile, and those that a store had forgotten when it was restored."""
    return max(position + 1, (now - EPOCH) // MILLISECOND)


def matches(globs: tuple[str, ...] | list[str], kind: str) -> bool:
    """Does one of the globs name the type? A star stands for dots as well."""
    return any(fnmatchcase(kind, glob) for glob in globs)
