"""Random histories of the engine by seed: messages lost, doubled and out of order, refusals, effects that come late,
cancels, operators, silence. However it goes, a purchase ends whole or undone, and its record keeps its invariants."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from shared.contracts.steps import Answer, Command, StepRefused, StepUndone, Undo
from shared.kernel.values import Value, changed
from shared.saga.definition import Saga, Step, step
from shared.saga.engine import Advanced, advance, new_record
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Patience, Record, Status, StepState, StepStatus

HISTORIES = 300


class Do(Command):
    type: ClassVar[str] = "engine.do.v1"


class TakeBack(Undo):
    type: ClassVar[str] = "engine.take_back.v1"


class Did(Answer):
    type: ClassVar[str] = "engine.did.v1"


class Nothing(Value):
    """A saga that is about nothing."""


def a_step(name: str, *, undone: bool = True, pivot: bool = False, unwinds: bool = False) -> Step[Nothing]:
    return step(
        name,
        send=lambda _, at: Do(**at),
        expect=Did,
        undo=(lambda _, at: TakeBack(**at)) if undone else None,
        pivot=pivot,
        unwinds=unwinds,
    )


LAST = "f"
"""It cannot be taken back."""
SAGA = Saga[Nothing](
    name="engine",
    version=1,
    steps=(
        a_step("a"),
        a_step("b"),
        a_step("c"),
        a_step("pivot", pivot=True),
        a_step("d", unwinds=True),
        a_step("e"),
        a_step(LAST, undone=False),
    ),
)
PATIENCE = Patience(first_pause=timedelta(seconds=1), longest_pause=timedelta(seconds=4), asks=2)


class World:
    """A purchase, its workers, and a network without mercy."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = datetime(2027, 1, 1, tzinfo=UTC)
        self.at = Advanced(new_record(SAGA), Nothing())
        self.network: list[Command | Answer] = []
        self.answers: dict[tuple[str, int, bool], Answer] = {}
        self.fences = {each.name: 0 for each in SAGA.steps}
        self.in_force: set[str] = set()
        self.late: list[Command] = []
        self.loss = self.random.choice((0, 0.2, 0.5))
        self.refusing = self.random.choice((0, 0.1, 0.3))
        self.lateness = self.random.choice((0, 0.1, 0.3))
        self.fickleness = self.random.choice((0, 0.02, 0.1))

    def happen(self, happening: Happening) -> None:
        """`advance` itself asserts the record's invariants."""
        self.at = advance(SAGA, self.at, happening, purchase_id="p", now=self.now, patience=PATIENCE)
        for command in self.at.commands:
            self.send(command)

    def send(self, message: Command | Answer) -> None:
        copies = self.random.choice((0, 1, 2)) if self.random.random() < self.loss else 1
        self.network += [message] * copies

    def deliver(self, place: int) -> None:
        message = self.network.pop(place)
        if isinstance(message, Answer):
            self.happen(message)
        else:
            self.send(self.worked(message))

    def worked(self, command: Command) -> Answer:
        name = (command.step, command.attempt, command.undo)
        if name not in self.answers:
            self.answers[name] = self.undone(command) if command.undo else self.done(command)
        return self.answers[name]

    def done(self, command: Command) -> Answer:
        if command.attempt <= self.fences[command.step]:
            return StepRefused.to(command, code="fenced", detail="")
        if self.random.random() < self.refusing:
            self.fences[command.step] = command.attempt
            if self.random.random() < self.lateness:
                self.late.append(command)
            return StepRefused.to(command, code=self.random.choice(("sold_out", "not_done", "expired")), detail="")
        self.in_force.add(command.step)
        return Did.to(command)

    def undone(self, command: Command) -> Answer:
        if any(step == command.step and undo and attempt > command.attempt for step, attempt, undo in self.answers):
            return StepRefused.to(command, code="superseded", detail="")
        self.fences[command.step] = max(self.fences[command.step], command.attempt)
        self.in_force.discard(command.step)
        return StepUndone.to(command)

    def come_to_light(self) -> None:
        """A call that was taken for refused had its effect after all; whoever finds it says so."""
        command = self.late.pop()
        self.in_force.add(command.step)
        self.send(Did.to(command))
        self.send(Did.to(command))

    def think_better_of_it(self) -> None:
        """An undo that was done did not last. That is told at least once, in whatever order."""
        newest = {name: attempt for name, attempt, undo in sorted(self.answers) if undo and name not in self.in_force}
        for name, attempt in newest.items():
            told = self.answers[name, attempt, True]
            if isinstance(told, StepUndone) and self.at.record.steps[name].status is StepStatus.UNDONE:
                back = StepRefused(**told.model_dump(), code="came_back", detail="")
                self.answers[name, attempt, True] = back
                self.in_force.add(name)
                self.network += [back] * self.random.choice((1, 2))
                return

    def suffer(self) -> None:
        self.happen(Start())
        for _ in range(150):
            chance = self.random.random()
            if self.network and chance < 0.7:
                self.deliver(self.random.randrange(len(self.network)))
            elif chance < 0.72:
                self.happen(CancelRequested())
            elif chance < 0.73 and self.at.record.current:
                self.happen(AskRequested())
            elif chance < 0.76 and self.late:
                self.come_to_light()
            elif self.random.random() < self.fickleness:
                self.think_better_of_it()
            else:
                self.now += timedelta(seconds=self.random.choice((0, 1, 3)))
                self.happen(TimersDue())

    def heal(self) -> None:
        """From now on everything arrives once; operators ask where attention is needed."""
        self.loss = 0
        for turn in range(600):
            while self.late:
                self.come_to_light()
            record = self.at.record
            if self.network:
                self.deliver(0)
            elif record.wake_at is not None:
                self.now = max(self.now, record.wake_at)
                self.happen(TimersDue())
            elif record.status is Status.NEEDS_ATTENTION and turn < 400:
                self.happen(AskRequested())
            else:
                return


