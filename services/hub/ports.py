"""What the hub asks of others."""

from typing import Protocol


class ArchiveUnavailable(Exception):
    """The archive does not answer now."""


class Archive(Protocol):
    """Where accepted events are kept."""

    async def has(self, hubid: str) -> bool:
        """Is the event of that name kept? Raises ArchiveUnavailable."""
        ...
