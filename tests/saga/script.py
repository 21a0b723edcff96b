"""A saga played as a script: expect a command, give its answer, or stay silent. Pure: no bus, no store, no clock."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Self

from shared.contracts.steps import Answer, Command, StepRefused, StepUndone
from shared.saga.definition import S, Saga
from shared.saga.engine import Advanced, advance, new_record
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Patience, Record, Status, StepStatus

PURCHASE_ID = "p-1"
BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)
PATIENCE = Patience(
    first_pause=timedelta(seconds=2), longest_pause=timedelta(seconds=10), asks=3, command_life=timedelta(hours=1)
)

Reply = Callable[[Command], Answer]


def done(kind: type[Answer], **fields: Any) -> Reply:
    """The answer that means done."""
    return lambda command: kind.to(command, **fields)


def refused(code: str) -> Reply:
    return lambda command: StepRefused.to(command, code=code, detail=f"because of {code}")


def undone() -> Reply:
    return StepUndone.to


class Script(Generic[S]):
    """One run of a saga. Each method checks or moves on, and returns the script."""

    def __init__(self, saga: Saga[S], state: S, patience: Patience = PATIENCE) -> None:
        self.saga = saga
        self.now = BEGINNING
        self.advanced = Advanced(new_record(saga), state)
        self.sent: deque[Command] = deque()
        self.last: Command | None = None
        self._patience = patience
        self.happen(Start())

    @property
    def record(self) -> Record:
        return self.advanced.record

    @property
    def status(self) -> Status:
        return self.record.status

    @property
    def state(self) -> S:
        return self.advanced.state

    def step(self, name: str) -> StepStatus:
        return self.record.steps[name].status

    def happen(self, happening: Happening) -> Self:
        before = self.advanced
        given = {"purchase_id": PURCHASE_ID, "now": self.now, "patience": self._patience}
        self.advanced = advance(self.saga, before, happening, **given)  # type: ignore[arg-type]
        again = advance(self.saga, before, happening, **given)  # type: ignore[arg-type]
        assert again == self.advanced, "the same record and happening must give the same result"
        restored = Record.model_validate_json(self.record.model_dump_json())
        assert restored == self.record, "a record must survive its storage"
        self.sent.extend(self.advanced.commands)
        return self

    def expect(self, kind: type[Command], **fields: Any) -> Self:
        """The next command sent is of this kind, with these fields."""
        assert self.sent, f"expected {kind.__name__}, nothing was sent; {self.record}"
        command = self.sent.popleft()
        assert type(command) is kind, f"expected {kind.__name__}, got {command!r}"
        assert command.purchase_id == PURCHASE_ID
        for name, value in fields.items():
            assert getattr(command, name) == value
        self.last = command
        return self

    def answer(self, reply: Reply) -> Self:
        """The worker answers the command expected last."""
        assert self.last is not None
        return self.happen(reply(self.last))

    def silence(self) -> Self:
        """Time goes by until the next timer is due."""
        assert self.record.wake_at is not None, "nothing is awaited"
        self.now = self.record.wake_at
        return self.happen(TimersDue())

    def cancel(self) -> Self:
        return self.happen(CancelRequested())

    def ask(self) -> Self:
        """An operator asks."""
        return self.happen(AskRequested())

    def ends(self, status: Status) -> Self:
        """Nothing more is sent, and this is where the whole stands."""
        self.nothing_more()
        assert self.status is status
        return self

    def nothing_more(self) -> Self:
        assert not self.sent, f"unexpected {self.sent}"
        return self
