"""What a worker remembers of the commands it was given.

A step is carried out at most once. Before a call to the outside an *intent* is saved; whoever finds an intent that is
no longer open looks at the provider before anybody calls again; an undo leaves a *fence*, which refuses the step for
good however late it comes.
"""

from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from pydantic import AwareDatetime, Field

from shared.contracts import CATALOGUE
from shared.contracts.messages import Message
from shared.contracts.steps import Answer, Command, StepRefused
from shared.kernel.values import Value, changed


class Heard(Answer):
    """Stands for the answer where nobody waits for one. On record only: it is never sent."""

    type: ClassVar[str] = "worker.heard.v1"


class Saying(Value):
    """A message on record."""

    type: str
    body: dict[str, Any]

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls(type=message.type, body=message.model_dump(mode="json"))

    def message(self) -> Message:
        kind = Heard if self.type == Heard.type else CATALOGUE[self.type]
        return kind.model_validate(self.body)


class StepLog(Value):
    """What became of one step's commands at one worker."""

    attempt: int = 0
    """The newest attempt begun; 0 when none was."""
    calls: int = 0
    """Calls to the provider begun within the attempt."""
    open_until: AwareDatetime | None = None
    """While a call may still be under way."""
    answer: Saying | None = None
    """The final answer to the attempt. "Unknown" is never one."""
    fenced_through: int = 0
    """This attempt and every earlier one is refused for good."""
    fenced_by: Saying | None = None
    """The undo that left the fence; it is repeated when an effect comes to light after it."""
    untidy: bool = False
    """The provider may hold more than is on record: another call of the step had its effect too, or may have."""
    taken_back: Saying | None = None
    """The refusal of an attempt whose effects are taken back, whenever they come to light; an answer once they are."""

    def begun(self, command: Command, call: int, until: datetime) -> Self:
        """The intent of a call."""
        return self._with(attempt=command.attempt, calls=call, open_until=until, answer=None, taken_back=None)

    def withdrawn(self, call: int) -> Self:
        """The call was not made, or certainly without effect: its number is free again."""
        return self._with(calls=call - 1, open_until=None)

    def unknown(self, until: datetime) -> Self:
        """The call's outcome is unknown; nobody looks before the provider had its time."""
        return self._with(open_until=until)

    def refused(self, command: Command, answer: StepRefused) -> Self:
        """Refused, behind a fence; but a refused undo may be asked for again, as a new attempt."""
        fence = self.fenced_through if command.undo else max(self.fenced_through, command.attempt)
        if command.attempt < self.attempt:
            return self._with(fenced_through=fence)
        return self._with(attempt=command.attempt, open_until=None, answer=Saying.of(answer), fenced_through=fence)

    def concluded(self, command: Command, answer: Answer, *, untidy: bool) -> Self:
        """The effect is on record."""
        return self._with(
            attempt=command.attempt,
            open_until=None,
            answer=Saying.of(answer),
            untidy=untidy or self.untidy,
            taken_back=None,
        )

    def taking_back(self, refusal: StepRefused) -> Self:
        """The attempt is refused as soon as the provider holds nothing of it."""
        return self._with(open_until=None, untidy=True, taken_back=Saying.of(refusal))

    def made_untidy(self) -> Self:
        """Behind a refusal all of it is too much."""
        refused = self.answer is not None and self.answer.type == StepRefused.type
        return self._with(untidy=True, taken_back=self.answer if refused else self.taken_back)

    def tidied(self) -> Self:
        return self._with(untidy=False)

    def is_in_hand(self, command: Command, call: int) -> bool:
        """Is this call the newest, and its outcome still open?"""
        is_open = self.answer is None and self.taken_back is None
        return is_open and (self.attempt, self.calls) == (command.attempt, call)

    def takes_back(self, command: Command) -> bool:
        """Are the effects of this attempt taken back, whenever they come to light?"""
        return self.taken_back is not None and self.attempt == command.attempt

    def took_effect(self, command: Command) -> bool:
        """Is an effect of this attempt on record?"""
        return self.answer is not None and self.attempt == command.attempt and self.answer.type != StepRefused.type

    def undo_to_repeat(self, command: Command) -> Message | None:
        """The undo that has been before this attempt's effect."""
        return self.fenced_by.message() if self.fenced_by and self.fenced_through >= command.attempt else None

    def check(self) -> None:
        """What holds of every log, whatever happened; `AssertionError` names what does not."""
        holds = {
            "an answer is that of the attempt": self.answer is None or self.answer.body["attempt"] == self.attempt,
            "a call belongs to an attempt": self.calls == 0 or self.attempt > 0,
            "no call is counted below none": self.calls >= 0,
            "who left the fence stands before it": self.fenced_by is None
            or self.fenced_by.body["attempt"] <= self.fenced_through,
            "only what took effect is untidy": not self.untidy or self.attempt > 0,
            "what is taken back is refused": self.taken_back is None or self.answer in (None, self.taken_back),
        }
        if not all(holds.values()):
            raise AssertionError("; ".join(name for name, kept in holds.items() if not kept))

    def _with(self, **changes: Any) -> Self:
        return changed(self, **changes)


NOTHING = StepLog()
"""The log of a step nobody has asked for."""


class Work(Value):
    """A worker's document: its own fields beside the log of the steps it was asked for."""

    schema_version: ClassVar[int] = 1

    id: str
    steps: dict[str, StepLog] = Field(default_factory=dict)

    def log(self, slot: str) -> StepLog:
        return self.steps.get(slot, NOTHING)

    def check(self) -> None:
        """The invariants of every log. Raises AssertionError."""
        for log in self.steps.values():
            log.check()

    def with_log(self, slot: str, log: StepLog, **changes: Any) -> Self:
        """The document with one step's log replaced, as the latest, and whatever else the step taught."""
        others = {name: one for name, one in self.steps.items() if name != slot}
        return changed(self, **changes, steps={**others, slot: log})


W = TypeVar("W", bound=Work)


def slot_of(command: Command, *, undo: bool | None = None) -> str:
    """Where a command's log stands; a step and its undo have one each."""
    undo = command.undo if undo is None else undo
    return f"{command.purchase_id}/{command.step}/{command.part}{':undo' if undo else ''}"


def fenced(work: W, undo: Command) -> W:
    """The step refused for good, this attempt of it and every earlier one."""
    slot = slot_of(undo, undo=False)
    before = work.log(slot)
    if before.fenced_by is not None and before.fenced_through >= undo.attempt:
        return work
    fence: dict[str, Any] = {"fenced_through": max(before.fenced_through, undo.attempt), "fenced_by": Saying.of(undo)}
    return work.with_log(slot, changed(before, **fence))


def without_undo(work: W, undo: Message) -> W:
    """The step's undo may be carried out once more; calls stay counted, so that no provider sees a key twice."""
    if not isinstance(undo, Command):
        return work
    slot = slot_of(undo)
    return work.with_log(slot, StepLog(attempt=undo.attempt, calls=work.log(slot).calls))


def attempt_of(command: Command) -> str:
    """The command's name: the same for every copy of it."""
    return f"{slot_of(command)}/{command.attempt}"


def provider_key(command: Command, call: int) -> str:
    """The idempotency key for one call: the same for every copy of it, another for the next."""
    return f"{attempt_of(command)}.{call}"
