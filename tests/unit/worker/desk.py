"""A participant with everything around it in the test's hands: provider, clock, bus, and the real store."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

from shared.bus.dispatch import Handler
from shared.bus.outbox import Outbox
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import OutboxMessage
from shared.contracts.payment import AuthorizeCard, CardAuthorized, VoidAuthorization
from shared.contracts.steps import Command, StepRefused, StepUndone
from shared.kernel.ids import Uuid7Ids
from shared.kernel.money import Money
from shared.store.documents import Collection, CollectionSpec, Document
from shared.store.repository import Repository
from shared.store.sqlite import SqliteStore
from shared.worker.compaction import Keep, keep_all
from shared.worker.effect import Done, Effect, Repeatable
from shared.worker.participant import Participant
from shared.worker.work import Work
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock

PURCHASE = "0198c0de-0000-7000-8000-000000000001"
CALL_TIMEOUT = timedelta(seconds=3)
SETTLE = timedelta(seconds=1)
AMOUNT = Money(amount=1000, currency="BRL")
CAUSE = Envelope(id="cause", source="test", type="test")
FIRST_KEY = f"{PURCHASE}/authorise//1.1"
SECOND_KEY = f"{PURCHASE}/authorise//1.2"
DO = f"{PURCHASE}/authorise/"
UNDO = f"{PURCHASE}/authorise/:undo"
UNTIL_LOOK = CALL_TIMEOUT + 2 * SETTLE + timedelta(milliseconds=1)
"""After so long an intent has ended."""


class Held(Work):
    """A document with a field of its own."""

    schema_version: ClassVar[int] = 1
    state: str = "none"
    effect: str = ""


Script = Callable[[], Awaitable[None]]


class Provider:
    """Holds money once per key, and does in each call what its script says: before the effect, after it."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.effects: list[str] = []
        self.undone: list[str] = []
        self.looks = 0
        self.before: list[Exception | Script | None] = []
        self.after: list[Exception | Script | None] = []
        self.looking: list[Exception | Script | None] = []
        self.tidying: list[Exception | Script | None] = []

    async def call(self, _held: Held, command: AuthorizeCard, key: str) -> Done:
        self.keys.append(key)
        await _play(self.before)
        self.effects.append(key)
        await _play(self.after)
        return _done(command, key)

    async def find(self, _held: Held, command: AuthorizeCard, _key: str) -> Done | None:
        self.looks += 1
        await _play(self.looking)
        in_force = [effect for effect in self.effects if effect not in self.undone]
        return _done(command, in_force[0]) if in_force else None

    async def tidy(self, held: Held, _command: AuthorizeCard) -> None:
        await _play(self.tidying)
        self.undone += [effect for effect in self.in_force if effect != held.effect]

    async def undo(self, _held: Held, command: VoidAuthorization) -> Done:
        self.undone += [effect for effect in self.effects if effect not in self.undone]
        return Done(StepUndone.to(command), {"state": "undone"})

    @property
    def in_force(self) -> list[str]:
        return [effect for effect in self.effects if effect not in self.undone]


class Interrupted:
    """The real collection; `before_save` and `after_save` step in, once each."""

    def __init__(self, inner: Collection) -> None:
        self.inner = inner
        self.before_save: list[Exception | Script | None] = []
        self.after_save: list[Exception | Script | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        await _play(self.before_save)
        saved = await self.inner.save(document, messages)
        await _play(self.after_save)
        return saved


class Crash(Exception):
    """The process dies here."""


class Desk:
    """One process's participant over a store that others may share."""

    def __init__(
        self,
        store: SqliteStore,
        clock: HandClock,
        provider: Provider,
        bus: Recorder,
        *,
        calls: int = 3,
        asked_again: bool = True,
        call_timeout: timedelta = CALL_TIMEOUT,
        keep: Keep[Held] = keep_all,
        after_restore: bool = False,
    ) -> None:
        self.clock, self.provider, self.bus = clock, provider, bus
        self.collection = Interrupted(store.collection(CollectionSpec("held")))
        self.repository = Repository(cast(Collection, self.collection), Held, key=lambda held: held.id)
        self.outbox = outbox = Outbox("test", bus, clock, Uuid7Ids(clock))
        self.participant = Participant(
            self.repository,
            outbox,
            clock,
            new=lambda id_: Held(id=id_),
            call_timeout=call_timeout,
            settle=SETTLE,
            keep=keep,
            after_restore=after_restore,
        )
        effect = Effect(provider.call, provider.find, provider.tidy, calls=calls, asked_again=asked_again)
        self._do: Handler = self.participant.handler(effect)
        self._undo: Handler = self.participant.handler(Repeatable(provider.undo, asked_again=asked_again))

    async def do(self, *, attempt: int = 1, expires_at: datetime | None = None, copy: Envelope = CAUSE) -> None:
        await self._do(authorize(attempt, expires_at), copy)

    async def undo(self, *, attempt: int = 1, copy: Envelope = CAUSE) -> None:
        await self._undo(VoidAuthorization(purchase_id=PURCHASE, step="authorise", attempt=attempt), copy)

    def undo_by(self, act: Callable[..., Awaitable[Any]], *, asked_again: bool = True) -> None:
        """From now on the step is undone like this."""
        self._undo = self.participant.handler(Repeatable(act, asked_again=asked_again))

    def find_by(self, find: Callable[..., Awaitable[Done | None]]) -> None:
        """From now on the outcome of the step's one call is looked up like this."""
        self._do = self.participant.handler(Effect(self.provider.call, find, calls=1))

    def cannot_be_found(self) -> None:
        """From now on the provider cannot be searched for what is not on record."""
        effect = Effect(self.provider.call, self.provider.find, can_be_found=False)
        self._do = self.participant.handler(effect)

    async def close(self) -> None:
        await self.outbox.drain()

    async def stored(self) -> Held:
        found = await self.repository.load(PURCHASE)
        assert found is not None
        return found.value

    async def somebody_else_saves(self) -> None:
        """A change that this step knows nothing of."""
        document = await self.collection.inner.get(PURCHASE)
        assert document is not None
        await self.collection.inner.save(document)


def authorize(attempt: int = 1, expires_at: datetime | None = None) -> AuthorizeCard:
    return AuthorizeCard(
        purchase_id=PURCHASE,
        step="authorise",
        attempt=attempt,
        amount=AMOUNT,
        card_token="tok_visa",
        expires_at=expires_at,
    )


async def open_store(folder: Path) -> SqliteStore:
    store = SqliteStore(folder / "held.sqlite3")
    store.collection(CollectionSpec("held"))
    await store.open()
    return store


def _done(command: Command, effect: str) -> Done:
    answer = CardAuthorized.to(command, amount=AMOUNT, masked=effect)
    return Done(answer, {"state": "done", "effect": effect})


async def _play(script: list[Exception | Script | None]) -> None:
    step = script.pop(0) if script else None
    if isinstance(step, Exception):
        raise step
    if step is not None:
        await step()


async def for_ever() -> None:
    await asyncio.Event().wait()


def codes(bus: Recorder) -> list[str]:
    return [answer.code for answer in bus.answers() if isinstance(answer, StepRefused)]
