"""What a handler tells of a command: how to carry it out, and how to find out what became of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.contracts.steps import Answer, Command
from shared.kernel.errors import Refused
from shared.worker.work import Saying, Work

W = TypeVar("W", bound=Work)
C = TypeVar("C", bound=Command)


@dataclass(frozen=True)
class Done:
    """A step that took effect: the answer, and the document's fields it changes."""

    answer: Answer
    changes: Mapping[str, Any] = field(default_factory=dict)
    untidy: bool = False
    """The provider holds more than this: the effect of another call, which `Effect.tidy` takes back."""

    def is_on_record(self, work: Work, slot: str) -> bool:
        """Is it this very effect that the work remembers?"""
        if work.log(slot).answer != Saying.of(self.answer):
            return False
        return all(getattr(work, name) == value for name, value in self.changes.items())


@dataclass(frozen=True)
class PartlyDone:
    """A step of which only a part took effect, which is of no use: it is refused as soon as that is taken back.

    Nothing is taken back by the call or the look that found it. It is put on record first, so that no two processes
    decide otherwise, and then left to `Effect.tidy`.
    """

    refusal: Refused


@dataclass(frozen=True)
class Effect(Generic[W, C]):
    """A step that acts on the outside through a provider whose calls cannot simply be repeated.

    `call(work, command, key)` acts, with `key` as the provider's idempotency key. `find(work, command, key)` tells what
    the last call did: `Done`, or None when it certainly had no effect. Both may tell of a `PartlyDone` where there is a
    `tidy`, and raise `Refused` (final), `NotSent` (no effect, may be repeated), `Misconfigured` (no effect, and
    repeating will not help), `OutcomeUnknown`. Anything else that `call` raises leaves the intent open: whoever comes
    next looks first.
    """

    call: Callable[[W, C, str], Awaitable[Done | PartlyDone]]
    find: Callable[[W, C, str], Awaitable[Done | PartlyDone | None]]
    tidy: Callable[[W, C], Awaitable[None]] | None = None
    """Takes back what the step's calls left beside the effect on record, all of it where none is. Where a provider may
    act long after it was given up, or a process stand still in the middle of a call, two calls may both have their
    effect."""
    calls: int | None = 3
    """After so many calls that had no effect the step is refused as `not_done`. None: it is called whenever it is asked
    for, however often that was in vain."""
    can_be_found: bool = True
    """`find` tells whether there was an effect also where nothing of a call is on record."""
    asked_again: bool = True
    """Somebody repeats the command until it is answered; otherwise the message itself comes back later."""


@dataclass(frozen=True)
class Repeatable(Generic[W, C]):
    """A step that may be carried out any number of times with the effect of one: it needs no intent.

    `act(work, command)` is called again when the document changed meanwhile. It raises what an effect's `call` does.
    """

    act: Callable[[W, C], Awaitable[Done]]
    asked_again: bool = True
    """As for an effect."""
