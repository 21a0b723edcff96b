"""The one way in which a saga's run changes: load, advance, save with messages, send."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar

from shared.bus.outbox import Outbox
from shared.bus.retry import Unreadable
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Answer
from shared.kernel.clock import Clock
from shared.kernel.errors import Later
from shared.kernel.locks import KeyedLocks
from shared.kernel.values import changed
from shared.saga.definition import Versions
from shared.saga.engine import Advanced, advance
from shared.saga.happening import Happening, Start, TimersDue
from shared.saga.recollection import Recollection
from shared.saga.record import Patience, Record
from shared.saga.run import SagaRun
from shared.saga.watching import Watch, called
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored
from shared.telemetry import spans

CONFLICTS_BEFORE_WAITING = 10
NEWER_PAUSE = timedelta(seconds=30)


P = TypeVar("P", bound=SagaRun[Any])


class Orchestrator(Generic[P]):
    """Drives runs of one kind of sagas: answers, timers and requests in; commands and announcements out."""

    def __init__(
        self,
        repository: Repository[P],
        outbox: Outbox,
        clock: Clock,
        *,
        versions: Versions[Any],
        patience: Patience,
        announce: Callable[[P, P], Sequence[Message]] = lambda _before, _after: (),
        changed: Callable[[str], None] = lambda _id: None,
        watch: Watch | None = None,
    ) -> None:
        """`announce(before, after)` tells what else is said of a change, in the same write; `changed` is told the id
        of every run that was saved, `watch` what became of it."""
        self._repository = repository
        self._outbox = outbox
        self._clock = clock
        self._versions = versions
        self._patience = patience
        self._announce = announce
        self._changed = changed
        self._watch = watch or Watch()
        self._locks = KeyedLocks()
        self._recollection = Recollection[P]()

    async def begin(self, run: P) -> P:
        """Store a new run with its first command. Raises Conflict where the id exists."""
        run = changed(run, traceparent=spans.traceparent())
        return await self._advance(Stored(run, 0), Start(), None, wait=False)

    async def store(self, run: P, messages: Sequence[Message]) -> None:
        """Store a run that takes no steps, with what is said of it. Raises Conflict where the id exists."""
        entries = [self._outbox.entry(message) for message in messages]
        await self._repository.save(run, version=0, messages=entries)
        self._watch.stored(run)
        await self._outbox.send(self._repository.collection, run.id, entries)

    async def take(self, answer: Answer, cause: Envelope) -> None:
        """The handler of every answer."""
        if await self.happen(answer.purchase_id, answer, cause) is None:
            raise Unreadable("an answer to a purchase that is not here")

    async def fire(self, run_id: str) -> None:
        """Do what a run's timers ask for."""
        await self.happen(run_id, TimersDue())

    async def happen(self, run_id: str, happening: Happening, cause: Envelope | None = None) -> P | None:
        """Advance a run by one happening; None where there is no such run. Raises Later when it is busy."""
        return await self._move(run_id, lambda stored: self._traced(stored, happening, cause))

    async def change(self, run_id: str, edit: Callable[[Record], Record]) -> P | None:
        """An operator's change of the record, such as a timer's time; None where there is no such run."""

        async def save(stored: Stored[P]) -> P:
            if stored.value.record.version not in self._versions:
                raise newer_than_we(stored.value.record.version)
            after = stored.value.moved_to(stored.value.state, edit(stored.value.record), self._clock.now())
            saved = await self._repository.save(after, version=stored.version)
            self._recollection.keep(after.id, saved, after.record)
            return saved.value

        return await self._move(run_id, save)

    async def _move(self, run_id: str, move: Callable[[Stored[P]], Awaitable[P]]) -> P | None:
        """Recall or load, and save; from the beginning as often as others save first."""
        async with self._locks.of(run_id):
            recalled = self._recollection.of(run_id)
            if recalled is not None:
                try:
                    moved = await move(recalled)
                except Conflict:
                    self._recollection.was_wrong(run_id)
                else:
                    if moved is not recalled.value:
                        return moved
                # Where nothing follows from what may be old, look before concluding that.
            for _ in range(CONFLICTS_BEFORE_WAITING):
                stored = await self._repository.load(run_id)
                if stored is None:
                    return None
                try:
                    return await move(stored)
                except Conflict:
                    continue
        raise Later("the run is busy")

    async def _traced(self, stored: Stored[P], happening: Happening, cause: Envelope | None) -> P:
        """In the run's own trace, whoever makes it move."""
        with spans.under(stored.value.traceparent, f"saga {called(happening)}") as span:
            span.tell(milesaga__purchase_id=stored.value.id)
            return await self._advance(stored, happening, cause)

    async def _advance(
        self, stored: Stored[P], happening: Happening, cause: Envelope | None, *, wait: bool = True
    ) -> P:
        before, now = stored.value, self._clock.now()
        saga = self._versions.get(before.record.version)
        if saga is None:
            raise newer_than_we(before.record.version)
        advanced = advance(
            saga,
            Advanced(before.record, before.state),
            happening,
            purchase_id=before.id,
            now=now,
            patience=self._patience,
        )
        if advanced.record is before.record and not advanced.commands:
            return before
        after = before.moved_to(advanced.state, advanced.record, now)
        said = (*advanced.commands, *self._announce(before, after))
        entries = [self._outbox.entry(message, cause) for message in said]
        saved = await self._repository.save(after, version=stored.version, messages=entries)
        self._recollection.keep(after.id, saved, after.record)
        self._changed(after.id)
        self._watch.moved(before.record, after, happening, cause)
        if wait:
            await self._outbox.send(self._repository.collection, after.id, entries)
        else:
            self._outbox.send_soon(self._repository.collection, after.id, entries)
        return saved.value


def newer_than_we(version: int) -> Later:
    """A newer release began this run, and waits for one that knows how it goes on."""
    return Later(f"version {version} of the saga is newer than this process", NEWER_PAUSE)
