"""Queues that are made and taken away while the house runs: those of the targets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from shared.bus.declaring import Difference
from shared.bus.measuring import Depth

Target: TypeAlias = tuple[str, str]
"""Of a bus, and its name there."""


class BrokerAway(Exception):
    """The broker cannot be asked now, or refuses: what was asked may have been done."""


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
