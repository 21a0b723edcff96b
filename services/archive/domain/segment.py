"""Closed segments as they are listed, the classes that they belong to, and when their time is over."""

import re
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.contracts.hubids import moment_of
from shared.segments.lines import Summary
from shared.segments.places import Found

FOREVER: Final = "forever"
RECORDS: Final = "records"
"""The class of what is on record of events."""
RECORDS_KEPT: Final = timedelta(days=30)
_DAYS: Final = re.compile(r"P([1-9][0-9]{0,4})D")


class Segment(BaseModel):
    """A closed segment; its name is its id. Without `ends_at` it stays for ever. `removed_at`: its time was over, and
    its file was taken away."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    count: int
    first: str
    last: str
    owners: dict[str, int]
    kinds: dict[str, int]
    size: int
    sha256: str
    previous: str
    keep: str = FOREVER
    ends_at: AwareDatetime | None = None
    removed_at: AwareDatetime | None = None

    @classmethod
    def of(cls, closed: Summary, keep: str, now: datetime) -> Self:
        """As it is listed at that moment."""
        return cls(
            id=closed.name,
            count=closed.count,
            first=closed.first,
            last=closed.last,
            owners=dict(closed.owners),
            kinds=dict(closed.kinds),
            size=closed.size,
            sha256=closed.sha256,
            previous=closed.previous,
            keep=keep,
            ends_at=ends(keep, closed.last, now),
        )

    @property
    def summary(self) -> Summary:
        told = self.model_dump()
        return Summary(name=self.id, **{name: told[name] for name in Summary.__slots__ if name != "name"})

    @property
    def found(self) -> Found:
        return Found(self.id, is_open=False)

    @property
    def wake_at(self) -> datetime | None:
        return self.ends_at if self.removed_at is None else None

    def is_over(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now


def ends(keep: str, last: str, now: datetime) -> datetime | None:
    """When a segment whose last event has that hubid, and which is listed now, may go: events go so long after their
    acceptance, records so long after they were listed. None for one that stays. Raises ValueError for no class."""
    if keep == FOREVER:
        return None
    if keep == RECORDS:
        return now + RECORDS_KEPT
    return moment_of(last) + kept_for(keep)


def kept_for(keep: str) -> timedelta:
    """What `P400D` says. Raises ValueError."""
    days = _DAYS.fullmatch(keep)
    if days is None:
        raise ValueError(f"no class of keeping: {keep[:50]}")
    return timedelta(days=int(days[1]))
