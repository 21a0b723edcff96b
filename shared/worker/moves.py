"""What can happen to a worker while it carries out a command, and what it may do next."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic

from shared.contracts.messages import Message
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.worker.effect import Done, PartlyDone
from shared.worker.work import W

Failure = NotSent | Misconfigured | OutcomeUnknown
Outcome = Done | PartlyDone | Refused | Failure
"""What the outside made of a call, a look or an act."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """What may be done for a command, as its handler declares it."""

    call_timeout: timedelta
    """After so long a call is given up, its outcome unknown."""
    settle: timedelta
    """How long after that the provider may still be acting; as long may the save of an intent take."""
    calls: int | None = 1
    """None: without end."""
    repeatable: bool = False
    tidies: bool = False
    looks_first: bool = False
    """Ask the provider before the first call too: the store was restored, and may have forgotten one."""

    @property
    def intent(self) -> timedelta:
        """How long an intent stays open: its own save, the call, and what the provider does after it was given up."""
        return self.call_timeout + 2 * self.settle


@dataclass(frozen=True, slots=True)
class Arrived:
    """The command came, for the first time or again."""


@dataclass(frozen=True, slots=True)
class Called:
    """Call `number` is over. Whatever others saved meanwhile, this must be put on record."""

    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The intent of call `number` may be on record, and the call was certainly never begun: its save took so long that
    the call could outlast it, or seemed to fail."""

    number: int


@dataclass(frozen=True, slots=True)
class Looked:
    """The provider was asked what call `after` did."""

    after: int
    outcome: Outcome | None
    """None: the call certainly had no effect."""


@dataclass(frozen=True, slots=True)
class Acted:
    """A step that may be repeated was carried out."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was too much was taken back (None), or not, and why."""

    failure: Refused | Failure | None


Happening = Arrived | Called | Lapsed | Looked | Acted | Tidied


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The outcome is open: whoever asked asks again, or the message comes back by itself."""

    error: NotSent | OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Wait:
    """The message comes back after the delay."""

    reason: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Fail:
    """A fault of ours: the message goes the way of faults."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Call:
    """Call the provider, as number so and so."""

    number: int


@dataclass(frozen=True, slots=True)
class Look:
    """Ask the provider what call `after` did."""

    after: int


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out a step that may be repeated."""


@dataclass(frozen=True, slots=True)
class Tidy:
    """Take back what the provider holds beside the effect on record, all of it where none is."""


Next = Rest | AskAgain | Wait | Fail | Call | Look | Act | Tidy


@dataclass(frozen=True)
class Move(Generic[W]):
    """The document as it is to be saved (the very same one: nothing to save), what is said with it, and what next."""

    work: W
    say: Message | None = None
    then: Next = Rest()
