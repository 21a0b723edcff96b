"""One running of a saga, as it is stored."""

from datetime import datetime
from typing import ClassVar, Generic, Self

from pydantic import AwareDatetime

from shared.kernel.values import Value, changed
from shared.saga.definition import S
from shared.saga.record import Record


class SagaRun(Value, Generic[S]):
    """What the saga is about (its state), and the record of where it stands."""

    schema_version: ClassVar[int] = 1

    id: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    revision: int = 1
    traceparent: str = ""
    """The place in its trace where it began: what timers and operators make it do goes on from there."""
    state: S
    record: Record

    def moved_to(self, state: S, record: Record, now: datetime) -> Self:
        """The run after the saga advanced."""
        return changed(self, state=state, record=record, updated_at=now, revision=self.revision + 1)
