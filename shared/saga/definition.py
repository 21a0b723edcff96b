"""How a business process is declared: an ordered list of steps, each sent to a service, each with its undo."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypedDict, TypeVar

from pydantic import BaseModel

from shared.contracts.steps import Answer, Command, Undo

S = TypeVar("S", bound=BaseModel)
A = TypeVar("A", bound=Answer)


class Identity(TypedDict):
    """What makes a command this step's of this purchase; every command is built with it."""

    purchase_id: str
    step: str
    attempt: int
    expires_at: datetime | None


@dataclass(frozen=True)
class Step(Generic[S]):
    """One step. See `step` for the meaning of its parts."""

    name: str
    send: Callable[[S, Identity], Command]
    expect: type[Answer]
    keep: Callable[[S, Any], S]
    forget: Callable[[S], S]
    when: Callable[[S], bool]
    undo: Callable[[S, Identity], Undo] | None
    pivot: bool
    unwinds: bool


def step(
    name: str,
    *,
    send: Callable[[S, Identity], Command],
    expect: type[A],
    keep: Callable[[S, A], S] = lambda state, _: state,
    forget: Callable[[S], S] = lambda state: state,
    when: Callable[[S], bool] = lambda _: True,
    undo: Callable[[S, Identity], Undo] | None = None,
    pivot: bool = False,
    unwinds: bool = False,
) -> Step[S]:
    """Declare a step.

    `send` makes the command, `expect` is the answer that means done, `keep` takes from it what the purchase needs, and
    `forget` is the purchase without that: how it is shown while the step is not done. `when` tells whether the step is
    wanted at all, `undo` makes the command that takes it back. The `pivot` is the step after which there is only
    forward. A step after the pivot whose refusal `unwinds` undoes everything, the pivot included; any other refusal
    there needs attention. What only tells that nothing came of the step (see `StepRefused.only_not_done`) unwinds
    nothing there: it is asked anew.
    `send` raises Refused for what cannot be asked for, `keep` for what was done otherwise than the purchase wants.
    """
    return Step(
        name=name,
        send=send,
        expect=expect,
        keep=keep,
        forget=forget,
        when=when,
        undo=undo,
        pivot=pivot,
        unwinds=unwinds,
    )


@dataclass(frozen=True)
class Saga(Generic[S]):
    """A business process. Records hold step names and this version, so that a new version may run beside the old."""

    name: str
    version: int
    steps: tuple[Step[S], ...]

    def __post_init__(self) -> None:
        names = [each.name for each in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"saga {self.name}: a step's name must be its own, got {names}")
        if sum(each.pivot for each in self.steps) > 1:
            raise ValueError(f"saga {self.name}: there can be one pivot at most")

    def step(self, name: str) -> Step[S] | None:
        return next((each for each in self.steps if each.name == name), None)

    def index(self, name: str) -> int:
        return next(i for i, each in enumerate(self.steps) if each.name == name)

    def standing(self, state: S, done: Container[str]) -> S:
        """The state without what the steps brought that are not `done`."""
        for each in reversed(self.steps):
            if each.name not in done:
                state = each.forget(state)
        return state

    def is_past_pivot(self, step: Step[S]) -> bool:
        return self.index(step.name) > self.pivot

    @property
    def pivot(self) -> int:
        """Index of the pivot; the number of steps where there is none."""
        return next((i for i, each in enumerate(self.steps) if each.pivot), len(self.steps))


Versions = Mapping[int, Saga[S]]
"""Every version of a saga that purchases may still be in."""