@pytest.mark.parametrize("seeds", [range(first, first + 50) for first in range(0, HISTORIES, 50)], ids=str)
def test_every_history_ends_whole_undone_or_before_an_operator(seeds: range) -> None:
    for seed in seeds:
        world = World(seed)
        world.suffer()
        world.heal()
        status, left = world.at.record.status, world.in_force
        assert status is not Status.RUNNING, f"seed {seed}: still running"
        if status is Status.COMPLETED:
            assert left == {each.name for each in SAGA.steps}, f"seed {seed}: completed with {left}"
        if status in (Status.REFUSED, Status.CANCELLED):
            assert not left - {LAST}, f"seed {seed}: undone, and {left} are in force"


def a_record() -> Record:
    return advance(
        SAGA,
        Advanced(new_record(SAGA), Nothing()),
        Start(),
        purchase_id="p",
        now=datetime(2027, 1, 1, tzinfo=UTC),
        patience=PATIENCE,
    ).record


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (lambda r: changed(r, current=""), "what runs awaits a step"),
        (lambda r: changed(r, current="nowhere"), "the awaited step is one of the saga's"),
        (lambda r: changed(r, current="b"), "timers are those of the awaited step"),
        (lambda r: changed(r, status=Status.COMPLETED), "only what is complete is completed"),
        (lambda r: changed(r, status=Status.REFUSED), "a refusal has its reason"),
        (lambda r: changed(r, status=Status.CANCELLED), "a cancellation was asked for"),
        (
            lambda r: changed(r, steps={**r.steps, "c": StepState(status=StepStatus.UNDOING)}),
            "one step at a time is undone",
        ),
        (
            lambda r: changed(r, steps={**r.steps, "c": StepState(status=StepStatus.UNDONE)}),
            "nothing is undone on the way forward",
        ),
        (lambda r: changed(r, steps={**r.steps, "c": StepState(attempt=0)}), "asks and attempts"),
        (lambda r: changed(r, timeline=(changed(r.timeline[-1], of=Status.COMPLETED),)), "the timeline ends"),
    ],
)
def test_a_record_that_cannot_be_is_named(spoil: Callable[[Record], Record], broken: str) -> None:
    record = a_record()
    record.check()
    with pytest.raises(AssertionError, match=broken):
        spoil(record).check()
