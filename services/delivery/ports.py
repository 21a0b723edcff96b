"""What delivery asks of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.delivery.domain.verdicts import Answer
from shared.bus.dead_letters import Choice, DeadLetter, Place, Reborn


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a request goes, and how long it may take. The partner is the bus's owner, who named the URL."""

    partner: str
    url: str
    seconds: float


class Poster(Protocol):
    """The way to the endpoints. Of all requests each partner has a part under way, at most."""

    async def post(self, to: Endpoint, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of one request, which took no longer than it may once it was its partner's turn. Raises nothing."""
        ...

    async def ask(self, to: Endpoint, headers: Mapping[str, str]) -> Answer:
        """The same of OPTIONS, with the answer's headers."""
        ...


class InOtherHands(Exception):
    """Somebody else looks at these letters just now."""


class Letters(Protocol):
    """Dead letters, by the queue that they were for. Every method raises BrokerAway and InOtherHands."""

    async def listed(self, queue: str, limit: int, after: Place) -> Sequence[DeadLetter]:
        """Those that follow the place, the oldest first."""
        ...

    async def letter(self, queue: str, handle: str) -> DeadLetter | None:
        """The one with that handle."""
        ...

    async def redrive(self, queue: str, chosen: Choice, reborn: Reborn, most: int) -> int:
        """Send them there again, with such headers; how many. One that is there twice after a crash has one name."""
        ...

    async def discard(self, queue: str, chosen: Choice, most: int) -> int:
        """Remove them; how many."""
        ...


class Sealing(Protocol):
    """Keeps secrets so that nobody reads them who has the store alone."""

    newest: str
    """The name of the master key that is to seal."""
    former: str | None
    """That of the one before, while it is given: what it sealed can be opened."""
    key: str
    """Which of the two seals now."""

    def turn(self) -> None:
        """Seal by the newest from now on."""
        ...

    def seal(self, secret: bytes, place: str) -> str:
        """As text for the store; it can be opened for this place alone."""
        ...

    def opened(self, key: str, text: str, place: str) -> bytes:
        """What the master key of that name sealed. Raises Unopenable where it is neither, or the place another."""
        ...


class Unopenable(Exception):
    """A secret was sealed by another master key, or for another place."""
