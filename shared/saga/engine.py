"""The interpreter of sagas: one pure function from a record and a happening to a record and the commands it sends.

An answer says done or refused. Silence says nothing: the same command is sent again, with growing pauses. Before the
pivot a refusal, or silence beyond the budget, undoes in reverse what was done, the silent step included; from the pivot
on, silence beyond the budget needs attention and everything held stays held. A worker that tells after the pivot only
that nothing came of a step is asked anew while what is held lives. Undoing knows no budget. An undo that was done and
did not last, such as a refund that the card's bank sent back days later, needs attention, also where everything ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Unpack

from shared.contracts.steps import Answer, Command, Refusal, StepRefused, StepUndone
from shared.kernel.errors import Refused
from shared.saga.definition import Identity, S, Saga, Step
from shared.saga.draft import Changes, Draft, StepChanges, cancellable
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Entry, Patience, Record, Status, StepState, StepStatus, Timer


@dataclass(frozen=True)
class Advanced(Generic[S]):
    """What follows: the record and state to store, and the commands to send."""

    record: Record
    state: S
    commands: tuple[Command, ...] = ()


def new_record(saga: Saga[S]) -> Record:
    """A record to which nothing has happened yet."""
    return Record(saga=saga.name, version=saga.version, steps={each.name: StepState() for each in saga.steps})


def advance(
    saga: Saga[S], before: Advanced[S], happening: Happening, *, purchase_id: str, now: datetime, patience: Patience
) -> Advanced[S]:
    """What a happening makes of a purchase. The same record and happening always give the same result."""
    run = _Advance(saga, before, purchase_id=purchase_id, now=now, patience=patience)
    match happening:
        case Start():
            run.note("", run.record.status)
            run.go_forward_from(0)
        case Answer():
            run.take(happening)
        case TimersDue():
            run.fire_timers()
        case CancelRequested():
            run.cancel()
        case AskRequested():
            run.ask_now()
    record = run.record.finished()
    if record is not before.record:
        record.check()
    return Advanced(record, run.state, tuple(run.commands))


class _Advance(Generic[S]):
    """One call of `advance`: the record as it changes, and what is to be sent."""

    def __init__(
        self, saga: Saga[S], before: Advanced[S], *, purchase_id: str, now: datetime, patience: Patience
    ) -> None:
        self.saga = saga
        self.record = Draft(before.record)
        self.state = before.state
        self.commands: list[Command] = []
        self._purchase_id = purchase_id
        self._now = now
        self._patience = patience

    # what happens

    def take(self, answer: Answer) -> None:
        """An answer, perhaps late, perhaps for the second time."""
        step = self.saga.step(answer.step)
        if step is None:
            return
        state = self.record.steps[step.name]
        awaited = (
            step.name == self.record.current
            and answer.attempt == state.attempt
            and answer.undo == (state.status is StepStatus.UNDOING)
            and not self._is_on_record(state, answer)
        )
        if not awaited and answer.undo:
            self._take_undo_back(step, state, answer)
        elif not awaited:
            self._take_late(step, state, answer)
        elif answer.undo:
            self._take_undo_answer(step, answer)
        else:
            self._take_answer(step, answer)

    def _is_on_record(self, state: StepState, answer: Answer) -> bool:
        """A refusal that made the purchase need attention may come again; it is no news."""
        return (
            isinstance(answer, StepRefused)
            and self.record.status is Status.NEEDS_ATTENTION
            and (answer.undo or state.status is StepStatus.REFUSED)
        )

    def fire_timers(self) -> None:
        """Ask again where there was silence."""
        due = [timer for timer in self.record.timers if timer.at <= self._now]
        self._update(timers=tuple(timer for timer in self.record.timers if timer.at > self._now))
        for timer in due:
            step = self.saga.step(timer.step)
            if step is not None and timer.step == self.record.current:
                self._ask_again(step)

    def cancel(self) -> None:
        """Undo, if the pivot's command is not saved yet; while the pivot is open its outcome is awaited."""
        if not cancellable(self.saga, self.record):
            return
        self._update(cancelled_at=self._now)
        if self.record.forward and self._index() < self.saga.pivot:
            self._go_back(include_current=True)

    def ask_now(self) -> None:
        """An operator wants the present step asked for now; what was refused is asked for anew, as a new attempt."""
        step = self.saga.step(self.record.current)
        if step is None:
            return
        state = self.record.steps[step.name]
        undoing = state.status is StepStatus.UNDOING
        refused = state.status is StepStatus.REFUSED or (undoing and self.record.status is Status.NEEDS_ATTENTION)
        self._update(status=Status.RUNNING)
        self._set_step(
            step,
            status=StepStatus.UNDOING if undoing else StepStatus.RUNNING,
            attempt=state.attempt + refused,
            asks=1,
            answered=False,
        )
        self.note(step.name, self.record.steps[step.name].status, "asked by an operator")
        self._send(step)

    # forward

    def go_forward_from(self, index: int) -> None:
        """Send the first step from here on that is wanted; without one, the purchase is complete."""
        for step in self.saga.steps[index:]:
            if step.when(self.state):
                self._begin(step)
                return
            self._set_step(step, status=StepStatus.SKIPPED)
            self.note(step.name, StepStatus.SKIPPED)
        self._end(Status.COMPLETED)

    def _begin(self, step: Step[S]) -> None:
        self._update(current=step.name)
        self._set_step(step, status=StepStatus.RUNNING, asks=1, started_at=self._now)
        self.note(step.name, StepStatus.RUNNING)
        try:
            self._send(step)
        except Refused as impossible:
            self._take_refusal(step, impossible, StepStatus.REFUSED)

    def _take_answer(self, step: Step[S], answer: Answer) -> None:
        if isinstance(answer, step.expect):
            try:
                self.state = step.keep(self.state, answer)
            except Refused as unwanted:
                self._take_refusal(step, unwanted, StepStatus.DONE)
                return
            self._set_step(step, status=StepStatus.DONE, finished_at=self._now, answered=True)
            self._stop_waiting()
            if self.record.status is Status.NEEDS_ATTENTION:
                self._update(status=Status.RUNNING)
            self.note(step.name, StepStatus.DONE)
            if self.record.cancelled_at is not None and step.pivot:
                self._go_back()
            else:
                self.go_forward_from(self.saga.index(step.name) + 1)
        elif isinstance(answer, StepRefused):
            self._take_refusal(step, answer, StepStatus.REFUSED)

    def _take_refusal(self, step: Step[S], refused: StepRefused | Refused, status: StepStatus) -> None:
        """By its worker, without effect; or by the purchase, which undoes what was done otherwise than wanted."""
        if isinstance(refused, StepRefused) and refused.only_not_done and self.saga.is_past_pivot(step):
            self._take_no_effect(step, refused)
            return
        self._stop_waiting()
        refusal = Refusal(step=step.name, code=refused.code, detail=refused.detail)
        self._set_step(step, status=status, finished_at=self._now, answered=True)
        self._update(refusal=refusal)
        self.note(step.name, status, refusal.code)
        if not self.saga.is_past_pivot(step) or step.unwinds:
            self._go_back()
        else:
            self._end(Status.NEEDS_ATTENTION, current=step.name)

    def _take_no_effect(self, step: Step[S], answer: StepRefused) -> None:
        """Nobody refused what the pivot promised: it is asked for anew, later each time, while what is held lives."""
        state = self.record.steps[step.name]
        if self._now >= self._held_until():
            self._set_step(step, status=StepStatus.REFUSED, finished_at=self._now, answered=True)
            self._update(refusal=Refusal(step=step.name, code=answer.code, detail=answer.detail))
            self.note(step.name, StepStatus.REFUSED, answer.code)
            self._end(Status.NEEDS_ATTENTION, current=step.name)
            return
        known = any(entry.step == step.name and entry.detail == answer.code for entry in self.record.timeline)
        news = not known or self.record.status is not Status.RUNNING
        self._update(status=Status.RUNNING)
        self._set_step(step, attempt=state.attempt + 1, asks=0)
        if news:
            self.note(step.name, state.status, answer.code)
        self._wake_to_ask(step, self._patience.pause(self._patience.silence(step.name), state.attempt))

    def _held_until(self) -> datetime:
        """When what the purchase holds may end; the pivot begins when everything is held."""
        pivot = self.saga.steps[self.saga.pivot]
        return (self.record.steps[pivot.name].started_at or self._now) + self._patience.holds_live

    # backward

    def _go_back(self, *, include_current: bool = False) -> None:
        """Turn round. A step whose outcome is open is undone like one that is done: its undo fences it off."""
        current = self.record.current
        self._stop_waiting()
        self._update(forward=False, status=Status.RUNNING)
        open_step = self.saga.step(current) if include_current else None
        if open_step is not None and open_step.undo is not None:
            self._undo(open_step)
        else:
            self._undo_next()

    def _undo_next(self) -> None:
        """Undo the last step that is still done; without one, everything is undone."""
        for step in reversed(self.saga.steps):
            if self.record.steps[step.name].status is StepStatus.DONE and step.undo is not None:
                self._undo(step)
                return
        self._end(Status.CANCELLED if self.record.cancelled_at is not None else Status.REFUSED)

    def _undo(self, step: Step[S]) -> None:
        self._update(current=step.name)
        self._set_step(step, status=StepStatus.UNDOING, asks=1)
        self.note(step.name, StepStatus.UNDOING)
        self._send(step)

    def _take_undo_answer(self, step: Step[S], answer: Answer) -> None:
        if isinstance(answer, StepUndone):
            self._stop_waiting()
            self._set_step(step, status=StepStatus.UNDONE, finished_at=self._now)
            if self.record.status is Status.NEEDS_ATTENTION:
                self._update(status=Status.RUNNING)
            self.note(step.name, StepStatus.UNDONE)
            self._undo_next()
        elif isinstance(answer, StepRefused):
            self.note(step.name, StepStatus.UNDOING, answer.code)
            self._end(Status.NEEDS_ATTENTION, current=step.name)

    # silence

    def _ask_again(self, step: Step[S]) -> None:
        state = self.record.steps[step.name]
        if state.status is not StepStatus.UNDOING and state.asks > self._patience.asks:
            self._give_up(step)
            return
        if state.status is StepStatus.RUNNING and state.asks > 0:
            self._set_step(step, status=StepStatus.UNKNOWN)
            self.note(step.name, StepStatus.UNKNOWN)
        self._set_step(step, asks=state.asks + 1)
        self._send(step)

    def _give_up(self, step: Step[S]) -> None:
        detail = f"no answer to {self.record.steps[step.name].asks} asks"
        if self.saga.index(step.name) < self.saga.pivot:
            self._update(refusal=Refusal(step=step.name, code="no_answer", detail=detail))
            self._go_back(include_current=True)
        else:
            self._end(Status.NEEDS_ATTENTION, current=step.name)

    def _take_late(self, step: Step[S], state: StepState, answer: Answer) -> None:
        """Nobody waits for it. A repetition is no news; an effect that comes to light behind its back is undone.

        The undo is a new attempt, because the answer to the former one may be on its way, and did not know of this.
        """
        if not isinstance(answer, step.expect) or step.undo is None or self.record.forward:
            return
        came_to_light = state.status is StepStatus.REFUSED or (
            state.status in (StepStatus.UNDOING, StepStatus.UNDONE) and not state.answered
        )
        if not came_to_light:
            return
        self._set_step(step, status=StepStatus.DONE, attempt=state.attempt + 1, answered=True)
        self.note(step.name, StepStatus.DONE, "came to light late")
        if self.record.current in ("", step.name):
            self._go_back()

    def _take_undo_back(self, step: Step[S], state: StepState, answer: Answer) -> None:
        """What was undone is in force again. While another step is undone or looked into, its turn comes by itself."""
        was_undone = state.status is StepStatus.UNDONE and answer.attempt == state.attempt
        if not was_undone or not isinstance(answer, StepRefused):
            return
        waits = bool(self.record.current)
        anew = StepStatus.DONE if waits else StepStatus.UNDOING
        self._set_step(step, status=anew, attempt=state.attempt + waits)
        self.note(step.name, anew, answer.code)
        if not waits:
            self._end(Status.NEEDS_ATTENTION, current=step.name)

    # the record

    def note(self, step: str, status: str, detail: str = "") -> None:
        """Add to the timeline."""
        asks = self.record.steps[step].asks if step else 0
        entry = Entry(at=self._now, step=step, status=status, of=self.record.status, asks=asks, detail=detail)
        self._update(timeline=(*self.record.timeline, entry))

    def _send(self, step: Step[S]) -> None:
        """Send the present command of a step, and set the timer that notices silence."""
        state = self.record.steps[step.name]
        undoing = state.status is StepStatus.UNDOING
        make = step.undo if undoing and step.undo is not None else step.send
        self.commands.append(make(self.state, self._identity(step, undo=undoing)))
        self._wake_to_ask(step, self._patience.pause(self._patience.silence(step.name), state.asks))

    def _wake_to_ask(self, step: Step[S], pause: timedelta) -> None:
        others = tuple(timer for timer in self.record.timers if timer.step != step.name)
        self._update(timers=(*others, Timer(name="ask", step=step.name, at=self._now + pause)))

    def _identity(self, step: Step[S], *, undo: bool) -> Identity:
        """Only what may still be taken back by a refusal expires: from the pivot on, a worker that was away must
        not turn a purchase round."""
        expires = not undo and self.saga.index(step.name) < self.saga.pivot
        return {
            "purchase_id": self._purchase_id,
            "step": step.name,
            "attempt": self.record.steps[step.name].attempt,
            "expires_at": self._now + self._patience.command_life if expires else None,
        }

    def _stop_waiting(self) -> None:
        self._update(timers=(), current="")

    def _end(self, status: Status, *, current: str = "") -> None:
        self._update(status=status, current=current, timers=())
        self.note("", status)

    def _index(self) -> int:
        return self.saga.index(self.record.current) if self.record.current else len(self.saga.steps)

    def _set_step(self, step: Step[S], **changes: Unpack[StepChanges]) -> None:
        self.record.update_step(step.name, **changes)

    def _update(self, **changes: Unpack[Changes]) -> None:
        self.record.update(**changes)
