"""What is told of a saved change: a line in the log for each row that the timeline got."""

import logging
from typing import Any, Final

from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Entry, Record, Status
from shared.saga.run import SagaRun

log = logging.getLogger(__name__)

CAUSES: Final[dict[type[Any], str]] = {
    Start: "start",
    TimersDue: "silence",
    CancelRequested: "cancel",
    AskRequested: "operator",
}
"""What a line calls that which made the purchase move; an answer is called by its type."""


class Watch:
    """Told of every change of a run, once it is saved."""

    def moved(self, before: Record, after: SagaRun[Any], happening: Happening, cause: Envelope | None) -> None:
        """The run was saved as `after` because of the happening; `cause` is the message that brought it."""
        why = happening.type if isinstance(happening, Answer) else CAUSES[type(happening)]
        self._tell(after, after.record.timeline[len(before.timeline) :], why, cause)

    def stored(self, run: SagaRun[Any]) -> None:
        """A run that takes no steps was saved, with all that is to be told of it."""
        self._tell(run, run.record.timeline, CAUSES[Start], None)

    def _tell(self, run: SagaRun[Any], entries: tuple[Entry, ...], why: str, cause: Envelope | None) -> None:
        for entry in entries:
            state = run.record.steps.get(entry.step)
            fields = {
                "purchase_id": run.id,
                "saga": run.record.saga,
                "step": entry.step or None,
                "status": entry.status,
                "attempt": state.attempt if state else None,
                "reason": entry.detail or None,
                "cause": why,
                "causation_id": cause.id if cause else None,
            }
            log.info("step changed" if entry.step else "purchase changed", extra=fields)
            if not entry.step and entry.status == Status.NEEDS_ATTENTION:
                self._call_for_help(run)

    def _call_for_help(self, run: SagaRun[Any]) -> None:
        record = run.record
        log.warning(
            "purchase needs attention",
            extra={
                "purchase_id": run.id,
                "saga": record.saga,
                "step": record.current,
                "attempt": record.steps[record.current].attempt,
                "error": last_error(record),
            },
        )


def last_error(record: Record) -> str:
    """Why the awaited step does not go on: the code of what was answered last, or that nothing was."""
    told = (entry.detail for entry in reversed(record.timeline) if entry.step == record.current)
    asks = record.steps[record.current].asks
    return next(told, "") or f"no answer to {asks} asks"
