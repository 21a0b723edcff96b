"""Queues that are made and taken away while the house runs: those of the targets."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from shared.bus.consumer import PassesOn, Takes
from shared.bus.declaring import Difference
from shared.bus.measuring import Depth
from shared.bus.retry import Failed
from shared.contracts.messages import OutboxMessage

Target: TypeAlias = tuple[str, str]
"""Of a bus, and its name there."""


class BrokerAway(Exception):
    """The broker cannot be asked now, or refuses: what was asked may have been done."""


@dataclass(frozen=True)
class Reading:
    """How a queue that is made while the house runs is consumed: by whom, in which service's name, how many at once,
    what becomes of a message that is not handled, and who hears of it then."""

    queue: str
    service: str
    takes: Takes
    passes_on: PassesOn
    prefetch: int
    passed_on: Callable[[Failed, OutboxMessage], Awaitable[None]]


class Reader(Protocol):
    """A queue that is being consumed."""

    @property
    def ended(self) -> bool:
        """Is nothing delivered any more: the connection went, or the queue?"""
        ...

    async def leave(self, seconds: float) -> None:
        """Take no more, finish what is in hand within that time; what is not goes back."""
        ...


class StandingQueues(Protocol):
    """The broker, as far as such queues go. Every method raises `BrokerAway`."""

    async def make_targets(self, targets: Sequence[Target]) -> Sequence[Difference]:
        """Have each target's queue and its dead letters there. Returns those that are there and differ."""
        ...

    async def standing(self, queues: Iterable[str]) -> Mapping[str, Depth]:
        """How much waits in those that there are, and who consumes."""
        ...

    async def bind(self, queue: str, exchange: str, pattern: str) -> None:
        """Have what comes to the exchange under such a key in the queue from now on."""
        ...

    async def unbind(self, queue: str, exchange: str, pattern: str) -> None:
        """Have it there no more."""
        ...

    async def remove_queue(self, queue: str) -> None:
        """Take a queue away with all that is in it; or find that it is not there."""
        ...

    async def read_queue(self, reading: Reading) -> Reader:
        """Consume a queue until it, its connection or this process goes. One that is not there is an error, too."""
        ...
