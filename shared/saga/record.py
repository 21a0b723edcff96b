"""Where one purchase stands in its saga: what is stored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AwareDatetime,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from shared.contracts.steps import Refusal
from shared.kernel.pauses import growing
from shared.kernel.values import Value, changed

LONGEST = timedelta(days=30)
"""Of a pause or a command's life: longer is a slip of the unit."""
SILENCE = timedelta(seconds=30)
"""Of a step for which no other is given."""
MOST_GROWTH = 10.0
MOST_ASKS = 10_000


class Status(StrEnum):
    """Where the whole stands."""

    RUNNING = "running"
    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"


FINAL = frozenset({Status.COMPLETED, Status.REFUSED, Status.CANCELLED})
OPEN = tuple(status for status in Status if status not in FINAL)


class StepStatus(StrEnum):
    """Where one step stands. `unknown`: it was asked for, and there is silence."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNDOING = "undoing"
    UNDONE = "undone"


UNDONE = frozenset({StepStatus.UNDOING, StepStatus.UNDONE})

S = TypeVar("S", bound=StrEnum)


def known_or_newer(kind: type[S], value: str) -> S:
    """The status of that value; one that only a newer release knows is kept, shown and stored as it is."""
    try:
        return kind(value)
    except ValueError:
        newer = str.__new__(kind, value)
        newer._name_ = newer._value_ = value
        return newer


def _or_newer(kind: type[S]) -> WrapValidator:
    def kept(given: Any, known: ValidatorFunctionWrapHandler) -> Any:
        try:
            return known(given)
        except ValidationError:
            if not isinstance(given, str):
                raise
            return known_or_newer(kind, given)

    return WrapValidator(kept)


AnyStatus = Annotated[Status, _or_newer(Status)]
AnyStepStatus = Annotated[StepStatus, _or_newer(StepStatus)]
"""As stored and shown: another release may be running beside this one, and have statuses of its own."""


class StepState(Value):
    """`asks` counts how often the present command was sent; `answered` tells that the step's own answer has come."""

    status: AnyStepStatus = StepStatus.PENDING
    attempt: int = 1
    asks: int = 0
    answered: bool = False
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None


class Timer(Value):
    """Something to do at a time. `ask` repeats the command of a silent step; a newer release may have others."""

    name: str
    step: str
    at: AwareDatetime


class Entry(Value):
    """One change. `step` is empty for a change of the whole; `status` is the step's, `of` the purchase's."""

    at: AwareDatetime
    step: str
    status: str
    of: AnyStatus
    asks: int = 0
    detail: str = ""


class Record(Value):
    """The saga's own memory of one purchase. The timeline is bounded by the steps: asks are counted, not listed."""

    saga: str
    version: int
    status: AnyStatus = Status.RUNNING
    forward: bool = True
    current: str = ""
    """The step whose answer is awaited; empty when none is."""
    steps: dict[str, StepState]
    refusal: Refusal | None = None
    cancelled_at: AwareDatetime | None = None
    timers: tuple[Timer, ...] = ()
    timeline: tuple[Entry, ...] = ()

    @property
    def wake_at(self) -> datetime | None:
        """When the earliest timer is due."""
        return min((timer.at for timer in self.timers), default=None)

    @property
    def silent_since(self) -> datetime | None:
        """Since when the awaited step is asked for that has not answered; None where none is silent."""
        awaited = self.steps.get(self.current)
        return awaited.started_at if awaited is not None and awaited.status is StepStatus.UNKNOWN else None

    @property
    def ended(self) -> bool:
        return self.status in FINAL

    def check(self) -> None:
        """What holds of every record after every happening; `AssertionError` names what does not."""
        now = {state.status for state in self.steps.values()}
        undoing = [name for name, state in self.steps.items() if state.status is StepStatus.UNDOING]
        holds = {
            "what has ended awaits nothing": not self.ended or not (self.current or self.timers),
            "what runs awaits a step": self.status is not Status.RUNNING or bool(self.current),
            "the awaited step is one of the saga's": not self.current or self.current in self.steps,
            "timers are those of the awaited step": all(timer.step == self.current for timer in self.timers),
            "only what is complete is completed": self.status is not Status.COMPLETED
            or now <= {StepStatus.DONE, StepStatus.SKIPPED},
            "what is undone is undone": self.status not in (Status.REFUSED, Status.CANCELLED) or not undoing,
            "one step at a time is undone, the awaited one": undoing in ([], [self.current]),
            "nothing is undone on the way forward": not self.forward or not now & UNDONE,
            "a refusal has its reason": self.status is not Status.REFUSED or self.refusal is not None,
            "a cancellation was asked for": self.status is not Status.CANCELLED or self.cancelled_at is not None,
            "the timeline ends with the present": not self.timeline or self.timeline[-1].of == self.status,
            "asks and attempts are counted from their beginning": all(
                state.attempt >= 1 and state.asks >= 0 for state in self.steps.values()
            ),
        }
        if not all(holds.values()):
            raise AssertionError("; ".join(name for name, kept in holds.items() if not kept))

    def without_timer(self, name: str) -> Self:
        """An operator cancels the timers of a name: nobody asks again until an answer comes."""
        kept = tuple(timer for timer in self.timers if timer.name != name)
        return changed(self, timers=kept)

    def with_timer_at(self, name: str, at: datetime) -> Self:
        """An operator moves the timers of a name."""
        moved = tuple(changed(timer, at=at) if timer.name == name else timer for timer in self.timers)
        return changed(self, timers=moved)


class Patience(Value):
    """How long silence is borne. The budget counts asks, not time: an orchestrator or a broker that was away costs
    nothing."""

    first_pause: Annotated[timedelta | None, Field(gt=timedelta(0), le=LONGEST)] = None
    """Before the first repetition; each step's own silence where it is not given."""
    growth: Annotated[float, Field(ge=1, le=MOST_GROWTH)] = 2.0
    longest_pause: Annotated[timedelta, Field(gt=timedelta(0), le=LONGEST)] = timedelta(minutes=5)
    asks: Annotated[int, Field(ge=1, le=MOST_ASKS)] = 12
    """Repetitions before the pivot until the step counts as failed, and from the pivot on as needing attention."""
    command_life: Annotated[timedelta, Field(gt=timedelta(0), le=LONGEST)] = timedelta(hours=24)
    """How long a command stays good that is sent before the pivot."""
    holds_live: Annotated[timedelta, Field(gt=timedelta(0), le=LONGEST)] = timedelta(days=6)
    """How long what is held when the pivot begins, such as authorised money, can be taken: so long a step after it that
    came to nothing is asked for anew. A card's authorisation lives for seven days."""

    silences: Mapping[str, timedelta] = {}
    """By a step's name: the pause after which an answer counts as missing."""

    def silence(self, step: str) -> timedelta:
        return self.silences.get(step, SILENCE)

    def pause(self, silence: timedelta, asks: int) -> timedelta:
        """Until the next ask, when `asks` commands have been sent."""
        first = self.first_pause if self.first_pause is not None else silence
        return growing(first, self.growth, max(self.longest_pause, first), asks - 1)
