"""Jobs as documents: the newest of them, and how many of an owner's are not over."""

from collections.abc import Sequence
from typing import Final, TypeVar

from services.archive.domain.jobs import Job
from shared.store.documents import After, Index
from shared.store.repository import Repository, Stored

J = TypeVar("J", bound=Job)

MADE: Final = "by_time"
OWNED: Final = "by_owner"
OPEN: Final = "by_open"
INDEXES: Final = (Index(MADE, ("made_at",)), Index(OWNED, ("owner", "made_at")), Index(OPEN, ("open",)))


async def newest(jobs: Repository[J], owner: str | None, after: After, limit: int) -> Sequence[Stored[J]]:
    """The newest first; None: everybody's. Raises Unavailable."""
    index, prefix = (MADE, ()) if owner is None else (OWNED, (owner,))
    return await jobs.find(index, prefix, limit=limit, after=after, descending=True)


async def has_so_many(jobs: Repository[J], owner: str, most: int) -> bool:
    """Are so many of the owner's not over? Raises Unavailable."""
    return len(await jobs.find(OPEN, (owner,), limit=most)) == most
