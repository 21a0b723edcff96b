"""A record while one happening changes it, field by field: copying the whole record for each change costs more than
everything else that `advance` does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.saga.record import Entry, Record, Refusal, Status, StepState, Timer


class Draft:
    """Reads like the record it began as. Its values are replaced, never changed: the record itself stays as it is."""

    __slots__ = (
        "_before",
        "_changed",
        "cancelled_at",
        "current",
        "forward",
        "refusal",
        "status",
        "steps",
        "timeline",
        "timers",
    )

    def __init__(self, before: Record) -> None:
        self._before = before
        self._changed: set[str] = set()
        self.status: Status = before.status
        self.forward: bool = before.forward
        self.current: str = before.current
        self.steps: Mapping[str, StepState] = before.steps
        self.refusal: Refusal | None = before.refusal
        self.cancelled_at: datetime | None = before.cancelled_at
        self.timers: tuple[Timer, ...] = before.timers
        self.timeline: tuple[Entry, ...] = before.timeline

    def update(self, changes: Mapping[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        self._changed.update(changes)

    def finished(self) -> Record:
        """The record with all changes; the very same one where there were none."""
        if not self._changed:
            return self._before
        return self._before.model_copy(update={name: getattr(self, name) for name in self._changed})
