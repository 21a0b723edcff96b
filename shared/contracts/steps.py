"""What an orchestrator says to a worker about one step of one purchase, and what it is answered."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AwareDatetime, Field

from shared.contracts.messages import Message
from shared.kernel.values import Value


class Refusal(Value):
    """Why, and at which step, a purchase did not go through."""

    step: Annotated[str, Field(description="Where it ended", examples=["authorize card"])]
    code: Annotated[
        str,
        Field(description="Stable, for programs; what each means is at `/docs/problems`", examples=["card_declined"]),
    ]
    detail: Annotated[str, Field(description="For people")]


class StepMessage(Message):
    """A message about one step of one purchase. (purchase, step, part, attempt) identify it, and its repetitions."""

    purchase_id: str
    step: str
    part: str = ""
    attempt: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        return self.purchase_id


class Command(StepMessage):
    """An order to one service, which answers done or refused; the same identity always gets the same final answer."""

    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True
    undo: ClassVar[bool] = False

    expires_at: AwareDatetime | None = None
    """Later than this the order is refused, whatever delayed it."""


class Undo(Command):
    """An order to take back a step. It also holds when the step never came: then it fences the step off for good."""

    undo: ClassVar[bool] = True


class Answer(StepMessage):
    """What became of a command: done, with what the purchase keeps of it, unless it is `StepRefused`."""

    exchange: ClassVar[str] = "answers"
    mandatory: ClassVar[bool] = True

    undo: bool = False
    """Does it answer the step's undo?"""

    @classmethod
    def to(cls, command: Command, **fields: Any) -> Self:
        """The answer that carries its command's identity."""
        return cls(
            purchase_id=command.purchase_id,
            step=command.step,
            part=command.part,
            attempt=command.attempt,
            undo=command.undo,
            **fields,
        )


NOT_DONE = frozenset({"not_done", "expired", "fenced", "superseded"})
"""Codes by which a worker tells what became of one attempt: it had no effect, and the outside refused nothing."""


class StepRefused(Answer):
    """The step was not done and will not be: `code` for programs, `detail` for people. Any service may say it."""

    type: ClassVar[str] = "saga.step_refused.v1"

    code: str
    detail: str

    @property
    def only_not_done(self) -> bool:
        """Was the attempt without effect, and may another one have it?"""
        return self.code in NOT_DONE


class StepUndone(Answer):
    """Nothing of the step is in force any more, and nothing of it can come late. Any service may say it."""

    type: ClassVar[str] = "saga.step_undone.v1"
