"""What releases asks of others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.releases.domain.notices import Notice


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


class NotProved(Exception):
    """The token proves nobody; the message says why."""


class IssuerSilent(Exception):
    """Whoever issued the token does not answer, so it is not believed."""


class Pipelines(Protocol):
    """Continuous integration, which knows for whom its robots act."""

    async def login(self, token: str) -> str:
        """The login of the person behind the robot, by an identity token. Raises NotProved, IssuerSilent."""
        ...


class Anchor(Protocol):
    """Somewhere else, where checkpoints are kept."""

    async def keep(self, size: int, note: str) -> None:
        """Idempotent. Raises OSError."""
        ...


class ChatAway(Exception):
    """The chat did not do it, or nobody knows whether it did; `again_in` is in seconds, where it said so."""

    def __init__(self, reason: str, again_in: float | None = None) -> None:
        super().__init__(reason)
        self.again_in = again_in


class MessageGone(Exception):
    """There is no such message any more: somebody has deleted it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands; `at` is the chat's name for it."""

    channel: str
    at: str


class Chat(Protocol):
    """Where people are asked. Every method raises ChatAway."""

    async def post(self, notice: Notice) -> Place:
        """A new message. After ChatAway it may stand there all the same: `find` before another."""
        ...

    async def find(self, notice: Notice, since: datetime) -> Place | None:
        """The message of this id, where it stands already."""
        ...

    async def redraw(self, place: Place, notice: Notice) -> None:
        """Idempotent. Raises MessageGone."""
        ...

    async def whisper(self, place: Place, user: str, text: str) -> None:
        """A line that this user alone sees."""
        ...

    async def ask_why(self, trigger: str, subject: str) -> None:
        """Open what asks for a reason before the user whose press has this trigger; `subject` comes back with it."""
        ...
