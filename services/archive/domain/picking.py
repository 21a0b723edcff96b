"""What a feed tells of an event: what would have been sent, had its target been one that is sent to."""

from dataclasses import dataclass, field
from typing import Any, Final

from shared.contracts.archive import ArchivedEvent
from shared.routing.bus import Bus
from shared.rules.looking import TooMuchWork

UNDECIDED: Final = "undecided"


@dataclass(frozen=True, slots=True)
class Broken:
    """An event that is for the target, or perhaps is, of which nothing can be made. `reason` is a word."""

    hubid: str
    reason: str
    detail: str


@dataclass
class Picked:
    """CloudEvents in JSON's format, with the hub's extensions; and what is broken."""

    events: list[dict[str, Any]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events) + len(self.broken)

    def add(self, other: "Picked") -> None:
        self.events += other.events
        self.broken += other.broken


def picked(bus: Bus, target: str, event: ArchivedEvent) -> Picked:
    """By the rules of today."""
    try:
        routing = bus.route(event, only=(target,))
    except TooMuchWork:
        return Picked(broken=[Broken(event.hubid, UNDECIDED, "the rules of the bus have too much work with it")])
    return Picked(
        [copy.event() for copy in routing.copies],
        [Broken(event.hubid, each.reason, each.detail) for each in routing.broken],
    )
