"""What releases asks of others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class BadGrant(Exception):
    """No grant of ours, or its time is over; `expired` says which."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("the grant has expired" if expired else "it is no grant")
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Claims:
    """What a grant says: its own name, whose it is, for what, where it stands in the log, and until when."""

    jti: str
    request: str
    action: str
    digest: str
    target: str
    log_index: int
    issued_at: datetime
    until: datetime


class Grants(Protocol):
    """Signs and reads grants."""

    def signed(self, claims: Claims) -> str:
        """The same text for the same claims."""
        ...

    def read(self, grant: str) -> Claims:
        """What it says, whoever shows it, also when its time is over: the log knows. Raises BadGrant."""
        ...


class Anchor(Protocol):
    """Somewhere else, where checkpoints are kept."""

    async def keep(self, size: int, note: str) -> None:
        """Idempotent. Raises OSError."""
        ...
