"""What a replay would send is counted."""

from datetime import datetime

from services.archive.domain.replay import MOST_TYPES, OTHERS, Counts
from services.archive.domain.selecting import Chosen


class Counting:
    """Event by event, in the order of their acceptance."""

    def __init__(self) -> None:
        self._events = self._broken = self._undecided = 0
        self._copies: dict[str, dict[str, int]] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, chosen: Chosen) -> None:
        self._undecided += chosen.undecided
        if not chosen.messages:
            return
        self._events += 1
        self._broken += chosen.broken
        self._first = self._first or chosen.event.at
        self._last = chosen.event.at
        kind = str(chosen.event.event["type"])
        for target, _ in chosen.messages:
            by_type = self._copies.setdefault(target, {})
            name = kind if kind in by_type or len(by_type) < MOST_TYPES else OTHERS
            by_type[name] = by_type.get(name, 0) + 1

    @property
    def counts(self) -> Counts:
        return Counts(
            events=self._events,
            copies=self._copies,
            broken=self._broken,
            undecided=self._undecided,
            first=self._first,
            last=self._last,
        )
