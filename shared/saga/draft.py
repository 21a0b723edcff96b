"""A record while one happening changes it, field by field: copying the whole record for each change costs more than
everything else that `advance` does."""

from datetime import datetime
from typing import TypedDict, Unpack

from shared.contracts.steps import Refusal
from shared.kernel.values import changed
from shared.saga.definition import S, Saga
from shared.saga.record import Entry, Record, Status, StepState, StepStatus, Timer


class Changes(TypedDict, total=False):
    """What a happening may change of a record."""

    status: Status
    forward: bool
    current: str
    steps: dict[str, StepState]
    refusal: Refusal | None
    cancelled_at: datetime | None
    timers: tuple[Timer, ...]
    timeline: tuple[Entry, ...]


class StepChanges(TypedDict, total=False):
    """What a happening may change of a step."""

    status: StepStatus
    attempt: int
    asks: int
    answered: bool
    started_at: datetime | None
    finished_at: datetime | None


class Draft:
    """Reads like the record it began as. Its values are replaced, never changed: the record itself stays as it is."""

    __slots__ = ("_before", "_changes")

    def __init__(self, before: Record) -> None:
        self._before = before
        self._changes = Changes()

    @property
    def status(self) -> Status:
        return self._changes.get("status", self._before.status)

    @property
    def forward(self) -> bool:
        return self._changes.get("forward", self._before.forward)

    @property
    def current(self) -> str:
        return self._changes.get("current", self._before.current)

    @property
    def steps(self) -> dict[str, StepState]:
        return self._changes.get("steps", self._before.steps)

    @property
    def cancelled_at(self) -> datetime | None:
        return self._changes.get("cancelled_at", self._before.cancelled_at)

    @property
    def timers(self) -> tuple[Timer, ...]:
        return self._changes.get("timers", self._before.timers)

    @property
    def timeline(self) -> tuple[Entry, ...]:
        return self._changes.get("timeline", self._before.timeline)

    def update(self, **changes: Unpack[Changes]) -> None:
        self._changes.update(changes)

    def update_step(self, name: str, **changes: Unpack[StepChanges]) -> None:
        self.update(steps={**self.steps, name: changed(self.steps[name], **changes)})

    def finished(self) -> Record:
        """The record with all changes; the very same one where there were none."""
        return changed(self._before, **self._changes) if self._changes else self._before


def cancellable(saga: Saga[S], record: Record | Draft) -> bool:
    """Can a cancel still be taken: is the purchase on its way forward, and its pivot not passed?"""
    if record.status is not Status.RUNNING or not record.forward or not record.current:
        return False
    return saga.index(record.current) <= saga.pivot
