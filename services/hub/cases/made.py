"""What the router makes of an event."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.archive import ArchivedEvent, Attempt, RoutedCopy, UndecidedEvent
from shared.contracts.copies import Copy
from shared.contracts.messages import OutboxMessage


@dataclass
class Made:
    """Of one event: what is to be sent, and what is to be said of it."""

    event: ArchivedEvent
    messages: list[OutboxMessage] = field(default_factory=list)
    in_order: list[tuple[Copy, str]] = field(default_factory=list)
    """Copies that are to be numbered, each with its target's name for lanes."""
    targets: list[tuple[str, str]] = field(default_factory=list)
    records: list[RoutedCopy] = field(default_factory=list)
    undecided: list[UndecidedEvent] = field(default_factory=list)
    matches: list[tuple[str, str, str]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    error: Exception | None = None

    @property
    def lane(self) -> str:
        """Empty where it has none."""
        return self.event.position.lane if self.event.position is not None else ""

    @property
    def number(self) -> int:
        return self.event.position.number if self.event.position is not None else 0

    def loosen(self, now: datetime) -> None:
        """It has no place in its lane: its copies go as others do."""
        self.messages += [copy.message(now) for copy, _ in self.in_order]
        self.in_order = []
