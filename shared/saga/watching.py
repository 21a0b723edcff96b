"""What is told of a saved change: a line in the log for each row that the timeline got, and the counts."""

import logging
from typing import Any, Final

from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer
from shared.kernel.meter import NoSagaMeter, SagaMeter
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import FINAL, Entry, Record, Status, StepStatus
from shared.saga.run import SagaRun

log = logging.getLogger(__name__)

CAUSES: Final[dict[type[Any], str]] = {
    Start: "start",
    TimersDue: "silence",
    CancelRequested: "cancel",
    AskRequested: "operator",
}
"""What a line calls that which made the purchase move; an answer is called by its type."""
ENDS: Final = frozenset({StepStatus.DONE, StepStatus.REFUSED})


class Watch:
    """Told of every change of a run, once it is saved."""

    def __init__(self, service: str = "", meter: SagaMeter | None = None) -> None:
        self._service = service
        self._meter = meter or NoSagaMeter()

    def moved(self, before: Record, after: SagaRun[Any], happening: Happening, cause: Envelope | None) -> None:
        """The run was saved as `after` because of the happening; `cause` is the message that brought it."""
        record = after.record
        self._tell(after, record.timeline[len(before.timeline) :], called(happening), cause)
        if not before.timeline:
            self._meter.began(self._service, record.saga)
        if before.forward and not record.forward:
            blamed = record.refusal.step if record.refusal else before.current
            self._meter.turned_back(self._service, record.saga, blamed)
        if isinstance(happening, TimersDue | AskRequested) and _asked_again(before, record):
            self._meter.asked(self._service, record.saga, record.current)

    def stored(self, run: SagaRun[Any]) -> None:
        """A run that takes no steps was saved, with all that is to be told of it."""
        self._meter.began(self._service, run.record.saga)
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
            self._count(run, entry)

    def _count(self, run: SagaRun[Any], entry: Entry) -> None:
        saga = run.record.saga
        if not entry.step:
            if entry.status in FINAL:
                self._meter.ended(self._service, saga, entry.status)
            elif entry.status == Status.NEEDS_ATTENTION:
                self._call_for_help(run)
        elif entry.status != StepStatus.RUNNING:
            self._meter.stepped(self._service, saga, entry.step, entry.status, _seconds(run.record, entry))

    def _call_for_help(self, run: SagaRun[Any]) -> None:
        record = run.record
        self._meter.called_for_help(self._service, record.saga, record.current)
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


def called(happening: Happening) -> str:
    """The word for what made a run move."""
    return happening.type if isinstance(happening, Answer) else CAUSES[type(happening)]


def last_error(record: Record) -> str:
    """Why the awaited step does not go on: the code of what was answered last, or that nothing was."""
    told = (entry.detail for entry in reversed(record.timeline) if entry.step == record.current)
    asks = record.steps[record.current].asks
    return next(told, "") or f"no answer to {asks} asks"


def _asked_again(before: Record, after: Record) -> bool:
    """Was the awaited step's command sent once more?"""
    step = after.current
    same = step == before.current and before.forward == after.forward
    return bool(step) and same and before.steps[step] != after.steps[step]


def _seconds(record: Record, entry: Entry) -> float | None:
    """How long the step took that has its final answer now."""
    state = record.steps[entry.step]
    if entry.status not in ENDS or state.started_at is None or state.finished_at != entry.at:
        return None
    return (state.finished_at - state.started_at).total_seconds()
