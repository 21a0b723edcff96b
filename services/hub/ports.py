"""What the hub asks of others."""

from typing import Protocol

from shared.contracts.archive import Contents, Records


class ArchiveUnavailable(Exception):
    """The archive does not answer now."""


class Archive(Protocol):
    """Where accepted events are kept, and what was said of them."""

    async def has(self, hubid: str) -> bool:
        """Is the event of that name kept? Raises ArchiveUnavailable."""
        ...

    async def contents(self, hubid: str) -> Contents | None:
        """The event of that name whole; None where it is not kept. Raises ArchiveUnavailable."""
        ...

    async def named(self, partner: str, event_id: str) -> str | None:
        """The hubid of the newest kept event that its partner calls so. Raises ArchiveUnavailable."""
        ...

    async def records(self, hubid: str) -> Records:
        """What is on record of the event of that name: empty where nothing is. Raises ArchiveUnavailable."""
        ...
